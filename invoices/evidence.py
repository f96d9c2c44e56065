"""Every write to QuickBooks leaves a row: who wanted it, what kind it was, what was sent, and what came back.

The row is stored before the call, so that a worker that is killed in between leaves it too; nothing depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from integration_settings.errors import (
    ConnectionExpired,
    OutcomeUnknown,
    RateLimited,
    ServiceError,
    ServiceUnavailable,
)
from integration_settings.selectors import hold_company
from invoices.invoice_gateway import InvoiceGateway
from invoices.models import Invoice, InvoiceAction, QuickBooksWrite, WriteKind, WriteOutcome

NOTHING_DONE = (RateLimited, ServiceUnavailable, ConnectionExpired)


@contextmanager
def written_down(
    kind: WriteKind,
    invoice: Invoice,
    gateway: InvoiceGateway,
    *,
    request_id: str,
    by: str = "",
    first: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Around the one call of `gateway` that writes. `by` is who asked for it, where it is not who made the invoice;
    `first` is what is committed together with the evidence before the call goes out.
    """
    row_id = _begin(kind, invoice, request_id, by or invoice.created_by_name, first)
    try:
        yield
    except ServiceError as error:
        code = str(getattr(error, "code", ""))[:32]
        _end(row_id, gateway, _outcome_of(error), code=code, trace_id=error.trace_id)
        raise
    _end(row_id, gateway, WriteOutcome.DONE)


def _begin(kind: WriteKind, invoice: Invoice, request_id: str, by: str, first: Callable[[], None]) -> int | None:
    """None when the app was uninstalled meanwhile: then there is nobody to keep it for.

    A call that certainly did nothing is overwritten by the next one: QuickBooks may be away for days.
    """
    now = timezone.now()
    with transaction.atomic():
        there = hold_company(invoice.company_id)
        first()
        if not there:
            return None
        rows = QuickBooksWrite.objects.filter(invoice=invoice, kind=kind, request_id=request_id)
        again = rows.filter(outcome=WriteOutcome.NOTHING_DONE).order_by("-pk").first()
        if again is not None:
            rows.filter(pk=again.pk).update(outcome="", tries=F("tries") + 1, begun_at=now, ended_at=None, trace_id="")
            return again.pk
        columns = {"company_id": invoice.company_id, "invoice": invoice, "asked_by_name": by, "begun_at": now}
        return QuickBooksWrite.objects.create(kind=kind, request_id=request_id, **columns).pk


def _end(
    row_id: int | None, gateway: InvoiceGateway, outcome: WriteOutcome, *, code: str = "", trace_id: str = ""
) -> None:
    if row_id is None:
        return
    sent = gateway.written
    QuickBooksWrite.objects.filter(pk=row_id).update(
        outcome=outcome,
        code=code,
        trace_id=trace_id or sent.trace_id,
        sent_fields=list(sent.fields),
        sent_digest=sent.digest,
        ended_at=timezone.now(),
    )


def _outcome_of(error: ServiceError) -> WriteOutcome:
    if isinstance(error, OutcomeUnknown):
        return WriteOutcome.UNKNOWN
    return WriteOutcome.NOTHING_DONE if isinstance(error, NOTHING_DONE) else WriteOutcome.REFUSED


def trace_of_creation(invoice: Invoice) -> str:
    """Intuit's id of the answer that brought the invoice; "" where a search found it, or none came."""
    made = QuickBooksWrite.objects.filter(
        company_id=invoice.company_id, invoice=invoice, kind=WriteKind.CREATE_INVOICE, outcome=WriteOutcome.DONE
    )
    return made.order_by("-pk").values_list("trace_id", flat=True).first() or ""


def actions_for(invoice: Invoice) -> list[InvoiceAction]:
    return list(InvoiceAction.objects.filter(company=invoice.company, invoice=invoice).order_by("pk"))


def writes_for(invoice: Invoice) -> list[QuickBooksWrite]:
    """In the order in which they began."""
    return list(QuickBooksWrite.objects.filter(company=invoice.company, invoice=invoice).order_by("begun_at", "pk"))
