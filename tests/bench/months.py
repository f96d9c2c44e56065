"""Days and months in minutes: the clock is moved from one thing that happens to the next."""

from __future__ import annotations

import itertools
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import time_machine
from django.core.cache import cache
from django.db.models import Min
from django.utils import timezone

from integration_settings import clock as shared_clock
from integration_settings import reference
from integration_settings.models import QuickBooksConnection
from integration_settings.profile import current_profile
from integration_settings.quickbooks import QuickBooksClient
from invoices import sweep, webhooks
from tests.bench.fleet import invoice, invoice_id, make_rows_for, realm_of
from tests.bench.harness import Bench, Result, goal

START = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
STEP = timedelta(minutes=10)
FREE_TIER, FLEET = 500_000, 10_000  # reads a month, companies


@dataclass
class Vendor:
    """Stands where the client would send: counts data reads and answers what changed."""

    reads: Counter[str] = field(default_factory=Counter)
    looks: Counter[str] = field(default_factory=Counter)
    changed: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def answering(self) -> Callable[..., Any]:
        def call(client: QuickBooksClient, send: Callable[[Any], Any], heard: Any = None) -> Any:
            realm = client.connection.realm_id
            self.reads[realm] += 1
            client.count(client.connection.pk)
            return send(Library(self, realm))

        return call

    def change(self, number: int) -> None:
        row = invoice(invoice_id(number), random.randrange(100, 12_000), 0, timezone.now().timestamp())
        row["SyncToken"] = str(next(VERSIONS))
        self.changed.setdefault(realm_of(number), []).append(row)


VERSIONS = itertools.count(1)


@dataclass
class Library:
    """What of python-quickbooks the client uses for reads."""

    vendor: Vendor
    realm: str

    def get(self, url: str, *_: Any, **__: Any) -> dict[str, Any]:
        if url.endswith("/cdc"):
            self.vendor.looks[self.realm] += 1
            rows = self.vendor.changed.pop(self.realm, [])
            parts = [{"Invoice": [rows[-1]]}] if rows else []
            return {"CDCResponse": [{"QueryResponse": parts}], "time": timezone.now().isoformat()}
        return {"CompanyInfo": {"Country": "GB"}, "Preferences": {"CurrencyPrefs": {"HomeCurrency": {"value": "GBP"}}}}

    def query(self, *_: Any) -> dict[str, Any]:
        return {"QueryResponse": {}}


@contextmanager
def simulated(companies: int) -> Iterator[tuple[Vendor, time_machine.Traveller]]:
    """So many companies whose notices arrive, at the start of a month."""
    vendor = Vendor()
    with ExitStack() as stack:
        clock = stack.enter_context(time_machine.travel(START, tick=False))
        stack.enter_context(mock.patch.object(shared_clock, "database_now", timezone.now))
        stack.enter_context(mock.patch.object(QuickBooksClient, "_call", vendor.answering()))
        logging.disable(logging.INFO)
        stack.callback(logging.disable, logging.NOTSET)
        make_rows_for(companies, "http://127.0.0.1:9", START + timedelta(days=90))
        dice = random.Random(3)
        for connection in QuickBooksConnection.objects.order_by("pk"):  # the dice are for each the same in every run
            connection.next_sync_at = START + timedelta(seconds=dice.randrange(86_400))
            connection.last_notice_at = START
            connection.save(update_fields=["next_sync_at", "last_notice_at"])
        yield vendor, clock


def live(clock: time_machine.Traveller, end: datetime, events: list[tuple[datetime, Callable[[], None]]]) -> None:
    """From one step in which something is due or happens to the next, until the end."""
    waiting = iter(sorted(events, key=lambda pair: pair[0]))
    upcoming = next(waiting, None)
    while True:
        due = QuickBooksConnection.objects.aggregate(first=Min("next_sync_at"))["first"]
        first = min(moment for moment in (due, upcoming and upcoming[0]) if moment)
        moment = max(first, timezone.now() + timedelta(seconds=1))
        step = START + STEP * -(-(moment - START) // STEP)
        if step > end:
            return
        clock.move_to(step)
        cache.clear()
        while upcoming and upcoming[0] <= step:
            upcoming[1]()
            upcoming = next(waiting, None)
        clock.shift(timedelta(seconds=30))
        sweep.Sweep(lambda pk: None).run(0)


@goal("P2", "Silence is free")
def silence(bench: Bench) -> Iterator[Result]:
    companies, days = bench.size(1000, 100), 7
    begun = time.perf_counter()
    with simulated(companies) as (vendor, clock):
        live(clock, START + timedelta(days=days), [])
        average = sum(vendor.reads.values()) / companies / days
        most = max(vendor.reads.values())
        yield Result(
            "P2",
            f"{companies} companies whose notices arrive and are silent, {days} days",
            "<= 1.05 reads a day on average",
            f"{average:.3f} a day; at most {most} in {days} days",
            average <= 1.05,
            "the sending replaced by a counter, in steps of ten minutes",
            reads=sum(vendor.reads.values()),
            seconds=time.perf_counter() - begun,
        )


@goal("P3", "Month inside the free tier")
def month(bench: Bench) -> Iterator[Result]:
    """Forty changes a company in twenty bursts, and a form opened as often as that."""
    companies, days, bursts, forms = bench.size(200, 20), 30, 20, 20
    begun = time.perf_counter()
    with simulated(companies) as (vendor, clock):
        dice, events = random.Random(4), list[tuple[datetime, Callable[[], None]]]()
        for number in range(companies):
            open_form(number)  # the cache is warm
            for _ in range(bursts):
                events.append((at_random(dice, days), burst(vendor, number)))
            for _ in range(forms):
                events.append((at_random(dice, days), lambda number=number: open_form(number)))
        vendor.reads.clear()
        live(clock, START + timedelta(days=days), events)
        each, looks = sum(vendor.reads.values()) / companies, sum(vendor.looks.values()) / companies
        yield Result(
            "P3",
            f"{days} days, {2 * bursts} changes in {bursts} bursts and {forms} forms a company; {companies} companies",
            f"<= 50 reads a company, <= {FREE_TIER} for {FLEET}",
            f"{each:.1f} a company ({looks:.1f} looks, the rest lists for forms), {each * FLEET:.0f} for {FLEET}",
            each <= 50 and each * FLEET <= FREE_TIER,
            f"the sending replaced by a counter, in steps of ten minutes; measured with {companies} companies",
            reads=sum(vendor.reads.values()),
            seconds=time.perf_counter() - begun,
        )


def at_random(dice: random.Random, days: int) -> datetime:
    return START + timedelta(seconds=dice.randrange(days * 86_400))


def burst(vendor: Vendor, number: int) -> Callable[[], None]:
    def happen() -> None:
        for _ in range(2):
            vendor.change(number)
            webhooks.mark({realm_of(number)})

    return happen


def open_form(number: int) -> None:
    """What a form asks of the kept lists."""
    connection = QuickBooksConnection.objects.select_related("company").get(realm_id=realm_of(number))
    current_profile(connection)
    for kept in (reference.items, reference.tax_codes, reference.terms, reference.currencies):
        kept(connection.company)
