from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "parkerflight.payments"
    label = "payments"
