"""Other ways at the same stand-in, for the ratio: what the same news cost them. Only with `--peers`.

So far those that python-quickbooks, which is installed anyway, offers by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import requests
from quickbooks.cdc import change_data_capture
from quickbooks.client import QuickBooks
from quickbooks.exceptions import QuickbooksException
from quickbooks.objects.invoice import Invoice as PeerInvoice

from tests.bench.harness import Bench, Result, goal
from tests.bench.reads import APART, LATENCY, Books, look
from tests.conftest import connect_tenant
from tests.stand_ins import Control, StandIns

BOOKS, OURS = 5000, 50
PAGE = 1000
Way = Callable[[QuickBooks, datetime, list[str]], int]


def get_each(client: QuickBooks, since: datetime, ours: list[str]) -> int:
    found = 0
    for each in ours:
        with suppress(QuickbooksException):  # deleted
            PeerInvoice.get(int(each), qb=client)
            found += 1
    return found


def where_changed(client: QuickBooks, since: datetime, ours: list[str]) -> int:
    """The loop over the pages is ours; the library has none."""
    found, where = 0, f"MetaData.LastUpdatedTime > '{since.isoformat(timespec='seconds')}'"
    while True:
        page = PeerInvoice.where(where, start_position=found + 1, max_results=PAGE, qb=client)
        found += len(page)
        if len(page) < PAGE:
            return found


def captured(client: QuickBooks, since: datetime, ours: list[str]) -> int:
    answer = change_data_capture([PeerInvoice], since.isoformat(timespec="seconds"), qb=client)
    return len(getattr(answer, "Invoice", []))


WAYS: dict[str, Way] = {
    f"Invoice.get for each of {OURS}": get_each,
    "Invoice.where(LastUpdatedTime)": where_changed,
    "change_data_capture([Invoice])": captured,
}


@goal("Peers", "The same news by other ways")
def peers(bench: Bench) -> Iterator[Result]:
    if not bench.peers:
        return
    with bench.stand_ins() as found:
        for changes in (0, 7, 2500):
            yield from side_by_side(found, changes)


def side_by_side(found: StandIns, changes: int) -> Iterator[Result]:
    control = found.control
    control.reset()
    control.throttle(False)
    Bench.forget()
    books = Books.filled(control, connect_tenant(control), BOOKS, OURS)
    since = datetime.fromisoformat(control.now()) - timedelta(seconds=1)
    control.advance(5)
    deeds = books.change(changes)
    control.fault("latency", seconds=LATENCY, path="/v3/")
    for name, way in WAYS.items():
        client = library(found, control, books.tenant.realm)
        control.forget_requests()
        begun = time.perf_counter()
        seen = way(client, since, books.ours[:])
        yield row(f"python-quickbooks, {name}", changes, f"{seen} objects seen", calls(control), begun)
    begun = time.perf_counter()
    reads = look(books)
    seen, wanted = books.right(deeds)
    yield row("this app", changes, f"{seen} of {wanted} changes of ours found, voids and deletions too", reads, begun)
    control.advance(APART)


def library(found: StandIns, control: Control, realm: str) -> QuickBooks:
    client: Any = QuickBooks(company_id=realm, minorversion=75)
    client.sandbox = False
    client.api_url_v3 = f"{found.quickbooks_url}/v3"
    client.session = requests.Session()
    client.session.access_token = control.grant_quickbooks(realm)["access_token"]
    return client


def calls(control: Control) -> int:
    return len([call for call in control.requests("quickbooks", path="/v3/") if call["status"] == 200])


def row(who: str, changes: int, measured: str, reads: int, begun: float) -> Result:
    return Result(
        "Peers",
        f"{who}: {changes} changes, {BOOKS} invoices in the books",
        "",
        measured,
        None,
        "sandbox, 200 ms",
        reads=reads,
        seconds=time.perf_counter() - begun,
    )
