from django.apps import AppConfig


class InvoicesConfig(AppConfig):
    name = "invoices"

    def ready(self) -> None:
        from invoices import metrics  # noqa: F401, PLC0415  # registers its figures
