"""Both vendors' limits on calls, kept by us before they have to refuse one.

A call takes one of its owner's slots, and the slot rests for a while after the call has ended. So there are never more
calls at once than slots, nor more in a time than slots and rest allow, whichever of our processes make them. The slots
lie in the cache: in Redis for the processes of all machines together, without Redis in files for those of one.

QuickBooks: 10 at once and 10 a second for each company, 500 a minute. Seven slots, each taken for a call of two tenths
at least and a second of rest, are 350 a minute. The rest is left to the regular looks at all companies
(`invoices.sweep`), which take no slots because that would be half of their work: one at a time for each company, by its
claim, and two or three a second at most, by the pause that notices are given (`invoices.pacing.SILENCE`).
https://developer.intuit.com/app/developer/qbo/docs/learn/limits-and-throttles
Pipedrive: 80 in two seconds for each user on the smallest plan.
https://pipedrive.readme.io/docs/core-api-concepts-rate-limiting
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings
from django.core.cache import BaseCache, cache, caches

from integration_settings.errors import RateLimited
from integration_settings.http import Service

SLOTS: dict[Service, int] = {"quickbooks": 7, "pipedrive": 80}
REST: dict[Service, int] = {"quickbooks": 1, "pipedrive": 2}  # whole seconds: the cache knows no others
LONGEST_CALL = 30  # seconds after which a slot is free although nobody gave it back
PATIENCE, NEXT_LOOK = 5.0, 0.05
MOST_IN_LINE = 4
"""Requests for one owner that one process lets wait; the rest of its threads is for everybody else."""

_turn = itertools.count(random.randrange(SLOTS["pipedrive"]))  # noqa: S311  # no secret: processes begin at several
_caller: ContextVar[object] = ContextVar("caller", default=None)
_lock = threading.Lock()
_lines: dict[tuple[Service, str], Counter[object]] = {}


@contextmanager
def slot(service: Service, owner: str) -> Iterator[None]:
    """Waits for a slot of this realm or user; raises `RateLimited` when none gets free within five seconds, or at once
    when others wait already.
    """
    key = _take(service, owner)
    try:
        yield
    finally:
        _slots().touch(key, REST[service])


@contextmanager
def one_caller() -> Iterator[None]:
    """All calls within it, in its other threads too, are made for one request."""
    token = _caller.set(object())
    try:
        yield
    finally:
        _caller.reset(token)


def caller() -> object:
    """The request that a call is made for; None outside of requests."""
    return _caller.get()


def _take(service: Service, owner: str) -> str:
    if key := _free(service, owner):
        return key
    end = time.monotonic() + PATIENCE
    with _in_line(service, owner):
        while time.monotonic() < end:
            time.sleep(NEXT_LOOK)
            if key := _free(service, owner):
                return key
    raise _all_taken(service)


def _free(service: Service, owner: str) -> str:
    """A slot that is ours now, "" when all are taken. Those that this process took last rest still: it goes on behind
    them, so that the first one it asks for is free mostly.
    """
    slots = _slots()
    for _ in range(SLOTS[service]):
        key = f"slot:{service}:{owner}:{next(_turn) % SLOTS[service]}"
        if slots.add(key, True, LONGEST_CALL):
            return key
    return ""


def _slots() -> BaseCache:
    return caches["calls"] if "calls" in settings.CACHES else cache


@contextmanager
def _in_line(service: Service, owner: str) -> Iterator[None]:
    """Raises `RateLimited` at once where so many requests wait for the same: each keeps a thread of the web server."""
    who = caller()
    with _lock:
        line = _lines.setdefault((service, owner), Counter())
        if who not in line and len(line) >= MOST_IN_LINE:
            raise _all_taken(service)
        line[who] += 1
    try:
        yield
    finally:
        with _lock:
            line[who] -= 1
            if not line[who]:
                del line[who]
            if not line:
                del _lines[service, owner]


def _all_taken(service: Service) -> RateLimited:
    return RateLimited(service, "all slots for calls are taken", retry_after=REST[service], status=None)
