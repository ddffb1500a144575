from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "parkerflight.core"
    label = "core"
