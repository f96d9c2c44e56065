from django.apps import AppConfig


class IntegrationSettingsConfig(AppConfig):
    name = "integration_settings"
