"""What one look at QuickBooks found out, and how the company's rows take it over: the later version wins."""

from __future__ import annotations

import logging
import re
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from integration_settings.clock import shared_now
from integration_settings.models import QuickBooksConnection
from integration_settings.reference import FOLLOWED, Item
from integration_settings.selectors import hold_company
from invoices.domain.books import Books
from invoices.domain.deal import TaxMethod
from invoices.domain.draft import BillTo, DraftLine, InvoiceDraft, to_json
from invoices.domain.tax import amounts_are
from invoices.invoice_answers import AppliedPayment, IssuedInvoice
from invoices.invoice_bodies import mark_of, marked_deal, request_id_of_copy, request_id_of_found
from invoices.invoice_gateway import ReportedChanges, books_of, owner_of
from invoices.models import NOBODY, Invoice
from invoices.notes import TRIED
from invoices.reports import apply_report, is_known, is_voided, mark_deleted, zone
from invoices.submission import succeeded

log = logging.getLogger(__name__)

OVERLAP = timedelta(minutes=5)  # read again each time: QuickBooks' index may lag, and reading twice is harmless
LONGEST_MEMORY = timedelta(days=60)  # of intents that QuickBooks never confirmed
MARK = re.compile(r"\b[0-9a-f]{12}\b")
EVERY_LIST = frozenset({"items", *FOLLOWED.values()})


@dataclass(frozen=True, slots=True)
class Applied:
    """What an answer tells of the payments that are applied to one invoice."""

    latest: date | None = None
    credits: dict[str, Decimal] = field(default_factory=dict)  # by payment: what of it is a credit and no money


@dataclass(frozen=True, slots=True)
class News:
    """`missing` are ids that a search did not find; `cursor` its own time; `outdated` names kept lists."""

    cursor: datetime
    invoices: tuple[IssuedInvoice, ...] = ()
    missing: frozenset[str] = frozenset()
    applied: dict[str, Applied] = field(default_factory=dict)  # by invoice
    items: tuple[Item, ...] = ()
    outdated: frozenset[str] = frozenset()
    changed_earlier: datetime | None = None  # the latest change among invoices that were taken over already

    @property
    def is_quiet(self) -> bool:
        """Nothing happened that any row or list of ours would have to learn."""
        return not (self.invoices or self.missing or self.items or self.outdated)

    def latest_change(self, since: datetime | None) -> datetime | None:
        """When an invoice changed last, of the changes after the cursor of the last look."""
        told = (self.changed_earlier, *(invoice.updated_at for invoice in self.invoices))
        moments = (moment for moment in told if moment is not None)
        return max((moment for moment in moments if since is None or moment > since), default=None)


def news_of(changes: ReportedChanges, wanted: Set[str] = frozenset(), read: Iterable[IssuedInvoice] = ()) -> News:
    """From an answer, and from what was `read` of the invoices that were `wanted` beside it."""
    found = tuple(read)
    return News(
        cursor=changes.time,
        invoices=(*changes.invoices, *found),
        missing=frozenset(wanted - {invoice.qbo_invoice_id for invoice in found}),
        applied=applied_of(changes.payments),
        items=changes.items,
        outdated=changes.lists,
    )


def ours(connection: QuickBooksConnection) -> QuerySet[Invoice]:
    """The company's rows in these books; another company, or other books of the same one, are never touched."""
    return Invoice.objects.filter(company_id=connection.company_id, realm_id=connection.realm_id)


def unreported(connection: QuickBooksConnection, changes: ReportedChanges) -> set[str]:
    """Invoices of ours that must be read beside this answer: payments name them, and they did not come along."""
    if not changes.payments:
        return set()
    reported = {invoice.qbo_invoice_id for invoice in changes.invoices}
    touched = {invoice_id for payment in changes.payments for invoice_id in payment.invoice_ids} - reported
    known = set(ours(connection).filter(qbo_invoice_id__in=touched).values_list("qbo_invoice_id", flat=True))
    if any(payment.gone for payment in changes.payments):
        # It does not tell what it was applied to. Whether QuickBooks always reports that invoice as well is not known,
        # and which of those it reports had to do with the payment cannot be seen.
        known |= set(_paid_in_part(connection)) - reported
    return known - {""}


def _paid_in_part(connection: QuickBooksConnection) -> Iterable[str]:
    rows = ours(connection).filter(deleted_on__isnull=True, voided_on__isnull=True, balance__lt=F("total"))
    return rows.order_by("-qbo_updated_at").values_list("qbo_invoice_id", flat=True)[:500]


def applied_of(payments: Iterable[AppliedPayment]) -> dict[str, Applied]:
    """By invoice."""
    found: dict[str, Applied] = {}
    for payment in payments:
        for invoice_id in payment.invoice_ids:
            before = found.get(invoice_id, Applied())
            latest = max((day for day in (before.latest, payment.paid_on) if day), default=None)
            credit = {payment.payment_id: payment.credited.get(invoice_id, Decimal(0))} if payment.payment_id else {}
            found[invoice_id] = Applied(latest, before.credits | credit)
    return found


def payments_to_read(connection: QuickBooksConnection, read: Collection[IssuedInvoice]) -> set[str]:
    """Those of invoices that changed while nobody heard of it: what of them is a credit only they tell."""
    paid = {issued.qbo_invoice_id: issued for issued in read if issued.payment_ids}
    rows = ours(connection).filter(qbo_invoice_id__in=paid).defer("draft")
    changed = [issued for row in rows if not is_known(row, issued := paid[row.qbo_invoice_id])]
    return {payment_id for issued in changed for payment_id in issued.payment_ids}


def take_up(connection: QuickBooksConnection, news: News) -> int:
    """Rows for invoices that we made and know nothing of, how many: the database is from a backup older than they are,
    or from a machine that had not heard of them yet; and for a copy whose original is gone, as bookkeepers correct an
    invoice. Else they would stand in no deal, and be created once more.

    In a transaction of its own, before `apply` holds other rows: it begins with the company.
    """
    if not news.invoices:
        return 0
    now, owner = shared_now(), owner_of(connection)
    marked = {}
    for issued in _oldest_first(news.invoices, now):
        if not issued.deleted and (found := marked_deal(issued.private_note, owner)):
            marked[issued.qbo_invoice_id] = (issued, *found)
    known = ours(connection).filter(qbo_invoice_id__in=marked).values_list("qbo_invoice_id", flat=True)
    unknown = marked.keys() - set(known) if marked else set()
    if not unknown:
        return 0
    with transaction.atomic():
        if not hold_company(connection.company_id):
            return 0
        told = {issued.qbo_invoice_id: issued for issued in news.invoices}
        wanted = {mark: deal_id for _issued, deal_id, mark in (marked[each] for each in unknown)}
        alike = _by_mark(connection.company_id, wanted)
        return sum(_take_up(connection, marked[each], alike, told, now) for each in marked if each in unknown)


def _by_mark(company_id: int, wanted: Mapping[str, int]) -> defaultdict[str, list[Invoice]]:
    """What was asked for with the `wanted` marks, whose deals they tell: in that deal, or where it belongs by now, see
    `moved_deals`, which no index knows.
    """
    found = defaultdict(list)
    rows = Invoice.objects.filter(company_id=company_id).order_by("pk")
    for row in rows.filter(deal_id__in=wanted.values()):
        found[mark_of(row.request_id)].append(row)
    if elsewhere := [deal_id for mark, deal_id in wanted.items() if mark not in found]:
        for row in rows.filter(draft__deal_id__in=elsewhere).exclude(deal_id__in=elsewhere):
            found[mark_of(row.request_id)].append(row)
    return found


def _oldest_first(invoices: Iterable[IssuedInvoice], now: datetime) -> list[IssuedInvoice]:
    """A copy, which has the mark as well, comes after its original: QuickBooks goes by who was changed last."""
    return sorted(invoices, key=lambda each: each.created_at or now)


def _take_up(
    connection: QuickBooksConnection,
    found: tuple[IssuedInvoice, int, str],
    alike: defaultdict[str, list[Invoice]],
    told: Mapping[str, IssuedInvoice],
    now: datetime,
) -> bool:
    """`found` has its deal and its mark. False for a copy of one that stands, or for another customer: another sale."""
    issued, deal_id, mark = found
    if not all(_is_gone(row, told.get(row.qbo_invoice_id)) for row in alike[mark]):
        return False
    original = next(iter(alike[mark]), None)
    if original and (original.customer_id != issued.customer_id or is_voided(original, issued)):
        return False
    row = Invoice.objects.create(
        company_id=connection.company_id,
        realm_id=connection.realm_id,
        qbo_invoice_id=issued.qbo_invoice_id,
        deal_id=original.deal_id if original else deal_id,
        created_by_id=NOBODY,
        created_at=issued.created_at or now,
        intent_key=uuid.uuid4(),
        **_as_the_original(original, issued, mark)
        if original
        else {
            "request_id": request_id_of_found(mark),
            "draft": to_json(_draft_of(issued, deal_id, books_of(connection))),
        },
        currency=issued.currency,
        estimate_id=next(iter(issued.estimate_ids or ()), ""),
        note_attempts=TRIED,  # its note may be there: it is looked for before one is written
        **succeeded(),
    )
    alike[mark].append(row)
    log.warning("%s had no row: deal %s has it from QuickBooks", row, row.deal_id)
    return apply_report(row, issued, place=zone(connection.timezone), now=now)


def _as_the_original(original: Invoice, issued: IssuedInvoice, mark: str) -> dict[str, Any]:
    """What a copy is to the deal: with the products, organization and person of the one whose place it takes."""
    return {
        "request_id": request_id_of_copy(mark, issued.qbo_invoice_id),
        "draft": original.draft,
        "deal_then": original.deal_then,
        "organization_id": original.organization_id,
        "person_id": original.person_id,
    }


def _is_gone(row: Invoice, report: IssuedInvoice | None) -> bool:
    """Voided or deleted: by its report, which no row has taken over yet, else by what the row knows."""
    if report is not None:
        return report.deleted or is_voided(row, report)
    return row.voided_on is not None or row.deleted_on is not None


def _draft_of(issued: IssuedInvoice, deal_id: int, books: Books) -> InvoiceDraft:
    """Who was billed how much, in one line; which of the deal's products they were is not told."""
    day = issued.invoice_date or issued.due_date or timezone.now().date()
    line = DraftLine(
        "", "", Decimal(1), (issued.total or Decimal(0)) - (issued.tax or Decimal(0)), Decimal(0), "", Decimal(0)
    )
    return InvoiceDraft(
        deal_id=deal_id,
        bill_to=BillTo(issued.customer_id, issued.customer_name, issued.email),
        currency=issued.currency,
        exchange_rate=None,
        invoice_date=day,
        due_date=issued.due_date or day,
        amounts_are=amounts_are(TaxMethod.EXCLUSIVE, books),
        lines=(line,),
    )


def apply(connection: QuickBooksConnection, news: News) -> int:
    """How many rows changed for the eye. Only rows that are ours; an invoice that carries the mark of an intent without
    an answer settles that intent.
    """
    if not (news.invoices or news.missing):
        return 0
    place, now = zone(connection.timezone), shared_now()
    reported = [invoice.qbo_invoice_id for invoice in news.invoices]
    known = ours(connection).filter(qbo_invoice_id__in={*reported, *news.missing}).exclude(qbo_invoice_id="")
    # In the order of an uninstall, so that it and this never wait for each other in a circle.
    locked = known.order_by("pk").select_for_update(no_key=True)
    rows = {row.qbo_invoice_id: row for row in locked.defer("draft")}
    waiting = _without_answer(connection) if len(rows.keys() & set(reported)) < len(set(reported)) else {}
    changed, same = 0, []
    for issued in _oldest_first(news.invoices, now):
        row = rows.get(issued.qbo_invoice_id)
        if row is None and not issued.deleted:
            row = _settled_by_mark(issued, waiting)
        if row is None:
            continue
        applied = news.applied.get(issued.qbo_invoice_id)
        if is_known(row, issued) and applied is None:
            same.append(row.pk)
        elif issued.deleted:
            changed += mark_deleted(row, place=place, at=issued.updated_at, now=now)
        else:
            told = applied or Applied()
            changed += apply_report(row, issued, place=place, paid_on=told.latest, credits=told.credits, now=now)
    for qbo_invoice_id in news.missing:
        row = rows.get(qbo_invoice_id)
        if row is not None and not _may_be_overlooked(row, news.cursor):
            changed += mark_deleted(row, place=place, now=now)
    if same:
        Invoice.objects.filter(pk__in=same).update(checked_at=now)
    return changed


def _may_be_overlooked(row: Invoice, cursor: datetime) -> bool:
    """So new that a search need not find it yet. If it was deleted since, the next look's changes say so."""
    return row.qbo_updated_at is not None and row.qbo_updated_at > cursor - OVERLAP


def _without_answer(connection: QuickBooksConnection) -> dict[str, Invoice]:
    """Intents by the mark that their invoice would carry."""
    rows = ours(connection).filter(qbo_invoice_id="", created_at__gte=timezone.now() - LONGEST_MEMORY)
    return {mark_of(row.request_id): row for row in rows}


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
