from django.apps import AppConfig


class FlightsConfig(AppConfig):
    name = "parkerflight.flights"
    label = "flights"
