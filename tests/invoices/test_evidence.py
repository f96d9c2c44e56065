"""Every write to QuickBooks leaves a row, over the stand-in: what it says, and that nothing of a customer is in it."""

from __future__ import annotations

import uuid

import pytest

from integration_settings.models import QuickBooksConnection
from invoices import actions, customer_updates, services, submission
from invoices.customer_updates import Wish
from invoices.domain.actions import Action
from invoices.domain.customer_update import CustomerField, PartyDetails
from invoices.domain.deal import Address
from invoices.evidence import writes_for
from invoices.models import CustomerUpdate, QuickBooksWrite
from tests.conftest import visitor_of
from tests.factories import a_bill_to, make_invoice
from tests.invoices.intents import CREATE, ask, draft_for, settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(tenant, control):
    return draft_for(tenant, control)


@pytest.fixture
def tenant(connect):
    return connect("GB")


def kinds(invoice):
    return [(write.kind, write.outcome) for write in writes_for(invoice)]


def writes_of_the_stand_in(control):
    return [call for call in control.requests("quickbooks", method="POST") if call.get("requestid")]


def do(tenant, invoice, kind, to=""):
    visitor = visitor_of(tenant.user, "panel")
    action = services.request_action(visitor, invoice, kind, intent_key=uuid.uuid4(), to=to)
    actions.carry_out(action.pk)
    invoice.refresh_from_db()


def test_a_new_customers_invoice_leaves_two_rows_with_who_what_and_the_traces(tenant, draft, control):
    invoice = ask(tenant, draft)
    settle(invoice)
    assert kinds(invoice) == [("create_customer", "done"), ("create_invoice", "done")]
    customer, created = writes_for(invoice)
    assert (customer.request_id, created.request_id) == (invoice.customer_request_id, invoice.request_id)
    assert {write.asked_by_name for write in (customer, created)} == {tenant.user.name}
    assert customer.trace_id
    assert created.trace_id
    assert customer.trace_id != created.trace_id
    assert {"DisplayName", "PrimaryEmailAddr"} <= set(customer.sent_fields)
    assert {"Line", "CustomerRef"} <= set(created.sent_fields)
    assert len({customer.sent_digest, created.sent_digest}) == 2
    assert customer.begun_at <= customer.ended_at <= created.begun_at <= created.ended_at


def test_every_write_that_quickbooks_saw_has_its_row(tenant, draft, control):
    """Invoice, customer's update, e-mail, void and deletion: by request id, none is missing and none is too many."""
    invoice = ask(tenant, draft)
    settle(invoice)
    details = PartyDetails("new@once-only.example", Address(), "")
    compared = customer_updates.compare(tenant.quickbooks, invoice.customer_id, details)
    changes = tuple(found.change for found in compared.differences if found.change.field == CustomerField.EMAIL)
    customer_updates.store(invoice, Wish(invoice.customer_id, "Once Only Ltd", changes))
    customer_updates.carry_out(CustomerUpdate.objects.get().pk)
    do(tenant, invoice, Action.SEND, to="books@once-only.example")
    do(tenant, invoice, Action.VOID)
    do(tenant, invoice, Action.DELETE)
    happened = ["create_customer", "create_invoice", "update_customer", "send", "void", "delete"]
    assert kinds(invoice) == [(kind, "done") for kind in happened]
    seen = {call["requestid"] for call in writes_of_the_stand_in(control)}
    assert seen == {write.request_id for write in writes_for(invoice)}
    assert all(write.trace_id for write in writes_for(invoice))


def test_a_lost_answer_is_kept_as_unknown(tenant, draft, control):
    invoice = ask(tenant, draft)
    control.fault("lost", **CREATE, times=1, company=tenant.realm)
    submission.submit(invoice.pk)
    settle(invoice)
    assert kinds(invoice) == [("create_customer", "done"), ("create_invoice", "unknown")]
    assert writes_for(invoice)[-1].sent_digest


def test_a_refusal_is_kept_with_its_code_and_trace(tenant, draft, control):
    invoice = ask(tenant, draft)
    control.book(tenant.realm, "refuse", why="subscription")
    submission.submit(invoice.pk)
    refused = writes_for(invoice)[-1]
    assert (refused.outcome, refused.code) == ("refused", "6190")
    invoice.refresh_from_db()
    assert refused.trace_id == invoice.refusal["trace_id"] != ""


def test_calls_that_certainly_did_nothing_share_one_row(tenant, draft, control):
    invoice = ask(tenant, draft)
    control.fault("status", status=429, **CREATE, times=3, company=tenant.realm)
    for _ in range(3):
        submission.submit(invoice.pk)
        type(invoice).objects.filter(pk=invoice.pk).update(next_attempt_at=invoice.created_at)
        QuickBooksConnection.objects.update(paused_until=None)
    assert kinds(invoice)[-1] == ("create_invoice", "nothing_done")
    settle(invoice)
    assert kinds(invoice) == [("create_customer", "done"), ("create_invoice", "done")]
    assert writes_for(invoice)[-1].tries == 4


def test_a_worker_killed_while_quickbooks_works_leaves_the_row(tenant, draft, monkeypatch):
    class Killed(BaseException):
        pass

    def die(*_args, **_kwargs):
        raise Killed

    invoice = ask(tenant, draft)
    monkeypatch.setattr("integration_settings.http.VendorSession.request", die)
    with pytest.raises(Killed):
        submission.submit(invoice.pk)
    assert kinds(invoice) == [("create_customer", "")]


def test_nothing_of_the_customer_is_in_the_rows_and_they_go_with_the_company(tenant, draft, control):
    invoice = ask(tenant, draft)
    settle(invoice)
    text = repr(list(QuickBooksWrite.objects.values()))
    bill_to = a_bill_to(name="Once Only Ltd")
    for secret in (bill_to.name, bill_to.email, bill_to.address.line1, tenant.quickbooks.access_token):
        assert secret not in text
    tenant.company.delete()
    assert not QuickBooksWrite.objects.exists()


def test_rows_of_another_company_are_apart(tenant, other_company):
    foreign = make_invoice(other_company)
    QuickBooksWrite.objects.create(company=other_company, invoice=foreign, kind="void", request_id="1")
    assert writes_for(make_invoice(tenant.company)) == []
