"""Sockets below `http`: kept alive for a while by the whole process, and never used beyond the deadline of a call."""

from __future__ import annotations

import atexit
import http.client
import io
import math
import os
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError

CALLS_AT_ONCE = 150  # of one process, whose connections to one host are kept alive
KEPT_SECONDS = 60.0  # from its last call on; the NATs of clouds forget after four minutes or more


class _OfThisThread(threading.local):
    deadline = math.inf


this_call = _OfThisThread()


class _InTime(io.RawIOBase):
    """What a socket brings, until the deadline of this thread's call: a time limit of a socket is for its next bytes
    only, so that single bytes of a head or a body could hold somebody for hours.
    """

    def __init__(self, raw: io.RawIOBase) -> None:
        self.raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if time.monotonic() > this_call.deadline:
            raise TimeoutError("not complete in time")
        return self.raw.readinto(buffer)

    def close(self) -> None:
        self.raw.close()
        super().close()


class Outgoing(io.BytesIO):
    """A large body, which goes out part by part: as a whole it would have to in the time in which one connects."""

    def read(self, size: int | None = -1) -> bytes:
        if time.monotonic() > this_call.deadline:
            raise TimeoutError("not sent in time")
        return super().read(size)


class _Answer(http.client.HTTPResponse):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fp = io.BufferedReader(_InTime(self.fp.detach()))

    def _read_status(self) -> tuple[str, int, str]:
        """That of the answer, past what is said before it, such as 103 Early Hints. Taken for the answer, it would
        leave the real one to whoever uses the connection next.
        """
        read: Callable[[], tuple[str, int, str]]
        read = super()._read_status  # type: ignore[misc]  # its types leave it out
        found = read()
        while http.HTTPStatus.CONTINUE < found[1] < http.HTTPStatus.OK:
            http.client.parse_headers(self.fp)
            found = read()
        return found


class _Kept(HTTPConnection):
    """Kept alive for the next call, but not for long: what is silent is forgotten by a NAT or a firewall on its way,
    after a few minutes mostly and without a word to either end. A call on it would get no answer, and nobody could say
    whether the service has seen it.
    """

    response_class = _Answer
    used_at = math.inf

    def connect(self) -> None:
        super().connect()
        _refuse_late(self)

    def request(self, *args: Any, **kwargs: Any) -> None:
        _refuse_late(self)
        self.used_at = time.monotonic()
        super().request(*args, **kwargs)

    @property
    def is_connected(self) -> bool:
        """What the pool asks before it gives a connection to somebody; one that is not is made anew."""
        return super().is_connected and time.monotonic() - self.used_at < KEPT_SECONDS


class _HTTPSConnection(_Kept, HTTPSConnection):
    pass


def _refuse_late(connection: HTTPConnection) -> None:
    """No time limit holds for looking up an address, nor for a process that is stopped. What is sent so late may be
    somebody else's by now: our lease has run out.
    """
    if time.monotonic() > this_call.deadline:
        connection.close()
        raise ConnectTimeoutError(connection, "not connected in time, so nothing was sent")


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _Kept


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


@lru_cache(maxsize=1)
def adapter() -> HTTPAdapter:
    """One pool of kept-alive connections for the whole process, whoever opens a session."""
    made = HTTPAdapter(pool_connections=20, pool_maxsize=CALLS_AT_ONCE, max_retries=0)
    made.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
    return made


# A forked worker must not speak through its parent's sockets.
os.register_at_fork(after_in_child=adapter.cache_clear)
atexit.register(lambda: adapter().close())
