from django.apps import AppConfig


class TravelersConfig(AppConfig):
    name = "parkerflight.travelers"
    label = "travelers"
