"""Redis as a cache that may be away: what is kept there is a comfort, never a truth. And what stands in for it on one
machine without Redis.

With Django's own backend every page would answer 500 while Redis is down. Here a miss is answered instead, and the
work behind it is done anew.

A Redis that takes connections and says nothing (it is stopped, or the network swallows its answers) costs a time limit
with each question, and a page asks a dozen of them. So after one that was not answered nobody of this process asks for
a few seconds, as if Redis were away, which costs nothing.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import RedisError, TimeoutError

log = logging.getLogger(__name__)

SILENT_SECONDS = 5.0


class Silence:
    """Whether Redis has just not answered somebody of this process in time."""

    until = 0.0

    def note(self, error: RedisError) -> None:
        if isinstance(error, TimeoutError) and time.monotonic() >= self.until:
            self.until = time.monotonic() + SILENT_SECONDS

    def refuse(self) -> None:
        """Before a question to Redis. Raises the `TimeoutError` that it would end with."""
        if time.monotonic() < self.until:
            raise TimeoutError("it has just not answered in time")


silence = Silence()


class OneClient(RedisCacheClient):
    """Django makes an object of `redis` for each question, which is a good part of what the question costs."""

    @cached_property
    def only(self) -> Any:
        return super().get_client(write=True)

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        silence.refuse()
        return self.only


class ForgivingRedisCache(RedisCache):
    """All threads of a process share one pool of connections. Django makes one for each thread, and the threads of
    `SideBySide` live for one page: each would connect anew.
    """

    _servers: list[str]
    _options: dict[str, Any]
    clients: ClassVar[dict[object, OneClient]] = {}

    @cached_property
    def _cache(self) -> OneClient:
        made = OneClient(self._servers, **self._options)
        return self.clients.setdefault((*self._servers, *sorted(self._options.items())), made)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        try:
            return super().get(key, default, version)
        except RedisError as error:
            _say(error)
            return default

    def set(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> None:
        try:
            super().set(key, value, *args, **kwargs)
        except RedisError as error:
            _say(error)

    def add(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> bool:
        """True while Redis is away: whoever asks "am I the first?" goes on, and the database decides."""
        try:
            return super().add(key, value, *args, **kwargs)
        except RedisError as error:
            _say(error)
            return True

    def touch(self, key: Any, *args: Any, **kwargs: Any) -> bool:
        try:
            return super().touch(key, *args, **kwargs)
        except RedisError as error:
            _say(error)
            return False

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """`delta` while Redis is away, as if nothing had been counted before."""
        try:
            return int(super().incr(key, delta, version))
        except RedisError as error:
            _say(error)
            return delta

    def get_many(self, keys: Any, version: int | None = None) -> dict[Any, Any]:
        try:
            return dict(super().get_many(keys, version))
        except RedisError as error:
            _say(error)
            return {}

    def set_many(self, data: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """The keys that were not kept."""
        try:
            return list(super().set_many(data, *args, **kwargs))
        except RedisError as error:
            _say(error)
            return list(data)

    def delete_many(self, keys: Any, version: int | None = None) -> None:
        try:
            super().delete_many(keys, version)
        except RedisError as error:
            _say(error)

    def delete(self, key: Any, version: int | None = None) -> bool:
        try:
            return super().delete(key, version)
        except RedisError as error:
            _say(error)
            return False


def _say(error: RedisError) -> None:
    silence.note(error)
    log.warning("the cache does not answer: %s", type(error).__name__)


class OneMachineCache(BaseCache):
    """Marks that all processes of one machine share: `add` and `touch`, of a file each, whose time is when it is over.
    Of several that add the same one succeeds, which Django's own cache of files does not promise, and takes ten times
    as long for. Their number is that of the keys, so none is cleared away.
    """

    def __init__(self, folder: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self.folder = Path(folder)

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """`value` is not kept."""
        return self._mark(key, timeout, version, there=False)

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return self._mark(key, timeout, version, there=True)

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _mark(self, key: str, timeout: Any, version: int | None, *, there: bool) -> bool:
        """Until then; False where it is there and should not be, or the other way round."""
        file = self.folder / sha256(self.make_key(key, version).encode()).hexdigest()
        until = float(self.get_backend_timeout(timeout) or 0)
        with self._alone():
            is_there = file.exists() and file.stat().st_mtime > time.time()
            if is_there is there:
                file.touch()
                os.utime(file, (until, until))
            return is_there is there

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
