"""Credit notes: QuickBooks calls an invoice paid that they settled; here nobody reads that money has come."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings.models import QuickBooksConnection
from invoices import following, notes, selectors
from invoices.domain.status import InvoiceStatus
from invoices.invoice_answers import applied_payment
from invoices.models import Invoice
from invoices.reports import status_of
from tests.factories import D
from tests.invoices.fragments import Page
from tests.invoices.intents import ask, draft_for, settle

pytestmark = pytest.mark.django_db
PANEL = "/embed/panel/content"


@pytest.fixture
def invoice(harbour, control):
    invoice = ask(harbour, draft_for(harbour, control))
    settle(invoice)
    invoice.refresh_from_db()
    return invoice


@pytest.fixture
def happens(harbour, control, invoice):
    """A deed of the bookkeeper with the invoice, which is then looked at."""

    def run(action, *, since=timedelta(hours=1), **details):
        done = control.book(harbour.realm, action, **({"id": invoice.qbo_invoice_id} | details))
        cursor = timezone.now() - since if since else None
        QuickBooksConnection.objects.update(changes_cursor=cursor, sync_lease_until=None)
        following.catch_up(harbour.company.quickbooks)
        invoice.refresh_from_db()
        return done

    return run


@pytest.fixture
def panel(browse, harbour, invoice):
    return lambda: browse(harbour.user, "panel").get(PANEL, {"resource": "deal", "id": invoice.deal_id})


@pytest.fixture
def row(panel):
    def look():
        (found,) = Page(panel()).by_class("row")
        return found.text

    return look


def sums(harbour, invoice):
    return selectors.panel(harbour.company, resource="deal", resource_id=invoice.deal_id).sums


def payment(total, *lines, **fields):
    linked = [{"Amount": amount, "LinkedTxn": [{"TxnType": kind, "TxnId": i}]} for amount, kind, i in lines]
    return applied_payment({"Id": "9", "TotalAmt": total, "UnappliedAmt": 0, "Line": linked} | fields)


@pytest.mark.parametrize(
    ("answer", "credited"),
    [
        (payment(100, (100, "Invoice", "1")), {}),
        (payment(0, (120, "Invoice", "1"), (120, "CreditMemo", "2")), {"1": 120}),
        (payment(100, (120, "Invoice", "1"), (20, "CreditMemo", "2")), {"1": 20}),
        (payment(0, (120, "Invoice", "1"), (120, "JournalEntry", "2")), {"1": 120}),
        (payment(150, (120, "Invoice", "1"), (20, "CreditMemo", "2"), UnappliedAmt=50), {"1": 20}),
        (payment(100, (90, "Invoice", "1"), (30, "Invoice", "3"), (20, "CreditMemo", "2")), {"1": 15, "3": 5}),
        (payment(150, (120, "Invoice", "1"), (30, "JournalEntry", "2")), {}),
        (payment(0), {}),
    ],
    ids=["money", "credit", "both", "written off", "overpaid", "two invoices", "another debt", "of nothing"],
)
def test_what_of_a_payment_is_a_credit_and_no_money(answer, credited):
    assert answer.credited == {invoice_id: D(amount) for invoice_id, amount in credited.items()}


def test_an_invoice_that_a_credit_note_cancelled_is_not_told_as_paid_for(harbour, invoice, happens, row):
    happens("credit")
    assert (status_of(invoice, timezone.now().date()), invoice.balance) == (InvoiceStatus.PAID, 0)
    assert invoice.credited == invoice.total
    assert "Credited" in row()
    assert "Paid 2" not in row()
    found = sums(harbour, invoice)
    assert (found.paid.amount, found.open.amount, bool(found.credited)) == (0, 0, True)


def test_what_was_paid_and_what_was_credited_are_told_apart(harbour, invoice, happens, row):
    happens("credit", amount="20.00")
    assert "£20.00 credited" in row()
    assert "paid ·" not in row()
    happens("payment", amount="30.00")
    assert "£30.00 paid · £20.00 credited" in row()
    happens("payment", amount=str(invoice.balance))
    assert "· £20.00 credited" in row()
    assert "Paid" in row()


def test_a_credit_that_is_taken_back_is_not_told_any_more(harbour, control, invoice, happens):
    happens("credit", amount="20.00")
    (payment_id,) = invoice.credits
    happens("delete_payment", id=payment_id)
    assert (invoice.credits, invoice.balance) == ({}, invoice.total)


def test_a_credit_of_which_nobody_heard_is_read_with_the_invoice(invoice, happens):
    happens("credit", amount="20.00", since=None)
    assert invoice.credited == 20


def test_a_credit_that_a_full_answer_left_out_is_read_and_what_it_told_is_not(harbour, control, invoice):
    class Full(following.QuickBooksGateway):
        def changed_since(self, moment):
            found = super().changed_since(moment)
            return replace(found, payments=found.payments[:1], cut_off=True)

    for amount in ("20.00", "30.00"):
        control.book(harbour.realm, "credit", id=invoice.qbo_invoice_id, amount=amount)
    control.forget_requests()
    following.catch_up(harbour.company.quickbooks, Full)
    invoice.refresh_from_db()
    assert (invoice.credited, len(invoice.credits)) == (50, 2)


def test_payments_are_read_for_invoices_alone_that_changed(harbour, control, invoice, happens):
    happens("credit", amount="20.00", since=None)
    control.forget_requests()
    happens("rename_customer", customer=invoice.customer_id, name="Bramley & Daughters", since=None)
    asked = [str(each) for each in control.requests("quickbooks") if "Payment" in str(each) and "select" in str(each)]
    assert asked == []


def test_the_note_says_what_was_credited(harbour, control, invoice, happens):
    happens("credit", amount="20.00")
    notes.publish_note(invoice.pk)
    invoice.refresh_from_db()
    note = control.company(harbour.company.pipedrive_company_id)["notes"][str(invoice.note_id)]["content"]
    assert "credited £20.00 · open" in note
    happens("credit")
    Invoice.objects.filter(pk=invoice.pk).update(note_due_at=timezone.now())
    notes.publish_note(invoice.pk)
    note = control.company(harbour.company.pipedrive_company_id)["notes"][str(invoice.note_id)]["content"]
    assert "· credited" in note
    assert "paid " not in note


def test_who_voids_or_deletes_it_is_asked_about_the_credit_and_not_about_a_payment(invoice, happens, panel):
    happens("credit")
    asked = panel().content.decode()
    assert "A credit of £120.00 has settled it." in asked
    assert "QuickBooks wants the credit on it taken off first." in asked
    assert "has been paid on it" not in asked
