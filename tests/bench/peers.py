"""Other people's tools at the same stand-in, for the ratio: what the same news cost them. Only with `--peers`.

Each looks in a process of its own, and so does the app. All start from what was known just before the changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from integration_settings.models import QuickBooksConnection
from invoices.models import Invoice
from tests import servers
from tests.bench import peer_tools
from tests.bench.harness import Bench, Result, goal
from tests.bench.peer_tools import NotInstalled, Tool
from tests.bench.reads import LATENCY, Books
from tests.conftest import connect_tenant
from tests.settings import ENVIRONMENT
from tests.stand_ins import StandIns

BOOKS, OURS, TIMES = 5000, 50, 3
PAST = timedelta(hours=2)
"""The stand-in's clock is behind by this: it is moved on, and a connector asks for nothing after its own now."""
PACIFIC = ZoneInfo("America/Los_Angeles")
TAP, AIRBYTE = ("tap-quickbooks==2.5.0",), ("airbyte-source-quickbooks==4.0.4", "airbyte-cdk==4.6.2")
LIBRARY = f"python-quickbooks {version('python-quickbooks')}"
APP = Tool(
    "this app",
    "app",
    watches=True,
    notes=f"it looks for the {OURS} invoices that are its own and reads these by id when the answer was cut, 1000 a"
    " read, so more of them cost more (P1); its first connection to the database is in its seconds, the start of a"
    " process in nobody’s, the stand-in’s own work in everybody’s; renewing a token is a call and no read",
)
PEERS = (
    Tool(
        "tap-quickbooks 2.5.0, invoices",
        "tap",
        {"streams": ["invoices"]},
        TAP,
        notes="a batch with a query for each 1000 changes, and one that finds nothing; it renews its token first",
    ),
    Tool(
        "tap-quickbooks 2.5.0, invoices and deleted_objects",
        "tap",
        {"streams": ["invoices", "deleted_objects"]},
        TAP,
        notes="beside these one change data capture of 24 entities; when that was cut, one for each entity, of which"
        " the invoices’ is cut again, deletions first",
    ),
    Tool(
        "airbyte-source-quickbooks 4.0.4, invoices",
        "airbyte",
        {},
        AIRBYTE,
        ">=3.10,<3.12",
        notes="it asks for 200 at once and stops at a page of fewer than 5; working out its manifest is in its seconds",
    ),
    Tool(f"{LIBRARY}, Invoice.get for each of {OURS}", "library", {"way": "get"}, watches=True),
    Tool(f"{LIBRARY}, Invoice.where(LastUpdatedTime)", "library", {"way": "where"}),
    Tool(
        f"{LIBRARY}, change_data_capture([Invoice])",
        "library",
        {"way": "cdc"},
        notes="it returns what came in one answer and does not say that it was cut",
    ),
)
SIZES = (0, 7, 2500)
Deeds = dict[str, list[str]]
Share = tuple[int, int]
"""Found, of how many."""


@dataclass(frozen=True)
class Cost:
    """Of one look: `http` are all calls, `found` says of how many changes and deletions it told."""

    http: int
    reads: int
    seconds: float
    peak: float
    found: str


@goal("Peers", "The same news by other ways")
def peers(bench: Bench) -> Iterator[Result]:
    if not bench.peers:
        return
    there = []
    for tool in (APP, *PEERS):
        try:
            tool.interpreter()
            there.append(tool)
        except NotInstalled as reason:
            yield Result("Peers", tool.name, "", f"could not be installed: {reason}", None, "")
    with bench.stand_ins() as found:
        for changes in SIZES:
            yield from side_by_side(found, there, changes, bench.size(TIMES, 1))


def side_by_side(found: StandIns, tools: list[Tool], changes: int, times: int) -> Iterator[Result]:
    """Each time with books of their own; the medians, and the app's first."""
    costs: dict[str, list[Cost]] = {tool.name: [] for tool in tools}
    for _ in range(times):
        books, since = fresh(found)
        deeds = books.change(changes)
        found.control.fault("latency", seconds=LATENCY, path="/(v3|oauth2)/")
        for tool in tools:
            costs[tool.name].append(one(found, books, deeds, tool, since))
    ours = middle(costs[APP.name])
    for tool in tools:
        cost = middle(costs[tool.name])
        beside = (
            f"; {cost.reads / ours.reads:.1f}× the reads, {cost.seconds / ours.seconds:.1f}× the seconds of this app"
        )
        yield Result(
            "Peers",
            f"{tool.name}: {changes} changes, {BOOKS} invoices in the books",
            "",
            f"{cost.found}; {cost.http} HTTP{'' if tool is APP else beside}",
            None,
            f"sandbox, 200 ms, median of {times}",
            reads=cost.reads,
            seconds=cost.seconds,
            rss=cost.peak,
            notes=tool.notes if changes == max(SIZES) else "",
        )


def fresh(found: StandIns) -> tuple[Books, datetime]:
    """Books in which nothing happened since that moment."""
    control = found.control
    control.reset()
    control.throttle(False)
    control.set_clock((datetime.now(UTC) - PAST).isoformat())
    Bench.forget()
    books = Books.filled(control, connect_tenant(control), BOOKS, OURS)
    since = datetime.fromisoformat(control.now()).replace(microsecond=0)
    Invoice.objects.filter(company=books.tenant.company).update(qbo_updated_at=since)
    control.advance(5)
    return books, since


def one(found: StandIns, books: Books, deeds: Deeds, tool: Tool, since: datetime) -> Cost:
    order, variables = order_of(found, books, since), {}
    if tool is APP:
        QuickBooksConnection.objects.filter(pk=books.tenant.quickbooks.pk).update(next_sync_at=timezone.now())
        variables = servers.environment_of_app(found.settings, QUICKBOOKS_ENVIRONMENT="production")
    found.control.forget_requests()
    look = peer_tools.look(tool, order, variables)
    calls = found.control.requests("quickbooks")
    changed, deleted = as_the_app_shows(books, deeds) if tool is APP else as_told(books, deeds, tool, look.seen)
    whose = " of ours" if tool.watches else ""
    told = f"{changed[0]} of {changed[1]} changes{whose}, {deleted[0]} of {deleted[1]} deletions"
    return Cost(len(calls), peer_tools.reads(calls), look.seconds, look.peak, told)


def order_of(found: StandIns, books: Books, since: datetime) -> dict[str, Any]:
    granted, realm = found.control.grant_quickbooks(books.tenant.realm), books.tenant.realm
    return {
        "url": found.quickbooks_url,
        "client": {
            "realm_id": realm,
            "client_id": ENVIRONMENT["QUICKBOOKS_CLIENT_ID"],
            "client_secret": ENVIRONMENT["QUICKBOOKS_CLIENT_SECRET"],
            "access_token": granted["access_token"],
            "refresh_token": granted["refresh_token"],
            "token_expiry_date": (timezone.now() + timedelta(hours=1)).isoformat(),
        },
        "since": since.astimezone(PACIFIC).isoformat(),
        "start": f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "watched": books.ours,
    }


def as_told(books: Books, deeds: Deeds, tool: Tool, seen: peer_tools.Seen) -> tuple[Share, Share]:
    """A void is a change: the invoice stays, at zero."""
    of = set(books.ours) if tool.watches else {*books.ours, *books.others}
    changed, deleted = {*deeds["edited"], *deeds["voided"]} & of, set(deeds["deleted"])
    return (len(changed & seen.changed), len(changed)), (len(deleted & seen.deleted), len(deleted))


def as_the_app_shows(books: Books, deeds: Deeds) -> tuple[Share, Share]:
    nothing: Deeds = {"edited": [], "voided": [], "deleted": []}
    return books.right(deeds | {"deleted": []}), books.right(nothing | {"deleted": deeds["deleted"]})


def middle(costs: list[Cost]) -> Cost:
    """The medians; where one look found something else than another, both are told."""
    return Cost(
        http=int(median(cost.http for cost in costs)),
        reads=int(median(cost.reads for cost in costs)),
        seconds=median(cost.seconds for cost in costs),
        peak=median(cost.peak for cost in costs),
        found=" or ".join(dict.fromkeys(cost.found for cost in costs)),
    )
