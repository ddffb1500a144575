from django.apps import AppConfig


class OpsConfig(AppConfig):
    name = "parkerflight.ops"
    label = "ops"
