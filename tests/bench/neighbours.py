"""What one company may do to the others, and what we do to the vendors."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
from django.utils import timezone

from integration_settings.models import QuickBooksConnection
from invoices.models import Invoice
from tests.bench.fleet import Fleet, invoice_id, realm_of
from tests.bench.harness import App, Bench, Result, goal, percentile
from tests.bench.notices import RTT, events, manners, tell
from tests.bench.sweeps import behind, grow
from tests.servers import wait_until

MOST_RAISED = 10.0  # percent


@goal("P12", "No noisy neighbour")
def noisy_neighbour(bench: Bench) -> Iterator[Result]:
    """Two runs at the same companies: first alone, then beside one with very many changes and one that is refused."""
    seconds, many = bench.size(60, 15), bench.size(50_000, 5000)
    with bench.fleet(300, latency=RTT) as fleet, bench.app(fleet.settings, web=True, worker=True) as app:
        alone, missing = events(app, fleet, seconds=seconds, rate=20, spared=2)
        grow(fleet, many)
        fleet.set(limiting={realm_of(1): 30})
        noisy = QuickBooksConnection.objects.filter(realm_id__in=[realm_of(0), realm_of(1)])
        noisy.update(next_sync_at=timezone.now())
        beside, never = events(app, fleet, seconds=seconds, rate=20, spared=2)
        left = behind()
        before, after = percentile(alone, 95), percentile(beside, 95)
        raised = 100 * (after / before - 1)
        yield Result(
            "P12",
            f"p95 of the others beside {many} changes and a company that is refused",
            f"at most {MOST_RAISED:.0f} % more than alone",
            f"{before:.2f} s alone, {after:.2f} s beside ({raised:+.0f} %), {missing + never} never seen",
            raised <= MOST_RAISED and not missing and not never,
            "fleet, 300 companies, 300 ms",
            reads=fleet.reads,
            notes=f"{left} of the {many} were still to be taken over at the end" if left else "",
        )
        yield manners("P12", "limits kept meanwhile", fleet.counts())


@goal("P13", "Manners")
def pause_is_kept(bench: Bench) -> Iterator[Result]:
    """The rest of P13 stands with P5 and P7: no 429 of our own making while the limits are enforced."""
    with bench.fleet(20, latency=RTT) as fleet, bench.app(fleet.settings, web=True, worker=True) as app:
        yield from told_to_wait(fleet, app, bench.size(60, 6))


def told_to_wait(fleet: Fleet, app: App, pause: int) -> Iterator[Result]:
    """A company is refused once, for so many seconds, while notices keep coming; then everything is there."""
    assert app.web
    realm, known = realm_of(3), invoice_id(3)
    fleet.set(limiting={realm: pause})
    begun, cents = time.monotonic(), 0
    with httpx.Client(base_url=app.web.url, trust_env=False) as http:
        while time.monotonic() - begun < pause + 3:
            cents += 1
            fleet.change([(realm, known, cents)])
            tell(http, realm, known)
            time.sleep(0.7)  # between two notices
    current = Invoice.objects.filter(qbo_invoice_id=known, balance__gt=0, balance=f"{cents / 100:.2f}")
    wait_until(current.exists, seconds=30, every=0.05, what="the last change was taken over")
    counts = fleet.counts()
    yield Result(
        "P13",
        f"a company that was told to wait {pause} s, with a notice every 0.7 s",
        "0 calls within the pause, nothing lost",
        f"{counts.get('within a pause', 0)} calls within it, the last change seen"
        f" {time.monotonic() - begun - pause:.1f} s after its end",
        not counts.get("within a pause") and counts.get("429 on demand") == 1,
        "fleet, 20 companies, 300 ms",
        reads=fleet.reads_of(realm),
    )
