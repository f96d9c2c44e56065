"""Amounts and texts of QuickBooks that no column of ours holds: the row can be read, and nothing is guessed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from invoices import notes
from invoices.domain.status import Submission
from invoices.invoice_answers import applied_payment, issued_invoice
from invoices.models import Invoice
from invoices.reports import apply_report, zone
from tests.factories import D, make_invoice, make_pending_invoice
from tests.fakes.invoice_gateway import FakeInvoiceGateway
from tests.invoices.fragments import Page
from tests.invoices.submitting import START, clock, gateway, known, submit

__all__ = ["clock", "gateway", "known"]

pytestmark = pytest.mark.django_db
NO_AMOUNT = "QuickBooks has not reported an amount yet"


def report(row, **members):
    """What QuickBooks tells is in the row, as it is found again."""
    answer = {"Id": row.qbo_invoice_id, "TotalAmt": 120, "Balance": 120} | members
    apply_report(row, issued_invoice(answer), place=zone("UTC"))
    return Invoice.objects.get(pk=row.pk)


@pytest.mark.parametrize("told", ["1,234.50", "none", 10**15, D("1E+300"), D("-1E+17"), "NaN"])
@pytest.mark.parametrize("member", ["TotalAmt", "Balance", "TxnTaxDetail"])
def test_an_invoice_whose_amounts_cannot_be_read_has_none(company, member, told):
    row = report(make_invoice(company), **{member: {"TotalTax": told} if member == "TxnTaxDetail" else told})
    assert (row.total, row.tax, row.balance, row.paid_on, row.voided_on) == (None, None, None, None, None)
    assert report(row, TxnTaxDetail={"TotalTax": 20}).total == 120


@pytest.mark.parametrize("silence", [None, ""])
def test_an_invoice_whose_total_is_not_told_is_not_one_of_nothing(company, silence):
    row = report(make_invoice(company), TotalAmt=silence)
    assert (row.total, row.balance, row.paid_on, row.voided_on) == (None, None, None, None)


@pytest.mark.parametrize("silence", [None, ""])
def test_an_invoice_whose_balance_is_not_told_is_not_paid(company, silence):
    row = report(make_invoice(company), Balance=silence)
    assert (row.total, row.balance, row.paid_on) == (120, 120, None)


@pytest.mark.parametrize("silence", [None, ""])
def test_a_payment_whose_amount_is_not_told_is_not_called_a_credit(silence):
    line = {"Amount": 10, "LinkedTxn": [{"TxnId": "7", "TxnType": "Invoice"}]}
    payment = applied_payment({"Id": "16", "TotalAmt": silence, "Line": [line]})
    assert (payment.invoice_ids, payment.gone, payment.credited) == (("7",), False, {})
    assert applied_payment({"Id": "16", "TotalAmt": 0, "Line": [line]}).credited == {"7": 10}


def test_a_row_without_amounts_says_so_wherever_it_is_shown(company, user, browse, seen):
    row = report(make_invoice(company, deal_id=12, number="1042", created_by_id=user.user_id), TotalAmt="1,234.50")
    seen(user, 12)
    panel = Page(browse(user, "panel").get("/embed/panel/content", {"resource": "deal", "id": 12}))
    (line,) = panel.by_class("row")
    note = str(notes.note_of(row, company.quickbooks, reader=user, now=START).html)
    for said in (line.text, note):
        assert "1042" in said
        assert "Unknown" in said
        assert NO_AMOUNT in said
        assert "£" not in said


@pytest.mark.parametrize(
    ("ended", "said"),
    [({"voided_on": date(2026, 11, 3)}, "Voided 3 Nov"), ({"deleted_on": date(2026, 11, 3)}, "Deleted in QuickBooks")],
)
def test_the_note_of_one_that_ended_does_not_call_its_amount_zero(company, user, ended, said):
    row = make_invoice(company, total=None, tax=None, balance=None, **ended)
    note = str(notes.note_of(row, company.quickbooks, reader=user, now=START).html)
    assert said in note
    assert "£" not in note


def test_an_answer_whose_amounts_cannot_be_read_is_that_of_an_invoice_that_was_created(known, gateway, monkeypatch):
    create = FakeInvoiceGateway.create_invoice

    def unreadable(self, *given, **named):
        return replace(create(self, *given, **named), total=None)

    monkeypatch.setattr(FakeInvoiceGateway, "create_invoice", unreadable)
    submit(known, gateway)
    assert (known.submission, known.total) == (Submission.SUCCEEDED, None)
    assert known.number


@pytest.mark.parametrize("members", [{"TotalAmt": "none"}, {"Line": [{"Amount": "none"}]}])
def test_what_cannot_be_read_is_no_void(company, members):
    row = make_invoice(company)
    assert report(row, **{"TotalAmt": 0, "Balance": 0, "PrivateNote": "Voided"} | members).voided_on is None


def test_an_amount_has_no_more_decimals_than_its_column():
    issued = issued_invoice({"Id": "1", "TotalAmt": D("12.3000004"), "Balance": "12.30"})
    assert issued.total == issued.balance == D("12.3")


@pytest.mark.parametrize(
    "members",
    [{"TotalAmt": "1,2"}, {"UnappliedAmt": "none"}, {"Amount": "1,2"}, {"Amount": 10**25}, {"TotalAmt": "NaN"}],
)
def test_of_a_payment_whose_amounts_cannot_be_read_no_part_is_called_a_credit(members):
    line = {"Amount": members.get("Amount", 30), "LinkedTxn": [{"TxnId": "3", "TxnType": "Invoice"}]}
    payment = applied_payment({"Id": "9", "TotalAmt": 10, "Line": [line]} | members)
    assert (payment.invoice_ids, payment.credited, payment.gone) == (("3",), {}, False)


def test_texts_longer_than_their_columns_leave_what_the_row_had(company):
    row = make_pending_invoice(company, number="1041", customer_id="7", customer_name="Moss & Co", qbo_invoice_id="5")
    row = report(
        row,
        DocNumber="9" * 300,
        CustomerRef={"value": "9" * 60, "name": "x" * 3000},
        CurrencyRef={"value": "EURO"},
        BillEmail={"Address": f"{'a' * 400}@moss.example"},
        SyncToken="9" * 30,
    )
    assert (row.number, row.customer_id, row.customer_name, row.currency) == ("1041", "7", "Moss & Co", "GBP")
    assert (row.email, row.sync_token) == ("", "")
