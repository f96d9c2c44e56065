from django.apps import AppConfig


class IntegrationSettingsConfig(AppConfig):
    name = "integration_settings"
    verbose_name = "Companies and connections"

    def ready(self) -> None:
        from integration_settings import checks  # noqa: F401, PLC0415  # registers them
