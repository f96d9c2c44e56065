"""`manage.py migrate`: as Django's, and on PostgreSQL it stands in nobody's way for long.

A change of a table waits for everybody who uses it, and everybody who comes later waits behind the change: without a
limit one slow transaction would stop the whole service. With it the step fails after a few seconds, with nothing done
by the migration that it failed in, and is run again.
https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-LOCK-TIMEOUT
"""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

LOCK_SECONDS = 5


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        if connection.vendor != "postgresql":
            super().handle(*args, **options)
            return
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = %s", [f"{LOCK_SECONDS}s"])
        try:
            super().handle(*args, **options)
        finally:
            with connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout")
