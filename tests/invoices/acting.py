"""A void, a deletion or an e-mail of an open invoice, carried out against a gateway that is a fake."""

from __future__ import annotations

import uuid
from functools import partial

import pytest
from django.utils import timezone

from invoices import actions, selectors
from invoices.domain.actions import Action
from invoices.domain.status import InvoiceStatus
from invoices.reports import apply_report, status_of, zone
from tests.factories import a_draft, make_invoice
from tests.invoices.submitting import until_settled

# Files come from Pipedrive first: test_attachments.py
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


see_through = partial(until_settled, carry_out)


def status(action):
    return status_of(action.invoice, timezone.now().date())


def doing(invoice):
    (row,) = selectors.panel(invoice.company, resource="deal", resource_id=invoice.deal_id).rows
    return row.doing


def writes(gateway, kind):
    return gateway.calls.count(CALLS[kind])
