from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "parkerflight.notifications"
    label = "notifications"
