"""All companies at once: how long, how much of the machine, how much memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal

from django.db.models import Count, Q
from django.utils import timezone

from integration_settings.models import QuickBooksConnection
from invoices import sweep
from invoices.models import Invoice
from tests.bench import usage
from tests.bench.fleet import Fleet, invoice_id, realm_of
from tests.bench.harness import App, Bench, Clock, Result, goal, profiled
from tests.bench.notices import manners
from tests.servers import wait_until

RTT = 0.3
MOST_SECONDS, MOST_CPU = 30.0, 25.0  # for ten thousand companies
MOST_PEAK, MOST_GROWTH, MOST_ADDED = 150.0, 5.0, 40.0  # MB
BIG = 50_000


def all_due() -> None:
    QuickBooksConnection.objects.update(next_sync_at=timezone.now(), last_synced_at=None)


def all_looked_at() -> bool:
    return not QuickBooksConnection.objects.filter(last_synced_at__isnull=True).exists()


def change_some(fleet: Fleet, cents: int) -> int:
    """One company in a hundred."""
    changed = range(0, fleet.companies, 100)
    fleet.change([(realm_of(number), invoice_id(number), cents) for number in changed])
    return len(changed)


def wrong(fleet: Fleet, cents: int) -> int:
    """How many of the changed ones do not show it."""
    ids = [invoice_id(number) for number in range(0, fleet.companies, 100)]
    return Invoice.objects.filter(qbo_invoice_id__in=ids).exclude(balance=Decimal(cents) / 100).count()


def one_sweep(fleet: Fleet, app: App, cents: int) -> tuple[Clock, int]:
    """(what it took, companies that were passed over or wrong)"""
    change_some(fleet, cents)
    fleet.forget()
    with Clock.on(*app.pids) as clock:
        all_due()
        wait_until(all_looked_at, seconds=600, every=0.1, what="every company was looked at")
        wait_until(lambda: not wrong(fleet, cents), seconds=60, every=0.1, what="every change was taken over")
    return clock, fleet.companies - fleet.counts().get("cdc", 0)


@goal("P7", "Fleet sweep")
def fleet_sweep(bench: Bench) -> Iterator[Result]:
    companies = bench.size(10_000, 2000)
    share = companies / 10_000
    with bench.fleet(companies, latency=RTT) as fleet:
        with bench.app(fleet.settings, worker=True) as app:
            one_sweep(fleet, app, 100)  # loads the code and opens the connections
            clock, skipped = one_sweep(fleet, app, 200)
            counts = fleet.counts()
        met = clock.seconds <= MOST_SECONDS * share and clock.cpu <= MOST_CPU * share and not skipped
        yield Result(
            "P7",
            f"{companies} companies due, 1 % changed",
            f"<= {MOST_SECONDS * share:.0f} s, <= {MOST_CPU * share:.0f} s CPU, none skipped",
            f"{clock.seconds:.1f} s, {clock.cpu:.1f} s CPU, {skipped} skipped",
            met,
            f"fleet, {companies} companies, 300 ms",
            reads=counts.get("cdc", 0) + counts.get("query", 0),
            seconds=clock.seconds,
            cpu=clock.cpu,
            rss=clock.peak,
            notes="" if met else where_it_goes(fleet),
        )
        yield manners("P13", f"limits enforced during a sweep of {companies}", counts)


def where_it_goes(fleet: Fleet) -> str:
    """The same sweep within this process, without Redis."""
    change_some(fleet, 300)
    all_due()
    return "most time is spent in: " + profiled(lambda: sweep.Sweep(lambda pk: None).run(0))


@goal("P8", "Flat memory")
def flat_memory(bench: Bench) -> Iterator[Result]:
    companies, sweeps = bench.size(10_000, 1000), 12
    with bench.fleet(companies, latency=0.05) as fleet, bench.app(fleet.settings, worker=True) as app:
        sizes, peak = [], 0.0
        for number in range(sweeps):
            clock, _ = one_sweep(fleet, app, 100 + number)
            sizes.append(usage.of(*app.pids).rss)
            peak = max(peak, clock.peak)
        growth = sizes[-1] - sizes[1]
        yield Result(
            "P8",
            f"{sweeps} sweeps of {companies} companies: peak of the biggest process",
            f"<= {MOST_PEAK:.0f} MB",
            f"{peak:.0f} MB",
            peak <= MOST_PEAK,
            f"fleet, {companies} companies, 50 ms",
            rss=peak,
        )
        yield Result(
            "P8",
            f"growth from sweep 2 to sweep {sweeps}",
            f"<= {MOST_GROWTH:.0f} MB",
            f"{growth:.1f} MB",
            growth <= MOST_GROWTH,
            f"fleet, {companies} companies, 50 ms",
            rss=sizes[-1],
        )
        yield big_company(bench, fleet, app)


def big_company(bench: Bench, fleet: Fleet, app: App) -> Result:
    many = bench.size(BIG, 5000)
    grow(fleet, many)
    before, begun = usage.peaks(*app.pids), time.monotonic()
    QuickBooksConnection.objects.filter(realm_id=realm_of(0)).update(next_sync_at=timezone.now())
    with Clock.on(*app.pids) as clock:
        wait_until(lambda: not behind(), seconds=600, every=0.5, what="all of the big company was taken over")
    after = usage.peaks(*app.pids)
    added = max(after[pid] - before[pid] for pid in after.keys() & before.keys())
    return Result(
        "P8",
        f"a company with {many} changed invoices adds to any process",
        f"<= {MOST_ADDED:.0f} MB",
        f"{added:.0f} MB",
        added <= MOST_ADDED,
        "fleet, 1 company",
        reads=fleet.reads_of(realm_of(0)),
        seconds=time.monotonic() - begun,
        cpu=clock.cpu,
        rss=max(after.values()),
    )


def grow(fleet: Fleet, many: int) -> None:
    """The first company gets so many invoices more, all of which change."""
    from tests.factories import an_invoice

    company = QuickBooksConnection.objects.get(realm_id=realm_of(0)).company
    ids = [str(9_000_000 + number) for number in range(many)]
    for start in range(0, many, 5000):
        part = ids[start : start + 5000]
        Invoice.objects.bulk_create(
            an_invoice(company, realm_of(0), qbo_invoice_id=known, created_by_id=1) for known in part
        )
        fleet.change([(realm_of(0), known, 77) for known in part])
    fleet.forget()


def behind() -> int:
    found = Invoice.objects.filter(realm_id=realm_of(0)).aggregate(
        left=Count("pk", filter=~Q(balance="0.77") & Q(qbo_invoice_id__startswith="9"))
    )
    return int(found["left"])
