"""What QuickBooks' notices lead to: bursts are folded, the answer comes at once, and the status soon after."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

import httpx
from django.db import connection
from django.utils import timezone

from integration_settings.models import QuickBooksConnection
from invoices.following import due_connections
from invoices.models import Invoice
from tests import servers
from tests.bench.fleet import Fleet, invoice_id, realm_of
from tests.bench.harness import VERIFIER, App, Bench, Clock, Result, goal, percentile
from tests.bench.load import BARE, at_a_rate, event, signed
from tests.conftest import connect_tenant
from tests.factories import an_invoice
from tests.servers import wait_until

BURST, WITHIN = 200, 10.0
GROWING = count(12_001)  # cents: more than any invoice has, and more than any had in a run before
RTT = 0.3


def tell(http: httpx.Client, realm: str, entity: str = "1") -> None:
    body, signature = signed([event(realm, entity)], VERIFIER)
    answer = http.post("/webhooks/quickbooks", content=body, headers={"intuit-signature": signature})
    assert answer.status_code == 200, answer.text


@goal("P4", "Burst folding")
def folding(bench: Bench) -> Iterator[Result]:
    with bench.stand_ins() as found, bench.app(found.settings, web=True, worker=True) as app:
        assert app.web
        tenant = connect_tenant(found.control)
        made = found.control.call("POST", "/quickbooks/bulk", {"realm": tenant.realm, "invoices": BURST})
        ids = [str(int(made["ids"][0]) + number) for number in range(BURST)]
        Invoice.objects.bulk_create(
            an_invoice(tenant.company, tenant.realm, qbo_invoice_id=known, qbo_updated_at=None) for known in ids
        )
        found.control.fault("latency", seconds=RTT, path="/v3/")
        wait_until(lambda: seen(tenant.realm).last_synced_at, what="the first look")
        found.control.forget_requests()
        with Clock.on(*app.pids) as clock, httpx.Client(base_url=app.web.url, trust_env=False) as http:
            begun = time.monotonic()
            for number, known in enumerate(ids):
                found.control.book(tenant.realm, "payment", id=known)
                tell(http, tenant.realm, known)
                time.sleep(max(0.0, begun + (number + 1) * WITHIN / BURST - time.monotonic()))  # a fixed rate
            told = time.monotonic() - begun
            rows = Invoice.objects.filter(company=tenant.company)
            wait_until(lambda: not rows.exclude(balance=0).exists(), seconds=30, what="all are paid")
            behind = time.monotonic() - begun - told
        calls = found.control.requests("quickbooks", path=f"/v3/company/{tenant.realm}/")
        yield Result(
            "P4",
            f"{BURST} payments, each with its notice, in {told:.1f} s",
            "<= 2 reads, all right",
            f"{len(calls)} reads, all {rows.filter(balance=0).count()} right {behind:.1f} s after the last",
            len(calls) <= 2,
            "sandbox, 1 company, 300 ms",
            reads=len(calls),
            seconds=clock.seconds,
            cpu=clock.cpu,
            rss=clock.peak,
        )


def seen(realm: str) -> QuickBooksConnection:
    return QuickBooksConnection.objects.get(realm_id=realm)


# P5


class Watch:
    """When each change stood in our database, by looking there again and again, at the rows that wait for one only: how
    much else is in the table must not slow it down. Balances only grow, so a row that shows a later change shows the
    earlier ones of that invoice, too.
    """

    def __init__(self, companies: range) -> None:
        known = Invoice.objects.filter(qbo_invoice_id__in=[invoice_id(number) for number in companies])
        self.rows = dict(known.values_list("qbo_invoice_id", "pk"))
        self.wanted: dict[int, list[tuple[Decimal, float]]] = defaultdict(list)
        self.took: list[float] = []

    def expect(self, identity: str, cents: int, told: float) -> None:
        self.wanted[self.rows[identity]].append((Decimal(cents) / 100, told))

    def look(self) -> None:
        some = Invoice.objects.filter(pk__in=[pk for pk, waiting in self.wanted.items() if waiting])
        found = list(some.values_list("pk", "balance"))
        now = time.time()
        for pk, balance in found:
            waiting = self.wanted[pk]
            while waiting and waiting[0][0] <= balance:
                self.took.append(now - waiting.pop(0)[1])

    @property
    def missing(self) -> int:
        return sum(len(waiting) for waiting in self.wanted.values())


@goal("P5", "Freshness")
def freshness(bench: Bench) -> Iterator[Result]:
    seconds = bench.size(60, 15)
    with bench.fleet(500, latency=RTT) as fleet, bench.app(fleet.settings, web=True, worker=True) as app:
        with Clock.on(*app.pids) as clock:
            took, missing = events(app, fleet, seconds=seconds, rate=50)
        counts = fleet.counts()
        reads = fleet.reads
        yield from told(took, missing, clock, reads, seconds)
        yield manners("P13", "limits enforced during P5", counts)
        yield silent(fleet)


def events(app: App, fleet: Fleet, *, seconds: float, rate: float, spared: int = 0) -> tuple[list[float], int]:
    """Changes at random companies but the first `spared`, each with a notice: (seconds until seen, never seen)."""
    assert app.web
    dice, watch, number = random.Random(5), Watch(range(spared, fleet.companies)), 0
    begun = time.monotonic()
    with httpx.Client(base_url=app.web.url, trust_env=False) as http:
        while (passed := time.monotonic() - begun) < seconds:
            while number < passed * rate:
                company, number = dice.randrange(spared, fleet.companies), number + 1
                cents = next(GROWING)
                watch.expect(invoice_id(company), cents, time.time())
                fleet.change([(realm_of(company), invoice_id(company), cents)])
                tell(http, realm_of(company), invoice_id(company))
            watch.look()
            time.sleep(0.01)  # the next event is not due yet
    end = time.monotonic() + 30
    while watch.missing and time.monotonic() < end:
        watch.look()
        time.sleep(0.02)  # between two looks
    return watch.took, watch.missing


def told(took: list[float], missing: int, clock: Clock, reads: int, seconds: float) -> Iterator[Result]:
    for percent, most in ((50, None), (95, 1.0), (99, 2.5)):
        found = percentile(took, percent)
        yield Result(
            "P5",
            f"from the notice to our database, 50 a second for {seconds} s, p{percent}",
            f"<= {RTT + most:.1f} s" if most else "",
            f"{found:.2f} s, {missing} of {len(took) + missing} never seen",
            found <= RTT + most and not missing if most else None,
            "fleet, 500 companies, 300 ms",
            reads=reads,
            seconds=clock.seconds,
            cpu=clock.cpu,
            rss=clock.peak,
        )


def silent(fleet: Fleet) -> Result:
    """A change that nobody tells, at a company whose turn comes by the clock."""
    realm, known = realm_of(1), invoice_id(1)
    fleet.change([(realm, known, 77)])
    QuickBooksConnection.objects.filter(realm_id=realm).update(next_sync_at=timezone.now())
    begun = time.monotonic()
    wait_until(lambda: Invoice.objects.filter(qbo_invoice_id=known, balance="0.77").exists(), seconds=30, every=0.02)
    took = time.monotonic() - begun
    return Result(
        "P5",
        "notices dead: after the company's turn has come",
        "<= 5 s",
        f"{took:.2f} s",
        took <= 5,
        "fleet, 500 companies, 300 ms",
        seconds=took,
    )


def manners(name: str, what: str, counts: dict[str, int]) -> Result:
    caused, within = counts.get("429 caused", 0), counts.get("within a pause", 0)
    return Result(
        name,
        what,
        "0 answers 429 caused, 0 calls within a pause",
        f"{caused} caused, {within} within a pause",
        not caused and not within,
        "fleet: 10/s, 10 at once, 500/min a company; 80 in 2 s a user",
        reads=counts.get("cdc", 0) + counts.get("query", 0),
    )


# P6


@goal("P6", "Ack")
def acknowledged(bench: Bench) -> Iterator[Result]:
    seconds = bench.size(30, 8)
    with bench.fleet(1000, latency=RTT) as fleet, bench.app(fleet.settings, web=True) as app:
        assert app.web
        realms = [realm_of(number) for number in range(fleet.companies)]
        order = {"url": f"{app.web.url}/webhooks/quickbooks", "verifier": VERIFIER, "rate": 200, "realms": realms}
        at_a_rate(**order, seconds=3)  # the first requests load the code
        floors = [bare_rows(realms, seconds / 2), unsigned(order, seconds / 2)]
        yield from floors
        alone, clock = answered(app, order, seconds)
        yield ack("nobody else at work", alone, clock, fleet, "<= 50 ms, all committed", 0.05, floors)
        with bench.app(fleet.settings, worker=True) as helper:
            catching_up = at_a_rate(**order | {"seconds": seconds / 3})["took"]
            yield floor("a worker that was away looks at every company meanwhile", catching_up, "fleet, 1000 companies")
            wait_until(lambda: not due_connections(timezone.now()).exists(), what="the worker has caught up")
            with Clock.on(*helper.pids) as looks, Clock.on(fleet.pid) as quickbooks:
                at_work, clock = answered(app, order, seconds)
            beside = (
                f"; CPU: web {clock.cpu:.0f} s, worker {looks.cpu:.0f} s, stand-in {quickbooks.cpu:.0f} s;"
                f" two cores have {2 * clock.seconds:.0f} s, also for PostgreSQL and whoever sends the notices"
            )
            what = "a worker looks at what they tell"
            yield ack(what, at_work, clock, fleet, "<= 50 ms, all committed", 0.05, beside=beside)
            fleet.set(hanging=realms)
            hanging, clock = answered(app, order, seconds)
        before = percentile(at_work["took"], 99)
        yield ack("the same while QuickBooks hangs", hanging, clock, fleet, "<= 120 % of before", before * 1.2)


def bare_rows(realms: list[str], seconds: float) -> Result:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {BARE} (realm text, at timestamptz)")
        try:
            found = at_a_rate(database=servers.database_url(), rate=200, realms=realms, seconds=seconds)
        finally:
            cursor.execute(f"DROP TABLE {BARE}")
    return floor("a bare INSERT with its COMMIT in place of each", found["took"], "PostgreSQL alone")


def unsigned(order: dict[str, object], seconds: float) -> Result:
    found = at_a_rate(**order | {"verifier": "of-another-app"}, seconds=seconds)
    return floor("refused for their signature, without the database", found["took"], "the web processes alone")


def floor(what: str, took: list[float], against: str) -> Result:
    """What this machine takes for a part of the work, beside the same generator: no goal, but what one can ask for."""
    measured = f"{1000 * percentile(took, 99):.0f} ms (p50 {1000 * percentile(took, 50):.0f})"
    return Result("P6", f"200 a second, {what}: p99", "", measured, None, against)


def answered(app: App, order: dict[str, object], seconds: float) -> tuple[dict[str, object], Clock]:
    with Clock.on(*app.pids) as clock:
        found = at_a_rate(**order, seconds=seconds)
    return found, clock


def ack(
    what: str,
    found: dict[str, object],
    clock: Clock,
    fleet: Fleet,
    target: str,
    most: float,
    floors: Collection[Result] = (),
    beside: str = "",
) -> Result:
    took, last = list(found["took"]), dict(found["last"])  # type: ignore[call-overload]
    stored = dict(QuickBooksConnection.objects.values_list("realm_id", "last_notice_at"))
    lost = [realm for realm, sent in last.items() if stored[realm] < datetime.fromtimestamp(sent - 0.01, UTC)]
    p99 = percentile(took, 99)
    met = p99 <= most and not found["bad"] and not lost
    parts = "" if met else "".join(f"; {each.what} {each.measured}" for each in floors)
    return Result(
        "P6",
        f"200 notices a second, {what}: p99",
        target,
        f"{1000 * p99:.0f} ms (p50 {1000 * percentile(took, 50):.0f}), {found['bad']} refused, {len(lost)} not stored",
        met,
        f"fleet, {fleet.companies} companies",
        seconds=clock.seconds,
        cpu=clock.cpu,
        rss=clock.peak,
        notes=f"{len(took)} notices{parts}{beside}",
    )
