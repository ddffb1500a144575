from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "parkerflight.accounts"
    label = "accounts"
