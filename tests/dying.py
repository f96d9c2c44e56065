"""Work whose process dies at each of its moments in turn, or beside which something else happens at each of them.

A moment is before a statement, before and after a call to a service, and before a message to a worker. The statements
of a transaction are none: whoever dies within it leaves no more behind than who died before it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest
from celery import Task
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.db import connection, connections
from django.db.backends.utils import CursorWrapper
from requests.adapters import HTTPAdapter

Answer = TypeVar("Answer")


class Died(BaseException):
    """No handler of ours takes it for a failure: of a process that was killed none goes on."""


class Life:
    """Of one process. At its moment number `last` it dies, and nothing more of it reaches database, services, broker or
    cache, from its `finally` or its other threads; or `beside` is called then, by somebody else, and it goes on.
    With `within` it is called within transactions, too. `named` is what a moment is called by that counts.
    """

    def __init__(
        self, last: int, beside: Callable[[], Any] | None = None, *, within: bool = False, named: str = ""
    ) -> None:
        self.last, self.beside, self.within, self.named = last, beside, within, named
        self.moments, self.ended = 0, False
        self.at = "its end"
        self.busy = False

    @property
    def died(self) -> bool:
        return self.ended and self.beside is None

    def do(self, work: Callable[[], Answer]) -> Answer | None:
        """What the work answers; None when the process has died."""
        with pytest.MonkeyPatch.context() as patch:
            self._watch(patch, CursorWrapper, "_execute_with_wrappers", lambda _cursor, sql, *_: sql)
            self._watch(patch, HTTPAdapter, "send", lambda _, call, *__: f"{call.method} {call.path_url}", is_call=True)
            self._watch(patch, Task, "apply_async", lambda task, *_: f"message {task.name}")
            for name in ("get", "set", "add", "delete", "touch"):
                self._watch(patch, LocMemCache, name, None)
            try:
                return work()
            except Died:
                connections.close_all()
                return None

    def _watch(
        self,
        patch: pytest.MonkeyPatch,
        owner: Any,
        name: str,
        told: Callable[..., str] | None,
        *,
        is_call: bool = False,
    ) -> None:
        """`told` says what is about to be done; None where it is no moment."""
        original = getattr(owner, name)

        def called(this: Any, *args: Any, **kwargs: Any) -> Any:
            if self.died:
                raise Died
            if told:
                self._moment(told(this, *args), is_call=is_call)
            answer = original(this, *args, **kwargs)
            if is_call and told:
                try:
                    self._moment(f"the answer to {told(this, *args)}", is_call=True)
                except Died:
                    answer.close()  # as the sockets of a process that is gone
                    raise
            return answer

        patch.setattr(owner, name, called)

    def _moment(self, what: str, *, is_call: bool) -> None:
        unseen = connection.in_atomic_block and not self.within and (self.beside or not is_call)
        if self.busy or self.ended or unseen or self.named not in what:
            return
        self.moments += 1
        if self.moments < self.last:
            return
        self.ended, self.at = True, what
        if self.beside is None:
            raise Died
        self.busy = True
        try:
            self.beside()
        finally:
            self.busy = False


def lives(beside: Callable[[], Any] | None = None, *, within: bool = False) -> Iterator[Life]:
    """Each is a moment longer, the last of them comes to its end. None finds anything in the cache of those before."""
    for last in itertools.count(1):
        cache.clear()
        life = Life(last, beside, within=within)
        yield life
        if not life.ended:
            assert life.moments, "nothing was done"
            return
