"""`manage.py migrate`: as Django's, and on PostgreSQL it stands in nobody's way for long, not even in its own.

A change of a table waits for everybody who uses it, and everybody who comes later waits behind the change: without a
limit one slow transaction would stop the whole service. With it the step fails after a few seconds, with nothing done
by the migration that it failed in, and is run again.
https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-LOCK-TIMEOUT

Where each of several machines migrates when it starts, the first does the work, and the others find it done.
https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

LOCK_SECONDS = 5
ONE_AT_A_TIME = 7_451_966_308_120_557_413  # ours among the numbers of this database's advisory locks
ASKED_AGAIN_AFTER = 0.5


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        if connection.vendor != "postgresql" or options["check_unapplied"] or options["plan"]:
            super().handle(*args, **options)
            return
        with self._alone(connection):
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = %s", [f"{LOCK_SECONDS}s"])
            try:
                super().handle(*args, **options)
            finally:
                with connection.cursor() as cursor:
                    cursor.execute("RESET lock_timeout")

    @contextmanager
    def _alone(self, connection: BaseDatabaseWrapper) -> Iterator[None]:
        """Asked for again and again: a statement that waits for the lock would itself be waited for by
        `CREATE INDEX CONCURRENTLY`, for ever.
        """
        waits = False
        with connection.cursor() as cursor:
            while not _said(cursor, "SELECT pg_try_advisory_lock(%s)"):
                if not waits:
                    self.stdout.write("Another migrate is at work; this one waits for it.")
                waits = True
                time.sleep(ASKED_AGAIN_AFTER)  # there is nothing that would tell
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                _said(cursor, "SELECT pg_advisory_unlock(%s)")


def _said(cursor: Any, statement: str) -> bool:
    cursor.execute(statement, [ONE_AT_A_TIME])
    return bool(cursor.fetchone()[0])
