"""A void, a deletion, an e-mail or files for an invoice: carried out once, whatever fails and whoever is killed.

The row is the truth, as with new invoices (docs/decisions/0002). Each try begins with a look at the invoice: what is
there tells whether an earlier try did the work, and gives the version that QuickBooks wants named. To void or delete
again does no harm; an e-mail whose answer was lost is never sent again by itself: the person decides.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils import timezone

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
from integration_settings.models import PipedriveUser, QuickBooksConnection
from integration_settings.rights import Right
from integration_settings.selectors import hold_company, quickbooks_of
from invoices import attachments
from invoices.attachments import LOOK_GAP
from invoices.domain.actions import Action
from invoices.domain.emails import addresses_in
from invoices.domain.files import FileWish, to_json
from invoices.domain.refusals import ACCESS_DENIED, GAVE_UP, NOT_SENT, NOT_THERE, PAID_MEANWHILE, VOIDED_MEANWHILE
from invoices.domain.status import Submission
from invoices.evidence import written_down
from invoices.invoice_answers import IssuedInvoice
from invoices.invoice_gateway import InvoiceGateway, QuickBooksGateway
from invoices.leases import (
    GIVE_UP_AFTER,
    LONG_WAITS,
    WAITS,
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
from invoices.models import Invoice, InvoiceAction, WriteKind
from invoices.reports import apply_report, mark_deleted, zone
from invoices.submission import MakeGateway, follow_soon

log = logging.getLogger(__name__)

NEEDS = {
    Action.SEND: Right.SEND,
    Action.VOID: Right.VOID,
    Action.DELETE: Right.VOID,
    Action.ATTACH: Right.CREATE,
}


@dataclass(frozen=True, slots=True)
class Try:
    """One claimed try at one action."""

    action: InvoiceAction
    connection: QuickBooksConnection
    gateway: InvoiceGateway

    @property
    def invoice(self) -> Invoice:
        return self.action.invoice

    @property
    def kind(self) -> Action:
        return Action(self.action.kind)


def ask(
    invoice: Invoice,
    kind: Action,
    *,
    user: PipedriveUser,
    intent_key: uuid.UUID,
    to: str = "",
    paid_seen: Decimal | None = None,
    files: Sequence[FileWish] = (),
) -> InvoiceAction:
    """Stores what a person wants; a worker carries it out. The same key, or a second wish meanwhile, adds nothing: the
    action that is there comes back.

    `paid_seen` is what had been paid on it when the person was asked; without it, what is known now.

    Raises `ConnectionExpired` when the company has uninstalled the app meanwhile.
    """
    row = InvoiceAction(
        company=invoice.company,
        invoice=invoice,
        kind=kind,
        intent_key=intent_key,
        request_id=uuid.uuid4().hex,
        to=to,
        asked_by_id=user.user_id,
        asked_by_name=user.name,
        paid_then=invoice.settled if paid_seen is None else paid_seen,
        emailed_before=invoice.emailed_at,
        files=to_json(files),
        next_attempt_at=shared_now(),
    )
    try:
        with transaction.atomic():
            if not hold_company(invoice.company_id):
                raise ConnectionExpired("pipedrive", "the company has left")
            row.save(force_insert=True)
            earlier = InvoiceAction.objects.filter(invoice=invoice, put_away_at__isnull=True).exclude(pk=row.pk)
            earlier.update(put_away_at=timezone.now())
    except IntegrityError:
        stored = InvoiceAction.objects.filter(company=invoice.company, intent_key=intent_key).first()
        under_way = InvoiceAction.objects.filter(invoice=invoice, settled_at__isnull=True).first()
        found = stored or under_way
        if found is None:
            # The one under way ended in this very moment.
            return ask(invoice, kind, user=user, intent_key=intent_key, to=to, paid_seen=paid_seen, files=files)
        return found
    return row


def put_away(invoice: Invoice) -> None:
    """Somebody has read why the last action failed."""
    done = InvoiceAction.objects.filter(invoice=invoice, settled_at__isnull=False, put_away_at__isnull=True)
    done.update(put_away_at=timezone.now())


def carry_out(action_id: int, make_gateway: MakeGateway = QuickBooksGateway) -> None:
    """Takes an action one step further: done, refused, or due again later. Harmless when there is nothing to do."""
    one_step(InvoiceAction, action_id, lambda action: _step(action, make_gateway), "invoice", "company")


def _step(action: InvoiceAction, make_gateway: MakeGateway) -> None:
    found, give_up_at = quickbooks_of(action.company), action.asked_at + GIVE_UP_AFTER
    connection = usable(found, action, action.invoice, give_up_at=give_up_at)
    if connection is not None:
        _look_first(Try(action, connection, make_gateway(connection)))


def _look_first(this: Try) -> None:
    action = this.action
    try:
        found = this.gateway.read_invoice(action.invoice.qbo_invoice_id)
    except ServiceError as error:
        if isinstance(error, AccessDenied) and action.sent_at is None:
            return reject(action, {"code": ACCESS_DENIED, "trace_id": error.trace_id})
        return wait(action, wait_for(error, action, WAITS if action.sent_at else LONG_WAITS))
    if found is None:
        return _gone(this)
    known = action.invoice.settled
    apply_report(action.invoice, found, place=zone(this.connection.timezone))
    # By what was shown, not by what the row knew: other looks take payments over while this one waits.
    shown = known if action.paid_then is None else action.paid_then
    return _go_on(this, found, unseen=action.invoice.settled > shown)


def _go_on(this: Try, found: IssuedInvoice, *, unseen: bool) -> None:
    """What the invoice as it is now leaves to do. `unseen`: more of it is paid than whoever asked had been shown."""
    action = this.action
    if this.kind == Action.ATTACH:
        return attachments.carry_on(action, this.gateway)
    if _is_done(this):
        return _succeed(this, found)
    if this.kind == Action.SEND and action.sent_at is not None:
        return _not_sent_yet(this)
    if this.kind == Action.SEND and action.invoice.voided_on:
        return reject(action, {"code": VOIDED_MEANWHILE})
    if this.kind == Action.VOID and unseen:
        return reject(action, {"code": PAID_MEANWHILE})  # a deletion is refused by QuickBooks itself then
    return _send(this, found)


def _gone(this: Try) -> None:
    """It is not in QuickBooks any more: what a deletion wanted, and the end of everything else."""
    with transaction.atomic():
        hold_company(this.action.company_id)
        if this.kind == Action.DELETE:
            settle(this.action, submission=Submission.SUCCEEDED)
        else:
            reject(this.action, {"code": NOT_THERE})
        mark_deleted(this.invoice, place=zone(this.connection.timezone))


def _is_done(this: Try) -> bool:
    if this.kind == Action.VOID:
        return this.invoice.voided_on is not None
    return this.kind == Action.SEND and _is_emailed(this.action, this.invoice)


def _is_emailed(action: InvoiceAction, invoice: Invoice) -> bool:
    """By what was sent, or before that by somebody else, to the same addresses, since it was asked for. It may be this
    very wish, too: the database may be from a backup.
    """
    if invoice.emailed_at is None or invoice.emailed_at == action.emailed_before:
        return False
    to, went_to = (set(addresses_in(text.casefold())) for text in (action.to, invoice.email))
    return action.sent_at is not None or (invoice.emailed_at > action.asked_at and to == went_to)


def _not_sent_yet(this: Try) -> None:
    """QuickBooks shows no trace of the e-mail. It may still be at it, so it is looked at twice."""
    action, now = this.action, shared_now()
    if action.absent_since is None:
        return wait(action, LOOK_GAP, submission=Submission.UNKNOWN, absent_since=now)
    if (left := action.absent_since + LOOK_GAP - now) > timedelta(0):
        return wait(action, left, submission=Submission.UNKNOWN)
    return reject(action, {"code": NOT_SENT})


def _send(this: Try, found: IssuedInvoice) -> None:
    """The one call that does it. Everything is committed that a successor needs, then it goes out."""
    action = this.action
    if too_late(action.asked_at):
        return reject(action, {"code": GAVE_UP})
    sent_before = action.sent_at
    # By the row and not by the answer, which does not always tell when: the row has then the time of that version.
    renew(action, sent_at=sent_before or shared_now(), emailed_before=this.invoice.emailed_at)
    try:
        issued = _call(this, found)
    except OutcomeUnknown as unknown:
        log.warning("the fate of %s is unknown: %s", action, unknown)
        return wait(action, longer_each_time(action), submission=Submission.UNKNOWN, absent_since=None)
    except (Rejected, NotFound) as refusal:
        return reject_or_look_again(action, refusal, sent_before)
    except AccessDenied as denied:
        return reject(action, {"code": ACCESS_DENIED, "trace_id": denied.trace_id})
    except (RateLimited, ServiceUnavailable, ConnectionExpired) as error:  # certainly nothing was done
        return wait(action, wait_for(error, action), sent_at=sent_before)
    return _succeed(this, issued)


def _call(this: Try, found: IssuedInvoice) -> IssuedInvoice | None:
    """A request id belongs to one version of the invoice: QuickBooks repeats its answer, a refusal too."""
    request_id = f"{this.action.request_id}-{found.sync_token}"
    by = this.action.asked_by_name
    with written_down(WriteKind(this.kind), this.invoice, this.gateway, request_id=request_id, by=by):
        return _write(this, found, request_id)


def _write(this: Try, found: IssuedInvoice, request_id: str) -> IssuedInvoice | None:
    if this.kind == Action.VOID:
        return this.gateway.void_invoice(found.qbo_invoice_id, found.sync_token, request_id=request_id)
    if this.kind == Action.DELETE:
        this.gateway.delete_invoice(found.qbo_invoice_id, found.sync_token, request_id=request_id)
        return None
    return this.gateway.send_invoice(found.qbo_invoice_id, this.action.to, request_id=request_id)


def _succeed(this: Try, issued: IssuedInvoice | None) -> None:
    place = zone(this.connection.timezone)
    with transaction.atomic():
        hold_company(this.action.company_id)
        settle(this.action, submission=Submission.SUCCEEDED, refusal=None)
        if issued is None:
            mark_deleted(this.invoice, place=place)
        else:
            # Of a free invoice QuickBooks' answer need not tell: its amounts were zero before.
            done = replace(issued, voided=issued.voided or this.kind == Action.VOID)
            apply_report(this.invoice, done, place=place)
        follow_soon(this.connection, unless_held=True)
    log.info("%s is done", this.action)
    follow_soon(this.connection)
