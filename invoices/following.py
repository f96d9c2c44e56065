"""Invoices are followed until they are paid: QuickBooks tells what changed, and the rows that are ours take it over.

One call a company and turn, whatever the number of its invoices. The cursor is QuickBooks' own time and moves only
together with the rows, so that a crash in between means reading the same changes once more.
"""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.utils import timezone

from integration_settings import read_budget
from integration_settings.errors import ConnectionExpired, RateLimited, ServiceError
from integration_settings.kept_lists import outdate
from integration_settings.models import ConnectionState, QuickBooksConnection
from integration_settings.reference import FOLLOWED, Item, keep_items
from invoices import pacing
from invoices.invoice_answers import AppliedPayment, IssuedInvoice
from invoices.invoice_bodies import mark_of
from invoices.invoice_gateway import InvoiceGateway, QuickBooksGateway
from invoices.models import Invoice
from invoices.reports import apply_report, mark_deleted, zone
from invoices.submission import MakeGateway, succeeded

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)
OVERLAP = timedelta(minutes=5)  # read again each time: QuickBooks' index may lag, and reading twice is harmless
OLDEST = timedelta(days=29)  # change data capture reaches back 30 days
CLOCK_MARGIN = timedelta(minutes=15)
LONGEST_PAUSE = timedelta(hours=1)
LONGEST_MEMORY = timedelta(days=60)  # of intents that QuickBooks never confirmed
MARK = re.compile(r"\b[0-9a-f]{12}\b")


@dataclass(frozen=True, slots=True)
class News:
    """What one turn found out. `missing` are ids that QuickBooks does not have any more."""

    invoices: tuple[IssuedInvoice, ...]
    cursor: datetime
    missing: frozenset[str] = frozenset()
    paid_on: dict[str, date] | None = None
    items: tuple[Item, ...] = ()
    outdated: frozenset[str] = frozenset()  # kept lists

    def latest_change(self, since: datetime | None) -> datetime | None:
        """When an invoice changed last, of the changes after the cursor of the last look."""
        moments = [invoice.updated_at for invoice in self.invoices if invoice.updated_at]
        return max((moment for moment in moments if since is None or moment > since), default=None)


def catch_up(connection: QuickBooksConnection, make_gateway: MakeGateway = QuickBooksGateway) -> int | None:
    """Brings the company's rows up to date; how many changed for the eye, None when somebody else is at it.

    Raises the errors of `integration_settings.errors`, after it has set when to try again.
    """
    started = timezone.now()
    if not _claim(connection, started):
        return None
    try:
        read_budget.refuse_when_spent()
        news = _ask(connection, make_gateway(connection), started)
    except ServiceError as error:
        _pause(connection, error)
        raise
    with transaction.atomic():
        changed = _apply(connection, news)
        keep_items(connection.company_id, news.items)
        outdate(connection.company_id, news.outdated)
        if pacing.untold(connection, news.latest_change(connection.changes_cursor), now=started):
            connection.notice_missed_at = started
        QuickBooksConnection.objects.filter(pk=connection.pk).update(
            changes_cursor=max(news.cursor, connection.changes_cursor or news.cursor),
            notice_missed_at=connection.notice_missed_at,
            last_synced_at=started,
            last_sync_problem="",
            sync_lease_until=None,
            # What was told while we asked may have happened after the answer was made.
            next_sync_at=Case(
                When(last_notice_at__gt=started, then=Value(timezone.now())),
                default=Value(timezone.now() + pacing.pace(connection, ours(connection))),
            ),
        )
    return changed


def ours(connection: QuickBooksConnection) -> QuerySet[Invoice]:
    """The company's rows in these books; another company, or other books of the same one, are never touched."""
    return Invoice.objects.filter(company_id=connection.company_id, realm_id=connection.realm_id)


def _claim(connection: QuickBooksConnection, now: datetime) -> bool:
    free = Q(sync_lease_until__isnull=True) | Q(sync_lease_until__lt=now)
    mine = QuickBooksConnection.objects.filter(free, pk=connection.pk, state=ConnectionState.CONNECTED)
    if mine.update(sync_lease_until=now + LEASE) != 1:
        return False
    connection.refresh_from_db()  # another worker may have moved the cursor since this object was read
    return True


def _pause(connection: QuickBooksConnection, error: ServiceError) -> None:
    """When to ask again: as QuickBooks says, else after as long as it has been away, an hour at most."""
    now = timezone.now()
    columns: dict[str, object] = {"sync_lease_until": None, "last_sync_problem": type(error).__name__}
    if isinstance(error, RateLimited):
        columns["next_sync_at"] = now + timedelta(seconds=error.retry_after)
    elif isinstance(error, ConnectionExpired):
        columns["next_sync_at"] = now + LONGEST_PAUSE  # not due at all while the connection is ended
    else:
        away = now - (connection.last_synced_at or connection.connected_at)
        least = timedelta(seconds=settings.QUICKBOOKS_SYNC_SECONDS)
        # The chance only spreads repeats in time, it is no secret
        pause = min(max(away, least), LONGEST_PAUSE) * random.uniform(0.8, 1.2)  # noqa: S311
        columns["next_sync_at"] = now + min(pause, LONGEST_PAUSE)
    QuickBooksConnection.objects.filter(pk=connection.pk).update(**columns)
    log.info("following %s pauses: %s", connection, error)


# Asking


def _ask(connection: QuickBooksConnection, gateway: InvoiceGateway, now: datetime) -> News:
    since = connection.changes_cursor
    if since is None or now - since > OLDEST:
        return _read_all(connection, gateway, cursor=now - CLOCK_MARGIN)
    changes = gateway.changed_since(since - OVERLAP)
    if changes.cut_off:
        return _read_all(connection, gateway, cursor=changes.time)
    known = set(ours(connection).exclude(qbo_invoice_id="").values_list("qbo_invoice_id", flat=True))
    reported = {invoice.qbo_invoice_id for invoice in changes.invoices}
    touched = {invoice_id for payment in changes.payments for invoice_id in payment.invoice_ids}
    if any(payment.deleted for payment in changes.payments) and not reported:
        # A deleted payment does not tell what it was applied to; as a rule QuickBooks reports the invoice as well.
        touched |= set(_paid_in_part(connection))
    wanted = (touched & known) - reported
    read = gateway.read_invoices(wanted) if wanted else []
    return News(
        invoices=(*changes.invoices, *read),
        cursor=changes.time,
        missing=frozenset(wanted - {invoice.qbo_invoice_id for invoice in read}),
        paid_on=_payment_dates(changes.payments),
        items=changes.items,
        outdated=changes.lists,
    )


def _read_all(connection: QuickBooksConnection, gateway: InvoiceGateway, *, cursor: datetime) -> News:
    """All of ours by id, when the changes are too many for one answer or too old: misses neither void nor deletion."""
    rows = ours(connection).exclude(qbo_invoice_id="").filter(deleted_on__isnull=True)
    wanted = set(rows.values_list("qbo_invoice_id", flat=True))
    read = gateway.read_invoices(wanted) if wanted else []
    missing = frozenset(wanted - {invoice.qbo_invoice_id for invoice in read})
    return News(tuple(read), cursor, missing, outdated=frozenset({"items", *FOLLOWED.values()}))


def _paid_in_part(connection: QuickBooksConnection) -> Iterable[str]:
    rows = ours(connection).filter(deleted_on__isnull=True, voided_on__isnull=True, balance__lt=F("total"))
    return rows.order_by("-qbo_updated_at").values_list("qbo_invoice_id", flat=True)[:500]


def _payment_dates(payments: Iterable[AppliedPayment]) -> dict[str, date]:
    """The latest payment's date by invoice."""
    found: dict[str, date] = {}
    for payment in payments:
        for invoice_id in payment.invoice_ids:
            if payment.paid_on and payment.paid_on > found.get(invoice_id, date.min):
                found[invoice_id] = payment.paid_on
    return found


# Applying


def _apply(connection: QuickBooksConnection, news: News) -> int:
    """Only rows that are ours; an invoice that carries the mark of an intent without an answer settles that intent."""
    place = zone(connection.timezone)
    reported = [invoice.qbo_invoice_id for invoice in news.invoices]
    rows = {
        row.qbo_invoice_id: row
        for row in ours(connection).filter(qbo_invoice_id__in={*reported, *news.missing}).exclude(qbo_invoice_id="")
    }
    without_answer = ours(connection).filter(qbo_invoice_id="", created_at__gte=timezone.now() - LONGEST_MEMORY)
    waiting = {mark_of(row.request_id): row for row in without_answer}
    changed = 0
    for issued in news.invoices:
        row = rows.get(issued.qbo_invoice_id)
        if row is None and not issued.deleted:
            row = _settled_by_mark(issued, waiting)
        if row is None:
            continue
        if issued.deleted:
            changed += mark_deleted(row, place=place, at=issued.updated_at)
        else:
            paid_on = (news.paid_on or {}).get(issued.qbo_invoice_id)
            changed += apply_report(row, issued, place=place, paid_on=paid_on)
    for qbo_invoice_id in news.missing:
        if row := rows.get(qbo_invoice_id):
            changed += mark_deleted(row, place=place)
    return changed


def _settled_by_mark(issued: IssuedInvoice, waiting: dict[str, Invoice]) -> Invoice | None:
    """The row whose invoice this is. It may be in a worker's hands: taking the lease away makes that worker let go."""
    for mark in MARK.findall(issued.private_note):
        row = waiting.pop(mark, None)
        if row is not None:
            Invoice.objects.filter(pk=row.pk, qbo_invoice_id="").update(
                lease_until=None, lease_token="", sent_at=row.sent_at or timezone.now(), **succeeded()
            )
            log.info("invoice %s was found among QuickBooks' changes", row.public_id)
            return row
    return None
