"""A worker that is killed at any moment of its work: whoever comes after it ends the work, once."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from invoices import actions, customer_updates, tasks
from invoices.customer_updates import Wish
from invoices.domain.actions import Action
from invoices.domain.customer_update import Change, CustomerField
from invoices.domain.status import Submission
from tests.dying import lives
from tests.invoices.intents import (
    ask,
    customers_called,
    draft_for,
    in_the_books,
    let_all_time_pass,
    notes_of,
    settle,
)

pytestmark = pytest.mark.django_db(transaction=True)
NUMBER = "VAT number: DE 123 456 789"
MOST_TICKS = 20


@pytest.fixture
def tenant(connect, control):
    """Whose books know nothing of request ids."""
    made = connect("GB")
    control.fault("ignore_requestid", company=made.realm)
    return made


@pytest.fixture
def draft(tenant, control):
    return draft_for(tenant, control)


@pytest.fixture
def take_up(handed_out):
    """take_up(): what other workers do of it, tick by tick, until nothing is left."""

    def run():
        for _ in range(MOST_TICKS):
            let_all_time_pass()
            tasks.dispatch_due_work()
            due = handed_out()
            if not due:
                return
            for name, row_id in due:
                getattr(tasks, name)(row_id)
        raise AssertionError(f"still due: {due}")

    return run


def asked_for(tenant, draft, life):
    """An invoice for a customer of its own."""
    return ask(tenant, replace(draft, bill_to=replace(draft.bill_to, name=called(life))))


def called(life):
    return f"Once {life.last} Ltd"


def test_one_invoice_one_customer_one_note(tenant, draft, control, take_up):
    for life in lives():
        invoice = asked_for(tenant, draft, life)
        life.do(lambda row_id=invoice.pk: tasks.submit_invoice(row_id))
        take_up()
        invoice.refresh_from_db()
        assert invoice.submission == Submission.SUCCEEDED, life.at
        assert len(in_the_books(control, tenant, invoice)) == 1, life.at
        assert len(customers_called(control, tenant, called(life))) == 1, life.at
        assert notes_of(control, tenant, invoice) == [invoice.note_id], life.at


def test_one_letter(tenant, draft, control, take_up):
    """Or none, and that is told: QuickBooks was asked for it perhaps, and shows no trace of it."""
    for life in lives():
        invoice = asked_for(tenant, draft, life)
        settle(invoice)
        letter = actions.ask(invoice, Action.SEND, user=tenant.user, intent_key=uuid.uuid4(), to="one@once.example")
        life.do(lambda row_id=letter.pk: tasks.carry_out_action(row_id))
        take_up()
        letter.refresh_from_db()
        assert letter.is_settled, life.at
        sent = [each for each in control.books(tenant.realm)["outbox"] if each["invoice"] == invoice.qbo_invoice_id]
        assert len(sent) == (letter.submission == Submission.SUCCEEDED), life.at


def test_one_line_in_the_customers_notes(tenant, draft, control, take_up):
    for life in lives():
        invoice = asked_for(tenant, draft, life)
        settle(invoice)
        added = Change(CustomerField.NOTES, (), ("DE 123 456 789", NUMBER))
        customer_updates.store(invoice, Wish(invoice.customer_id, called(life), (added,)))
        life.do(lambda row_id=invoice.customer_update.pk: tasks.update_customer(row_id))
        take_up()
        (customer,) = customers_called(control, tenant, called(life))
        assert customer["Notes"].count(NUMBER) == 1, life.at


def test_one_note(tenant, draft, control, take_up):
    for life in lives():
        invoice = ask(tenant, draft)
        settle(invoice)
        life.do(lambda row_id=invoice.pk: tasks.publish_note(row_id))
        take_up()
        invoice.refresh_from_db()
        assert notes_of(control, tenant, invoice) == [invoice.note_id], life.at
