"""Several calls to the services at once, so that a page waits for the slowest and not for their sum; and long work
behind everybody else's.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from threading import Event, Thread, get_native_id
from types import TracebackType
from typing import Self, TypeVar, TypeVarTuple

from django.db import connection, connections

BEHIND = 5  # of `nice`: a quarter of a processor that somebody else wants, too

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


class Interrupted(Exception):
    """Whoever waited for the work waits no more, because of a time limit for instance."""


def behind_the_others(work: Callable[[Callable[[], None]], object]) -> None:
    """Does what takes long in a thread that leaves the processor to whoever wants it, and waits for it. A process could
    not come back from its lower priority, and does other work afterwards.

    `work` gets a function that it calls now and then: it raises `Interrupted` once nobody waits any more.
    """
    if connection.in_atomic_block:
        work(lambda: None)
        return
    ended, finished = Event(), Event()
    outcome: list[Future[object]] = []

    def go_on() -> None:
        if ended.is_set():
            raise Interrupted

    def run() -> None:
        if sys.platform == "linux":  # elsewhere a thread has no priority of its own
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + BEHIND)
        try:
            outcome.append(done(work, go_on))
            connections.close_all()
        finally:
            finished.set()

    # Not `join`: in Python 3.11 a thread counts as ended once a signal has interrupted that, though it goes on.
    try:
        begin(Thread(target=copy_context().run, args=(run,), name="behind the others"), finished)
        finished.wait()
    except BaseException:
        ended.set()
        finished.wait()
        raise
    outcome[0].result()


def begin(thread: Thread, finished: Event) -> None:
    try:
        thread.start()
    except RuntimeError:  # there is no thread to be had, and so nothing to wait for
        finished.set()
        raise
