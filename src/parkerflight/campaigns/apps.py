from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "parkerflight.campaigns"
    label = "campaigns"
