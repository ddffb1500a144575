from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "parkerflight.vault"
    label = "vault"
