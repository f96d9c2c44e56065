"""What one company may hold of the worker's processes and the web server's threads, which work for all of them.

A call without an answer holds its process or thread for twenty seconds, and a worker has four. So a company's work has
two of them at a time, one once a service has kept silent for it, and none for a while after it did so again: its rows
wait. What is known of this lies in the cache; without Redis, where each process has a cache of its own, nobody is
held back. Of the threads each process knows by itself who holds them.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta

from django.core.cache import cache

from integration_settings.call_slots import caller, one_caller
from integration_settings.clock import shared_now
from integration_settings.errors import OutcomeUnknown, ServiceUnavailable
from integration_settings.http import Service

SEATS = 2
SEAT_SECONDS = 32  # then it is free although nobody left it; no call takes longer, and each begins them anew
LONG = 10.0  # seconds; what fails sooner holds nobody
SAME_MOMENT = 15  # seconds; calls that end within it kept silent together
REMEMBERED = 600  # seconds after the last call that held somebody for nothing
LEFT_ALONE = (0, 20, 40, 60)  # seconds, after one such call, which may be chance, after two, three, and more
SEVERAL, RECENTLY = 5, 120  # companies for which a service keeps silent; seconds for which it counts after the last one
HELD, MOST_HELD = 2.0, 4  # seconds of a call; requests of one company that it may hold, of a process' eight threads
HELD_BY_ALL = 6  # requests of all companies; from then on nobody has a second one held

NEXT_LOOK = 0.2

_held: ContextVar[tuple[tuple[str, str], ...]] = ContextVar("held", default=())  # each place, and whose it is
_change = threading.Condition()
_calls: dict[object, dict[object, tuple[object, float]]] = {}  # under way: who asked, and since when


@contextmanager
def seat(service: Service, company_id: int) -> Iterator[bool]:
    """For work of the company that calls the service: whether there is a place for it now."""
    silences, alone = _keys(service, company_id)
    known = cache.get_many([silences, alone])
    most = 0 if alone in known else 1 if silences in known else SEATS
    places = (f"seat:{service}:{company_id}:{number}" for number in range(most))
    with _first_free(places) as taken:
        yield taken


@contextmanager
def _first_free(places: Iterable[str]) -> Iterator[bool]:
    whose = uuid.uuid4().hex
    taken = next((place for place in places if cache.add(place, whose, SEAT_SECONDS)), "")
    before = _held.set((*_held.get(), (taken, whose)) if taken else _held.get())
    try:
        yield bool(taken)
    finally:
        _held.reset(before)
        if taken and cache.get(taken) == whose:  # else somebody else has it: its time was over
            cache.delete(taken)


def _stay() -> None:
    """Work of several calls, each of which takes long, would lose its places in the middle: to one more process."""
    for place, whose in _held.get():
        if cache.get(place) == whose:
            cache.touch(place, SEAT_SECONDS)


@contextmanager
def unhurried(service: Service) -> Iterator[bool]:
    """For work that goes by the clock and that nobody waits for: whether it may call the service now. One that keeps
    silent for several companies is called by one process at a time, so that the others are there for people.
    """
    if len(cache.get(_silent(service), ())) < SEVERAL:
        yield True
        return
    with _first_free([f"asks:{service}"]) as free:
        yield free


def left_alone_until(service: Service, company_id: int) -> datetime | None:
    """When the company's work goes on that calls the service; None where it may go on now."""
    until = cache.get(_keys(service, company_id)[1])
    return datetime.fromisoformat(until) if until else None


@contextmanager
def listening(service: Service, company_id: int) -> Iterator[None]:
    """Around a call: remembers that it took long and brought nothing. Raises `ServiceUnavailable` when the service
    holds so many of the company's requests already that nobody else would find a thread; nothing is sent then.
    """
    with _under_way((service, company_id), ServiceUnavailable(service, "it holds others of the company already")):
        _stay()
        begun = time.monotonic()
        try:
            yield
        except (ServiceUnavailable, OutcomeUnknown):
            if time.monotonic() - begun >= LONG:
                _remember(service, company_id)
            raise


class NoticesWait(Exception):
    """Enough threads wait with notices of this company."""


@contextmanager
def notice_of(*realms: str) -> Iterator[None]:
    """Around what a notice writes, which may have to wait for the company's row. Raises `NoticesWait`."""
    with one_caller(), _under_way(("a notice", realms if len(realms) == 1 else "of several"), NoticesWait()):
        yield


@contextmanager
def _under_way(key: object, refusal: Exception) -> Iterator[None]:
    """Raises the `refusal` where others hold enough threads with the same, or all together nearly all threads."""
    this, who = object(), caller()
    with _change:
        while _crowded(key, who, 0):
            if _crowded(key, who, HELD):
                raise refusal
            _change.wait(NEXT_LOOK)  # some of them are answered
        _calls.setdefault(key, {})[this] = (who, time.monotonic())
    try:
        yield
    finally:
        with _change:
            del _calls[key][this]
            if not _calls[key]:
                del _calls[key]
            _change.notify_all()


def _crowded(key: object, who: object, seconds: float) -> bool:
    """By other requests whose calls take so long already."""
    alike = _requests(_calls.get(key, {}).values(), who, seconds)
    together = _requests([call for calls in _calls.values() for call in calls.values()], who, seconds)
    return len(alike) >= MOST_HELD or (bool(alike) and len(together) >= HELD_BY_ALL)


def _requests(calls: Iterable[tuple[object, float]], but: object, seconds: float) -> set[object]:
    """A page makes several calls at once, which hold one thread of the web server."""
    begun = time.monotonic() - seconds
    return {who for who, since in calls if who != but and since <= begun}


def _remember(service: Service, company_id: int) -> None:
    """A page makes several calls at once, and their silence is one."""
    silences, alone = _keys(service, company_id)
    if not cache.add(f"{silences}:just-now", True, SAME_MOMENT):
        return
    others = [each for each in cache.get(_silent(service), ()) if each != company_id]
    cache.set(_silent(service), [*others, company_id][-SEVERAL:], RECENTLY)
    number = cache.get(silences, 0) + 1
    cache.set(silences, number, REMEMBERED)
    if rest := LEFT_ALONE[min(number, len(LEFT_ALONE)) - 1]:
        cache.set(alone, (shared_now() + timedelta(seconds=rest)).isoformat(), rest)


def _silent(service: Service) -> str:
    """The companies for which it has kept silent last."""
    return f"silent-for:{service}"


def _keys(service: Service, company_id: int) -> tuple[str, str]:
    return f"silences:{service}:{company_id}", f"left-alone:{service}:{company_id}"
