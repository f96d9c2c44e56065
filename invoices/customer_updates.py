"""What differs at a customer is shown before it is written, and written once, beside the invoice and whatever its fate.

The row is the truth, as with new invoices (docs/decisions/0002). Each try begins with a look at the customer: what is
there already needs no write, so a lost answer costs nothing; what somebody has changed since the person saw it is left
alone, and the person is told.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from integration_settings.clock import shared_now
from integration_settings.country_words import country_code, keeps_tax_ids, tax_id_label
from integration_settings.errors import AccessDenied, NotFound, OutcomeUnknown, Rejected, ServiceError
from integration_settings.models import QuickBooksConnection
from integration_settings.selectors import quickbooks_of
from invoices.customers import keep_name
from invoices.domain.customer_update import (
    EDITED_ELSEWHERE,
    Change,
    Comparison,
    CustomerField,
    CustomerRecord,
    Difference,
    EditedElsewhere,
    PartyDetails,
)
from invoices.domain.refusals import ACCESS_DENIED, GAVE_UP, NOT_THERE
from invoices.domain.status import Submission
from invoices.evidence import written_down
from invoices.invoice_gateway import InvoiceGateway, QuickBooksGateway
from invoices.leases import (
    GIVE_UP_AFTER,
    longer_each_time,
    one_step,
    reject,
    reject_or_look_again,
    renew,
    settle,
    too_late,
    usable,
    wait,
    wait_for,
)
from invoices.models import CustomerUpdate, Invoice, WriteKind
from invoices.submission import MakeGateway

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Compared:
    """A customer as QuickBooks has it now, and what Pipedrive says differently."""

    record: CustomerRecord
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person ticked after having seen both versions."""

    customer_id: str
    customer_name: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Try:
    """One claimed try at one update."""

    update: CustomerUpdate
    connection: QuickBooksConnection
    gateway: InvoiceGateway


def compare(
    connection: QuickBooksConnection,
    customer_id: str,
    details: PartyDetails,
    make_gateway: MakeGateway = QuickBooksGateway,
) -> Compared | None:
    """One read of QuickBooks; None when it has no such active customer. Raises its `ServiceError`s.

    A customer that is called otherwise now is remembered by that name.
    """
    record = make_gateway(connection).read_customer(customer_id)
    if record is None or not record.active:
        return None
    keep_name(connection.company, connection.realm_id, customer_id, record.name)
    return Compared(record, comparison_for(connection).differences(record, details))


def comparison_for(connection: QuickBooksConnection) -> Comparison:
    country = connection.country
    return Comparison(keeps_tax_ids(country), country_code, tax_id_label(country))


def store(invoice: Invoice, wish: Wish) -> None:
    """The intent, in the transaction that stores the invoice's own."""
    CustomerUpdate.objects.create(
        company=invoice.company,
        invoice=invoice,
        customer_id=wish.customer_id,
        customer_name=wish.customer_name,
        changes=[to_json(change) for change in wish.changes],
        request_id=uuid.uuid4().hex,
        next_attempt_at=shared_now(),
    )


def put_away(invoice: Invoice) -> None:
    """Somebody has read why the update failed."""
    done = CustomerUpdate.objects.filter(invoice=invoice, settled_at__isnull=False, put_away_at__isnull=True)
    done.update(put_away_at=timezone.now())


def to_json(change: Change) -> dict[str, Any]:
    return {"field": str(change.field), "before": list(change.before), "after": list(change.after)}


def from_json(stored: Iterable[dict[str, Any]]) -> tuple[Change, ...]:
    return tuple(Change(CustomerField(each["field"]), tuple(each["before"]), tuple(each["after"])) for each in stored)


def carry_out(update_id: int, make_gateway: MakeGateway = QuickBooksGateway) -> None:
    """Takes an update one step further: done, refused, or due again later. Harmless when there is nothing to do."""
    one_step(CustomerUpdate, update_id, lambda update: _step(update, make_gateway), "invoice", "company")


def _step(update: CustomerUpdate, make_gateway: MakeGateway) -> None:
    found, give_up_at = quickbooks_of(update.company), update.invoice.created_at + GIVE_UP_AFTER
    connection = usable(found, update, update.invoice, give_up_at=give_up_at)
    if connection is not None:
        _look_first(Try(update, connection, make_gateway(connection)))


def _look_first(this: Try) -> None:
    try:
        record = this.gateway.read_customer(this.update.customer_id)
    except ServiceError as error:
        if isinstance(error, AccessDenied) and this.update.sent_at is None:  # what went out may have been done
            return reject(this.update, {"code": ACCESS_DENIED, "trace_id": error.trace_id})
        return wait(this.update, wait_for(error, this.update))
    if record is None or not record.active:
        return reject(this.update, {"code": NOT_THERE})
    try:
        left = comparison_for(this.connection).left_to_write(from_json(this.update.changes), record)
    except EditedElsewhere as edited:
        return reject(this.update, {"code": EDITED_ELSEWHERE, "field": str(edited.field)})
    if left and too_late(this.update.invoice.created_at):
        return reject(this.update, {"code": GAVE_UP})
    return _write(this, record, left) if left else _succeed(this.update)


def _write(this: Try, record: CustomerRecord, left: tuple[Change, ...]) -> None:
    """The one call that does it. A request id belongs to one version: QuickBooks repeats its answer, a refusal too."""
    update, sent_before = this.update, this.update.sent_at
    renew(update, sent_at=sent_before or shared_now())
    request_id = f"{update.request_id}-{record.sync_token}"
    try:
        with written_down(WriteKind.UPDATE_CUSTOMER, update.invoice, this.gateway, request_id=request_id):
            this.gateway.update_customer(record, left, request_id=request_id)
    except OutcomeUnknown as unknown:
        log.warning("the fate of %s is unknown: %s", update, unknown)
        return wait(update, longer_each_time(update), submission=Submission.UNKNOWN)
    except (Rejected, NotFound) as refusal:
        return reject_or_look_again(update, refusal, sent_before)
    except AccessDenied as denied:
        return reject(update, {"code": ACCESS_DENIED, "trace_id": denied.trace_id})
    except ServiceError as error:  # certainly nothing was done
        return wait(update, wait_for(error, update), sent_at=sent_before)
    return _succeed(update)


def _succeed(update: CustomerUpdate) -> None:
    settle(update, submission=Submission.SUCCEEDED, refusal=None)
    log.info("%s is done", update)
