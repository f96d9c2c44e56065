from django.apps import AppConfig


class Breaking(AppConfig):
    name = "tests.processes.breaking"

    def ready(self) -> None:
        from tests.processes.broken import break_it

        break_it()
