"""A void, a deletion or an e-mail of an open invoice, carried out against a gateway that is a fake."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from invoices import actions, selectors
from invoices.domain.actions import Action
from invoices.domain.status import InvoiceStatus
from invoices.reports import apply_report, status_of, zone
from tests.factories import a_draft, make_invoice

CALLS = {Action.VOID: "void_invoice", Action.DELETE: "delete_invoice", Action.SEND: "send_invoice"}
ENDS = {Action.VOID: InvoiceStatus.VOIDED, Action.DELETE: InvoiceStatus.DELETED, Action.SEND: InvoiceStatus.OPEN}


@pytest.fixture
def invoice(company, gateway):
    row = an_open_one(company, gateway)
    gateway.calls.clear()
    return row


def an_open_one(company, gateway):
    issued = gateway.create_invoice(a_draft(), "7", request_id=uuid.uuid4().hex)
    row = make_invoice(company, qbo_invoice_id=issued.qbo_invoice_id)
    apply_report(row, issued, place=zone("UTC"))
    return row


def want(invoice, kind, user, key=None, to="accounts@bramley.example"):
    to = to if kind == Action.SEND else ""
    return actions.ask(invoice, kind, user=user, intent_key=key or uuid.uuid4(), to=to)


def carry_out(action, gateway):
    actions.carry_out(action.pk, lambda connection: gateway)
    action.refresh_from_db()
    action.invoice.refresh_from_db()


def see_through(action, gateway, clock, *, within=timedelta(minutes=10)):
    """As the dispatcher does: again whenever it is due, until it is settled."""
    began = timezone.now()
    while not action.is_settled:
        assert timezone.now() - began <= within, f"still {action.submission} after {within}"
        clock.move_to(max(timezone.now(), action.next_attempt_at, action.lease_until or timezone.now()))
        clock.shift(timedelta(milliseconds=1))
        carry_out(action, gateway)


def status(action):
    return status_of(action.invoice, timezone.now().date())


def doing(invoice):
    (row,) = selectors.panel(invoice.company, resource="deal", resource_id=invoice.deal_id).rows
    return row.doing


def writes(gateway, kind):
    return gateway.calls.count(CALLS[kind])
