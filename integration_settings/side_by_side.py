"""Several calls to the services at once, so that a page waits for the slowest and not for their sum."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from types import TracebackType
from typing import Self, TypeVar, TypeVarTuple

from django.db import connection, connections

Given = TypeVarTuple("Given")
Found = TypeVar("Found")


class SideBySide:
    """`with SideBySide(4) as calls: soon = calls.start(work, argument)`, then `soon.result()`.

    Work runs with our log context and leaves no database connection behind. Inside a transaction it runs at once, one
    after the other: another thread's connection would not see what the transaction has written.
    """

    def __init__(self, most: int) -> None:
        self.in_turn = connection.in_atomic_block
        self.left = False
        self.pool = ThreadPoolExecutor(max_workers=most)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pool.shutdown(wait=not self.left, cancel_futures=error is not None)

    def leave(self) -> None:
        """Nobody waits for what is still under way: its answer is not wanted any more."""
        self.left = True

    def start(self, work: Callable[[*Given], Found], *args: *Given) -> Future[Found]:
        if self.in_turn:
            return done(work, *args)

        def run() -> Found:
            try:
                return work(*args)
            finally:
                connections.close_all()

        return self.pool.submit(copy_context().run, run)


def done(work: Callable[[*Given], Found], *args: *Given) -> Future[Found]:
    """What `start` gives, of work that is worth no thread."""
    future: Future[Found] = Future()
    try:
        future.set_result(work(*args))
    except Exception as error:  # raised again by `result()`, as from a thread
        future.set_exception(error)
    return future
