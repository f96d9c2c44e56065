"""An intent becomes exactly one invoice in QuickBooks, whatever fails on the way and whoever is killed.

The row is the truth. It is claimed with a lease by a conditional update; every step is recorded under that lease only.
`sent_at` is committed before the call: from then on the invoice might exist, and nothing is sent again before
QuickBooks was searched for it. Only when two searches, some time apart, found nothing is it sent once more, with the
same request id. See docs/decisions/0002.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from integration_settings.clock import shared_now
from integration_settings.errors import (
    AccessDenied,
    ConnectionExpired,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    ServiceError,
    ServiceUnavailable,
)
from integration_settings.models import QuickBooksConnection
from integration_settings.reference import doubt
from integration_settings.selectors import hold_company
from invoices.claims import Busy
from invoices.customers import NameTaken, customer_for
from invoices.domain.books import Books
from invoices.domain.draft import InvoiceDraft, asks_for_more, from_json, to_json
from invoices.domain.estimate import Estimate
from invoices.domain.money import is_rounding
from invoices.domain.refusals import (
    ACCESS_DENIED,
    ESTIMATE_CHANGED,
    ESTIMATE_GONE,
    GAVE_UP,
    NO_REFERENCE,
    NOT_THERE,
    Step,
    field_of,
)
from invoices.domain.status import Submission
from invoices.evidence import written_down
from invoices.invoice_answers import IssuedInvoice
from invoices.invoice_bodies import carries_mark, sent_lines
from invoices.invoice_gateway import InvoiceGateway, QuickBooksGateway, books_of
from invoices.items import ItemRefused, with_items
from invoices.leases import (
    LONG_WAITS,
    WAITS,
    longer_each_time,
    one_step,
    reject,
    release,
    renew,
    usable,
    wait,
    wait_for,
)
from invoices.models import Invoice, WriteKind
from invoices.reports import apply_report, mark_deleted, zone

log = logging.getLogger(__name__)

SEARCH_GAP = timedelta(seconds=20)  # between the two searches that must both find nothing
CLOCK_MARGIN = timedelta(minutes=15)  # how far our clock and QuickBooks' may differ
GIVE_UP_AFTER = timedelta(days=2)  # for an intent that never left us; while nobody is signed in, it waits longer
PERHAPS_DONE = timedelta(minutes=15)  # older intents that never left us may be from a backup, and done since
OLDEST = timedelta(days=14)  # what was meant two weeks ago may be meant no more
FIRST_SEARCH = timedelta(seconds=2)

MakeGateway = Callable[[QuickBooksConnection], InvoiceGateway]


@dataclass(frozen=True, slots=True)
class Try:
    """One claimed try at one intent."""

    invoice: Invoice
    draft: InvoiceDraft
    connection: QuickBooksConnection
    gateway: InvoiceGateway


def submit(invoice_id: int, make_gateway: MakeGateway = QuickBooksGateway) -> None:
    """Takes an intent one step further: created, refused, or due again later. Harmless when there is nothing to do."""
    one_step(Invoice, invoice_id, lambda invoice: _step(invoice, make_gateway), "company__quickbooks")


def _step(invoice: Invoice, make_gateway: MakeGateway) -> None:
    found: QuickBooksConnection | None = getattr(invoice.company, "quickbooks", None)
    connection = usable(found, invoice, invoice, give_up_at=given_up_at(invoice, found))
    if connection is None:
        return None
    this = Try(invoice, from_json(invoice.draft), connection, make_gateway(connection))
    if asks_for_more(invoice.draft):
        return _leave_to_a_newer_version(this)
    if invoice.sent_at is None:
        return _first_time(this)
    return _search_first(this)


def _leave_to_a_newer_version(this: Try) -> None:
    """While two versions run, or after going back: without what only that one knows it would be another invoice."""
    invoice = this.invoice
    log.warning("invoice %s waits for the version that it was asked for with", invoice.public_id)
    found = None
    with suppress(ServiceError):
        found = _search(this) if invoice.sent_at else None
    if found is not None:
        _record(this, found)
    else:
        wait(invoice, longer_each_time(invoice, LONG_WAITS))


def given_up_at(invoice: Invoice, connection: QuickBooksConnection | None) -> datetime:
    """When an intent is given up that never left us: people were told that it waits until somebody signs in again."""
    oldest = invoice.created_at + OLDEST
    if connection is None or not connection.is_connected:
        return oldest
    return min(max(invoice.created_at, connection.connected_at) + GIVE_UP_AFTER, oldest)


def _first_time(this: Try) -> None:
    invoice = this.invoice
    try:
        customer_id = invoice.customer_id or customer_for(invoice, this.draft, this.gateway)
        outcome: IssuedInvoice | dict[str, Any] | None = None
        if shared_now() - invoice.created_at > PERHAPS_DONE:
            renew(invoice, customer_id=customer_id)
            outcome = _search(this)
            renew(invoice)
        if outcome := outcome or _by_estimate(this, customer_id):
            return _record(this, outcome) if isinstance(outcome, IssuedInvoice) else _reject(invoice, outcome)
        draft = with_items(invoice, _with_rate(this), this.connection, this.gateway)
    except Busy:
        return wait(invoice, timedelta(seconds=WAITS[0]))
    except (NameTaken, Rejected, AccessDenied) as refusal:
        return _reject(invoice, _customer_refusal(refusal))
    except ItemRefused as refused:
        doubt(this.connection)
        return _reject(invoice, _item_refusal(refused))
    except ServiceError as error:  # nothing of the invoice was sent; what was created before its answer is found again
        return wait(invoice, wait_for(error, invoice, LONG_WAITS))
    return _send(replace(this, draft=draft), customer_id)


def _by_estimate(this: Try, customer_id: str) -> IssuedInvoice | dict[str, Any] | None:
    """Why no invoice can be made of the estimate any more; or the one that was, by this very press, where the row of
    then is lost. It is read again, as weeks may lie between the choice and the press, and people go on working in
    QuickBooks. None: it is as it was chosen.
    """
    chosen = this.draft.estimate
    if chosen is None:
        return None
    renew(this.invoice, customer_id=customer_id)
    estimate = this.gateway.read_estimate(chosen.id)
    if estimate and (found := _ours_of(estimate, this)):
        return found
    renew(this.invoice)
    if estimate is None or not estimate.is_open:
        return {"code": ESTIMATE_GONE, "field": "estimate"}
    return None if estimate.still_says(chosen, customer_id) else {"code": ESTIMATE_CHANGED, "field": "estimate"}


def _ours_of(estimate: Estimate, this: Try) -> IssuedInvoice | None:
    """The invoice of this press, where that is what has closed the estimate: no search has to find it."""
    for qbo_invoice_id in estimate.invoice_ids:
        renew(this.invoice)
        found = this.gateway.read_invoice(qbo_invoice_id)
        if found and carries_mark(found.private_note, this.invoice.request_id):
            return found
    return None


def _with_rate(this: Try) -> InvoiceDraft:
    """With the rate of the invoice's own day and currency, whatever they had become in the form.

    While QuickBooks does not tell, it uses its own.
    """
    draft, books = this.draft, books_of(this.connection)
    if draft.exchange_rate or not books.multicurrency or draft.currency == books.home_currency:
        return draft
    with suppress(ServiceError):
        renew(this.invoice)
        draft = replace(draft, exchange_rate=this.gateway.exchange_rate(draft.currency, draft.invoice_date))
        renew(this.invoice, draft=to_json(draft))
    return draft


def _search_first(this: Try) -> None:
    """The invoice went out before and might exist."""
    invoice = this.invoice
    try:
        found = _search(this)
    except ServiceError as error:
        return wait(invoice, wait_for(error, invoice), submission=Submission.UNKNOWN)
    if found is not None:
        return _record(this, found)
    now = shared_now()
    if invoice.absent_since is None:
        gap = max(SEARCH_GAP, longer_each_time(invoice, LONG_WAITS))
        return wait(invoice, gap, submission=Submission.UNKNOWN, absent_since=now)
    if (left := invoice.absent_since + SEARCH_GAP - now) > timedelta(0):
        return wait(invoice, left, submission=Submission.UNKNOWN)
    if now - invoice.created_at > OLDEST:
        return _reject(invoice, {"code": GAVE_UP})
    return _send(this, invoice.customer_id)


def _search(this: Try) -> IssuedInvoice | None:
    since = (this.invoice.sent_at or this.invoice.created_at) - CLOCK_MARGIN
    return this.gateway.find_invoice(this.invoice.request_id, customer_id=this.invoice.customer_id, since=since)


def _send(this: Try, customer_id: str) -> None:
    """The one call that creates the invoice. Everything is committed that a successor needs, then it goes out."""
    invoice = this.invoice
    sent_before, absent_before = invoice.sent_at, invoice.absent_since
    sent_at = sent_before or shared_now()
    on_its_way = partial(renew, invoice, customer_id=customer_id, sent_at=sent_at, absent_since=None)
    key = invoice.request_id
    try:
        with written_down(WriteKind.CREATE_INVOICE, invoice, this.gateway, request_id=key, first=on_its_way):
            issued = this.gateway.create_invoice(this.draft, customer_id, request_id=key)
    except OutcomeUnknown as unknown:
        log.warning("the fate of invoice %s is unknown: %s", invoice.public_id, unknown)
        return wait(invoice, FIRST_SEARCH, submission=Submission.UNKNOWN)
    except (Rejected, NotFound) as refusal:
        return _refused(this, refusal, may_exist=sent_before is not None)
    except AccessDenied as denied:
        if sent_before is None:
            return _reject(invoice, _denied(denied))
        return wait(invoice, wait_for(denied, invoice), absent_since=absent_before)
    except (RateLimited, ServiceUnavailable, ConnectionExpired) as error:  # certainly nothing was done
        waits = WAITS if sent_before else LONG_WAITS
        return wait(invoice, wait_for(error, invoice, waits), sent_at=sent_before, absent_since=absent_before)
    return _record(this, _as_it_is_now(this, issued) if sent_before else issued)


def _as_it_is_now(this: Try, issued: IssuedInvoice) -> IssuedInvoice:
    """A second sending is answered with what the first one made, and somebody may have changed or deleted that since:
    QuickBooks has told it long before there was a row to take it over.
    """
    with suppress(ServiceError):
        renew(this.invoice)
        return this.gateway.read_invoice(issued.qbo_invoice_id) or replace(issued, deleted=True)
    return issued


def _refused(this: Try, refusal: ServiceError, *, may_exist: bool) -> None:
    """Nothing was created by this call. But an earlier one may have done it, and its number may be what is refused."""
    invoice, field = this.invoice, ""
    content = _refusal(refusal, Step.INVOICE, this)
    try:
        renew(invoice)
        if may_exist and (found := _search(this) or _found_by_estimate(this, content["field"])):
            return _record(this, found)
        renew(invoice)
        if isinstance(refusal, NotFound) or getattr(refusal, "code", "") in (NOT_THERE, NO_REFERENCE):
            field = this.gateway.inactive_reference(this.draft, invoice.customer_id)
    except ServiceError as error:
        if may_exist:
            return wait(invoice, wait_for(error, invoice), submission=Submission.UNKNOWN)
    doubt(this.connection)
    return _reject(invoice, content | ({"field": field} if field else {}))


def _found_by_estimate(this: Try, field: str) -> IssuedInvoice | None:
    """Where QuickBooks refuses to invoice an estimate twice, the first time may have been ours."""
    if field != "estimate" or this.draft.estimate is None:
        return None
    renew(this.invoice)
    estimate = this.gateway.read_estimate(this.draft.estimate.id)
    return _ours_of(estimate, this) if estimate else None


def _refusal(refusal: ServiceError, step: Step, this: Try | None = None) -> dict[str, Any]:
    """What is kept of a refusal: for the field of the form, for the reader, and for support."""
    code = getattr(refusal, "code", "") or (NOT_THERE if isinstance(refusal, NotFound) else "")
    element, detail = getattr(refusal, "element", ""), getattr(refusal, "detail", "")
    origins = [line.origin for line in sent_lines(this.draft, books_of(this.connection))] if this else []
    return {
        "code": code,
        "field": field_of(step, code, element=element, detail=detail, line_origins=origins),
        "message": getattr(refusal, "message", ""),
        "detail": detail,
        "trace_id": refusal.trace_id,
    }


def _customer_refusal(refusal: NameTaken | Rejected | AccessDenied) -> dict[str, Any]:
    """Whoever has the name already is told, with the customer that may be chosen instead."""
    if isinstance(refusal, AccessDenied):
        return _denied(refusal)
    if isinstance(refusal, Rejected):
        return _refusal(refusal, Step.CUSTOMER)
    owner = refusal.customer
    return _refusal(refusal.refusal, Step.CUSTOMER) | {
        "taken_by": refusal.owner,
        "name": refusal.name,
        "customer_id": owner.customer_id if owner else "",
        "customer": owner.name if owner else "",
    }


def _item_refusal(refused: ItemRefused) -> dict[str, Any]:
    return _refusal(refused.refusal, Step.ITEM) | {
        "field": f"lines.{refused.index}.item",
        "taken_by": refused.taken_by,
        "new_item": refused.name,
    }


def _denied(denied: AccessDenied) -> dict[str, Any]:
    return {"code": ACCESS_DENIED, "trace_id": denied.trace_id}


# Recording, always under our lease


def _record(this: Try, issued: IssuedInvoice) -> None:
    """The row is complete from the answer; nothing is read again."""
    invoice, place = this.invoice, zone(this.connection.timezone)
    if _surprises(this.draft, issued, books_of(this.connection)):
        doubt(this.connection)
    with transaction.atomic():
        hold_company(invoice.company_id)
        release(invoice, **succeeded())
        apply_report(invoice, issued, place=place)
        if issued.deleted:  # as of its last version, so that a look that finds it all the same is the later one
            mark_deleted(invoice, place=place, at=issued.updated_at)
        follow_soon(this.connection, unless_held=True)
    if this.draft.estimate and not invoice.estimate_kept:
        log.warning("invoice %s: QuickBooks does not tell that it is made from an estimate", invoice.public_id)
    expected = this.draft.expected_total
    off = ""
    if expected is not None and issued.total is not None and expected != issued.total:
        off = f", its total is {issued.total - expected:+f} off the form's"
    log.info("invoice %s is number %s%s", invoice.public_id, issued.number or issued.qbo_invoice_id, off)
    follow_soon(this.connection)


def _surprises(draft: InvoiceDraft, issued: IssuedInvoice, books: Books) -> bool:
    """QuickBooks took it, but not as the form had said: a rate, the tax, the numbering or a field of the company's own
    is another one by now.
    """
    expected = draft.expected_total
    told = dict(issued.own_fields)
    own = (field for field in books.own_fields if draft.extras.own_field(field.id))
    if any(told.get(field.id) not in ("", field.name) for field in own):  # an answer need not name it
        return True
    if not issued.number or expected is None:
        return not issued.number
    return issued.total is None or not is_rounding(expected - issued.total, draft.currency)


def succeeded() -> dict[str, Any]:
    """The columns of an intent whose invoice exists."""
    return {
        "submission": Submission.SUCCEEDED,
        "settled_at": shared_now(),
        "next_attempt_at": None,
        "absent_since": None,
        "refusal": None,
    }


def follow_soon(connection: QuickBooksConnection, *, unless_held: bool = False) -> None:
    """From now on there is something to follow: the next look at QuickBooks is due soon, if not sooner already.

    `unless_held` is for a transaction, and the same without it for after its end: somebody may have the connection for
    a new token, and whoever wants the company or this invoice would wait for that as well.
    """
    soon = shared_now() + timedelta(seconds=settings.QUICKBOOKS_SYNC_SECONDS)
    later = Q(next_sync_at__isnull=True) | Q(next_sync_at__gt=soon)
    rows = QuickBooksConnection.objects.filter(later, pk=connection.pk)
    if unless_held:
        free = rows.select_for_update(skip_locked=True).values("pk")
        rows = QuickBooksConnection.objects.filter(pk__in=free)
    rows.update(next_sync_at=soon)


def _reject(invoice: Invoice, refusal: dict[str, Any]) -> None:
    reject(invoice, refusal, sent_at=None)
