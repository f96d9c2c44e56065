"""What comes only once is stored although the database is away for a moment: a grant that a service has just given, an
uninstall that Pipedrive tells once and never again.

PostgreSQL ends every connection when it restarts, or when another machine takes its place, and takes new ones some
seconds later.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from time import sleep as wait  # by a name of its own, which tests may shorten
from typing import TypeVar

from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    ProgrammingError,
    close_old_connections,
)

log = logging.getLogger(__name__)

# A crash is told by the first of all errors, a replica, which takes nothing, by one of its own; so not by their names.
AWAY = (DatabaseError, InterfaceError)
OF_THE_STATEMENT = (DataError, IntegrityError, NotSupportedError, ProgrammingError)
LONGEST, NEXT_TRY = 20.0, 0.5

Answer = TypeVar("Answer")


def patiently(store: Callable[[], Answer]) -> Answer:
    """What `store` answers, which is a whole transaction and harmless when done twice: the answer to its end may have
    been lost. Never within another transaction. Raises the database's error when it stays away for too long.
    """
    begun, told = time.monotonic(), False
    while True:
        try:
            return store()
        except AWAY as error:
            close_old_connections()  # one that is broken stays so
            if isinstance(error, OF_THE_STATEMENT) or time.monotonic() - begun >= LONGEST:
                raise
            if not told:
                log.warning("the database is away, and what comes only once waits for it: %s", type(error).__name__)
                told = True
            wait(NEXT_TRY)
