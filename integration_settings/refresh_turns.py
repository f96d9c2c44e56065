"""New tokens of very many companies: a few at a time, and nobody stands in line while Intuit keeps silent about them.

Each refresh holds a connection to the database, so few are made at once. While none is answered, a line of two hundred
would hold a process of the worker for minutes, the next sweep's line another one, until none is left for people.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock

from django.core.cache import cache

from integration_settings.errors import ServiceError, ServiceUnavailable
from integration_settings.shares import LONG

AT_ONCE = 8
NO_CHANCE = 4  # refreshes, one after the other, that took long and brought nothing; one alone may do so by chance
REST_SECONDS = 20  # then it is tried again
SILENT = "intuit-gives-no-tokens"


class RefreshTurns:
    """Those of one process."""

    def __init__(self) -> None:
        self.turns, self.lock = BoundedSemaphore(AT_ONCE), Lock()
        self.in_vain = 0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Around a refresh. Raises `ServiceUnavailable` while Intuit is silent about others'; nothing is sent then."""
        with self.turns:
            if cache.get(SILENT):
                raise ServiceUnavailable("quickbooks", "others wait for their new tokens in vain")
            begun = time.monotonic()
            try:
                yield
            except ServiceUnavailable:
                if time.monotonic() - begun >= LONG:
                    self._was_in_vain()
                raise
            except ServiceError:
                self.in_vain = 0  # it answered
                raise
            self.in_vain = 0

    def _was_in_vain(self) -> None:
        with self.lock:
            self.in_vain += 1
            if self.in_vain >= NO_CHANCE:
                cache.set(SILENT, True, REST_SECONDS)


turns = RefreshTurns()
