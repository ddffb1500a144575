from django.apps import AppConfig


class InboxConfig(AppConfig):
    name = "parkerflight.inbox"
    label = "inbox"
