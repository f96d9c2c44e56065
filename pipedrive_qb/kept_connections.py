"""A web process keeps the connections of its threads to the database, which saves each request to make one; but not
while somebody finds none free.

PostgreSQL allows for so many of all processes together. Threads that nobody asks anything of would hold theirs for
days, and the worker, whose turn comes once they are taken, would get none for as long.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from django.core.cache import cache
from django.core.signals import got_request_exception, request_finished
from django.db import OperationalError, connections

SOMEBODY_FINDS_NONE = "no-connection-to-the-database"
SECONDS = 60  # after the last one who found none
NEXT_LOOK = 2.0  # so that not every request asks Redis


class Keeping:
    """Whether the threads of this process may keep theirs."""

    def __init__(self) -> None:
        self.may, self.looked = True, 0.0

    def is_over(self) -> bool:
        if (now := time.monotonic()) - self.looked >= NEXT_LOOK:
            self.looked, self.may = now, not cache.get(SOMEBODY_FINDS_NONE)
        return not self.may

    def end(self, **_: Any) -> None:
        """After a request. None that is used: tests are within a transaction then."""
        if self.is_over():
            for connection in connections.all(initialized_only=True):
                if not connection.in_atomic_block:
                    connection.close()


keeping = Keeping()


def watch() -> None:
    """For the web server, which alone keeps any."""
    got_request_exception.connect(_of_request)
    request_finished.connect(keeping.end)


def _of_request(**_: Any) -> None:
    note(sys.exc_info()[1])


def note(error: BaseException | None) -> None:
    """Why there is none is told in words alone, in the language of the server. Any other reason does no harm here."""
    if isinstance(error, OperationalError):
        cache.set(SOMEBODY_FINDS_NONE, True, SECONDS)
