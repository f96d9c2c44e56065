"""Change data capture: what changed since a moment, deletions included."""

from __future__ import annotations

from datetime import datetime, timedelta

from . import books as b
from . import refusals
from .wire import Row, moment_from, stamp

OLDEST = timedelta(days=30)
MOST = 1000
LEFT_OUT = {"TaxCode", "TaxRate", "TaxAgency", "ExchangeRate", "RecurringTransaction", "Attachable"}
NEVER_HERE = {
    "Bill", "BillPayment", "Budget", "Deposit", "JournalEntry", "Purchase", "PurchaseOrder",
    "RefundReceipt", "SalesReceipt", "Transfer", "VendorCredit",
}  # fmt: skip
"""What the vendor follows too and these books never hold: nothing of it ever changed."""


def run(books: b.Books, entities: str | None, since: str | None, lag: float = 0.0) -> Row:
    """The CDCResponse member. At most 1000 objects, without paging: the rest is simply not there."""
    if not entities:
        raise refusals.required("entities")
    if not since:
        raise refusals.required("changedSince")
    wanted = [name.strip() for name in entities.split(",") if name.strip()]
    for name in wanted:
        if name in LEFT_OUT or (name not in books.tables and name not in NEVER_HERE):
            raise refusals.invalid_query(f"{name} is not part of change data capture")
    moment = start(books, since)
    latest = books.now() - timedelta(seconds=lag) if lag else None
    room, pages = MOST, []
    for name in wanted:
        found = [] if name in NEVER_HERE else changes(books, name, moment, latest)[:room]
        room -= len(found)
        pages.append(
            {name: found, "startPosition": 1, "maxResults": len(found), "totalCount": len(found)} if found else {}
        )
    return {"CDCResponse": [{"QueryResponse": pages}]}


def start(books: b.Books, since: str) -> datetime:
    try:
        moment = moment_from(since)
    except ValueError as error:
        raise refusals.invalid_query(f"changedSince {since} is no date") from error
    if moment < books.now() - OLDEST:
        raise refusals.invalid_query("changedSince lies more than 30 days back")
    return moment


def changes(books: b.Books, entity: str, since: datetime, latest: datetime | None) -> list[Row]:
    """Oldest change first, deletions last."""
    table = books.table(entity)
    live = [identity for identity in table.changed_since(since) if latest is None or table.updated[identity] <= latest]
    gone = [identity for identity in table.deleted_since(since) if latest is None or table.deleted[identity] <= latest]
    deleted = [
        {
            "status": "Deleted",
            "domain": "QBO",
            "Id": identity,
            "MetaData": {"LastUpdatedTime": stamp(table.deleted[identity])},
        }
        for identity in gone
    ]
    return [*(table.rows[identity] for identity in live), *deleted]
