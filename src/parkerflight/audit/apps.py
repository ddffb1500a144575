from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "parkerflight.audit"
    label = "audit"
