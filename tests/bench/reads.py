"""How many metered reads it takes: of one look, of silence, of a month."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone

from integration_settings.models import QuickBooksConnection
from invoices.models import Invoice
from tests.bench import one_run
from tests.bench.harness import Bench, Clock, Result, goal
from tests.conftest import Tenant, connect_tenant
from tests.factories import an_invoice
from tests.stand_ins import Control, StandIns

LATENCY = 0.2
LAST_DUE = date(2099, 12, 31)  # of an invoice that the stand-in's bulk edited
APART = 600  # seconds between two looks, more than what each reads again


def law(changes: int) -> int:
    """The most reads that a look may cost."""
    return 1 if changes <= 999 else 1 + math.ceil((changes + 1) / 1000)


@dataclass
class Books:
    """One company whose books hold many invoices, some of them ours. Nothing happened yet to the `untouched`."""

    tenant: Tenant
    control: Control
    ours: list[str]
    others: list[str]

    def __post_init__(self) -> None:
        self.untouched = list(self.ours)

    @classmethod
    def filled(cls, control: Control, tenant: Tenant, in_the_books: int, ours: int) -> Books:
        made = control.call("POST", "/quickbooks/bulk", {"realm": tenant.realm, "invoices": in_the_books})
        ids = [str(number) for number in range(int(made["ids"][0]), int(made["ids"][1]) + 1)]
        random.Random(7).shuffle(ids)
        Invoice.objects.bulk_create(
            [an_invoice(tenant.company, tenant.realm, qbo_invoice_id=known) for known in ids[:ours]], batch_size=1000
        )
        control.advance(APART)
        moment = datetime.fromisoformat(control.now())
        QuickBooksConnection.objects.filter(pk=tenant.quickbooks.pk).update(changes_cursor=moment)
        return cls(tenant, control, ids[:ours], ids[ours:])

    def change(self, how_many: int) -> dict[str, list[str]]:
        """So many deeds: voids and deletions of ours, the rest edits, of ours first."""
        some = min(how_many // 4, len(self.untouched) // 20)
        voided, deleted, self.untouched = (
            self.untouched[:some],
            self.untouched[some : 2 * some],
            self.untouched[2 * some :],
        )
        edited = [*self.untouched, *self.others][: how_many - 2 * some]
        deeds = {"edited": edited, "voided": voided, "deleted": deleted}
        self.control.call("POST", "/quickbooks/bulk", {"realm": self.tenant.realm, **deeds})
        return deeds

    def right(self, deeds: dict[str, list[str]]) -> tuple[int, int]:
        """(how many of ours show what was done to them, how many should)"""
        mine = set(self.ours)
        rows = Invoice.objects.filter(company=self.tenant.company)
        known = {row.qbo_invoice_id: row for row in rows.only("qbo_invoice_id", "due_date", "voided_on", "deleted_on")}
        seen = [known[each].due_date == LAST_DUE for each in deeds["edited"] if each in mine]
        seen += [known[each].voided_on is not None for each in deeds["voided"]]
        seen += [known[each].deleted_on is not None for each in deeds["deleted"]]
        return sum(seen), len(seen)


def look(books: Books) -> int:
    """One look as the worker does it, what is handed over included. How many reads QuickBooks saw."""
    books.control.forget_requests()
    QuickBooksConnection.objects.filter(pk=books.tenant.quickbooks.pk).update(next_sync_at=timezone.now())
    one_run.look()
    calls = books.control.requests("quickbooks", path=f"/v3/company/{books.tenant.realm}/")
    return len([call for call in calls if call["status"] == 200])


def cases(short: bool) -> list[tuple[int, int, list[int]]]:
    """(invoices in the books, how many of them are ours, changes)"""
    some = [
        (10, 10, [0, 7]),
        (5000, 1000, [0, 7, 999, 1000, 1001, 2500]),
        (5000, 5000, [999, 1000, 2500]),
    ]
    return some if short else [*some, (100_000, 1000, [0, 7, 999, 1000, 1001, 2500, 10_000])]


@goal("P1", "Poll law")
def poll_law(bench: Bench) -> Iterator[Result]:
    with bench.stand_ins() as found:
        for in_the_books, ours, sizes in cases(bench.short):
            yield from laws(found, in_the_books, ours, sizes)


def laws(found: StandIns, in_the_books: int, ours: int, sizes: list[int]) -> Iterator[Result]:
    found.control.reset()
    found.control.throttle(False)
    Bench.forget()
    books = Books.filled(found.control, connect_tenant(found.control), in_the_books, ours)
    for size in sizes:
        found.control.clear_faults()
        look(books)  # so that nothing of the case before is read once more
        found.control.advance(APART)
        deeds = books.change(size)
        found.control.fault("latency", seconds=LATENCY, path="/v3/")
        with Clock.on() as clock:
            begun = time.process_time()
            reads = look(books)
            cpu = time.process_time() - begun
        seen, wanted = books.right(deeds)
        found.control.advance(APART)
        yield Result(
            "P1",
            f"{size} changes, {in_the_books} invoices in the books, {ours} of them ours",
            f"<= {law(size)} reads, all found",
            f"{reads} reads, {seen} of {wanted} found",
            reads <= law(size) and seen == wanted,
            "sandbox, 1 company, 200 ms",
            reads=reads,
            seconds=clock.seconds,
            cpu=cpu,
            notes=why(reads, size, ours),
        )


def why(reads: int, size: int, ours: int) -> str:
    if reads <= law(size):
        return ""
    return (
        "change data capture names 1000 objects, deletions last, and has no second page: what it left out of our"
        f" {ours} invoices is read by id, 1000 a read, because nothing cheaper shows a deletion"
    )
