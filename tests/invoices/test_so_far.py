"""What was invoiced before: of the same deal, and to the same customer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from invoices.domain.checks import SameAgain
from invoices.domain.draft import AmountsAre, rest_of, to_json
from invoices.domain.money import Money
from invoices.domain.status import Submission
from invoices.domain.tax import totals
from invoices.so_far import SoFar, drafts_of, invoiced_so_far, living_invoices, same_again
from tests.factories import D, a_bill_to, a_draft, a_line, make_invoice, make_pending_invoice
from tests.invoices.domain.books import BY_ID, books

START = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
TO_SEVEN = a_draft(bill_to=a_bill_to(customer_id="7"))


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def pounds(amount):
    return Money(D(amount), "GBP")


def make(company, total="120", **fields):
    whole = D(total)
    return make_invoice(company, **({"deal_id": 12, "total": whole, "balance": whole, "tax": whole / 6} | fields))


MAKER = 1


def same(company, draft=TO_SEVEN, reader_id=MAKER):
    return same_again(company.quickbooks, draft, totals(draft, BY_ID, books=books("GB")), reader_id=reader_id)


def made_for_another(company, **fields):
    """For the same customer over the same 120.00, by another deal's form, three days ago."""
    ago = timezone.now() - timedelta(days=3)
    return make(company, **({"deal_id": 77, "customer_id": "7", "number": "1042", "created_at": ago} | fields))


def test_what_was_invoiced_so_far_counts_everything_that_may_exist(company):
    make(company, "120")
    make(company, "600", voided_on=START.date())
    latest = make_pending_invoice(company, to_json(a_draft()), deal_id=12, submission=Submission.UNKNOWN)
    make_pending_invoice(company, to_json(a_draft()), deal_id=12, submission=Submission.REJECTED)
    assert invoiced_so_far(company, 12) == SoFar(2, pounds("200.00"), latest.pk, unconfirmed=True)
    assert invoiced_so_far(company, 99) == SoFar(0, None)


@pytest.mark.parametrize(
    ("prices", "deal_with_tax", "amount"),
    [(AmountsAre.TAX_EXCLUSIVE, False, "90.00"), (AmountsAre.TAX_EXCLUSIVE, True, "108.00"),
     (AmountsAre.TAX_INCLUSIVE, False, "90.00")],
)  # fmt: skip
def test_an_unanswered_invoice_counts_as_it_was_confirmed(company, prices, deal_with_tax, amount):
    total = D("90.00") if prices == AmountsAre.TAX_INCLUSIVE else D("108.00")
    draft = to_json(a_draft(amounts_are=prices, discount_percentage=D(10), expected_total=total))
    row = make_pending_invoice(company, draft, deal_id=12, currency="GBP", deal_then={"with_tax": deal_with_tax})
    assert invoiced_so_far(company, 12) == SoFar(1, pounds(amount), row.pk, unconfirmed=True)


def test_the_same_amount_for_the_same_customer_in_another_deal_is_found_with_its_day_there(company):
    type(company.quickbooks).objects.update(timezone="Europe/Riga")
    company.quickbooks.refresh_from_db()
    made_for_another(company, number="1041", created_at=timezone.now() - timedelta(days=9))
    made_for_another(company)
    assert same(company) == SameAgain(date(2026, 11, 21), "Priya Nair", "1042")


@pytest.mark.parametrize("reader_id", [2, None])
def test_whoever_may_not_see_the_other_deal_learns_no_more_than_that_there_is_one(company, reader_id):
    made_for_another(company)
    assert same(company, reader_id=reader_id) == SameAgain(None, "", "")


@pytest.mark.parametrize(
    "changed",
    [
        {"deal_id": 12},
        {"customer_id": "8"},
        {"realm_id": "999"},
        {"currency": "EUR"},
        {"total": "121"},
        {"created_at": START - timedelta(days=25)},
        {"voided_on": START.date()},
        {"deleted_on": START.date()},
        {"submission": Submission.REJECTED},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_differs_is_not_the_same_again(company, changed):
    made_for_another(company, **changed)
    assert same(company) is None


def test_another_companys_invoice_is_never_compared(company, other_company):
    made_for_another(other_company, realm_id=company.quickbooks.realm_id)
    assert same(company) is None


def test_one_that_may_be_in_quickbooks_is_compared_as_it_was_confirmed(company):
    make_pending_invoice(company, to_json(TO_SEVEN), deal_id=77, customer_id="7", submission=Submission.UNKNOWN)
    assert same(company) == SameAgain(date(2026, 11, 23), "Priya Nair", "")


def test_a_new_customer_and_nothing_to_pay_are_compared_with_nothing(company):
    made_for_another(company, customer_id="")
    made_for_another(company, total="0")
    assert same(company, a_draft()) is None
    free = a_draft(bill_to=a_bill_to(customer_id="7"), discount_percentage=D(100))
    assert same(company, free) is None


def test_where_quickbooks_works_out_the_tax_the_amounts_before_it_are_compared(company):
    made_for_another(company, total="108.25", tax=D("8.25"))
    draft = a_draft(bill_to=a_bill_to(customer_id="7"), amounts_are=AmountsAre.WITHOUT_TAX_SETTING)
    assert same_again(company.quickbooks, draft, totals(draft, {}, books=books("US"))) is not None


def test_a_cent_that_quickbooks_rounded_into_the_tax_makes_no_difference(company):
    made_for_another(company, tax=D("19.99"))
    assert same(company) is not None


@pytest.mark.parametrize(("with_tax", "tax", "amount"), [(True, 20, 120), (False, 20, 100), (False, None, 120)])
def test_what_quickbooks_told_counts_with_or_without_its_tax(company, with_tax, tax, amount):
    row = make(company, tax=tax if tax is None else D(tax), deal_then={"with_tax": with_tax})
    assert invoiced_so_far(company, 12) == SoFar(1, pounds(amount), row.pk)


def test_of_a_deal_without_tax_each_part_counts_as_its_own_prices_are(company):
    make(company, "120", draft=to_json(a_draft()))
    latest = make(company, "100", draft=to_json(a_draft(amounts_are=AmountsAre.TAX_INCLUSIVE)))
    assert invoiced_so_far(company, 12) == SoFar(2, pounds("200.00"), latest.pk)


@pytest.mark.parametrize(
    ("total", "tax", "left"),
    [
        ("720", "120", "400"),
        ("480", "80", "600"),  # a bookkeeper has made it less
        ("719.99", "120", "400"),
        ("780", "130", "400"),  # shipping, perhaps: whoever bills the rest is told that it is more than the deal
    ],
)
def test_what_is_left_of_a_deal_without_products_goes_by_what_quickbooks_still_has(company, total, tax, left):
    part = a_draft(lines=(a_line(quantity=D(1), unit_price=D(600)),))
    make(company, total, tax=D(tax), draft=to_json(part))
    whole = replace(part, lines=(a_line(quantity=D(1), unit_price=D(1000)),))
    assert rest_of(whole, drafts_of(living_invoices(company, 12))).draft.lines[0].amount("GBP") == D(left)


def test_an_invoice_that_became_one_in_another_currency_was_not_made_less(company):
    part = a_draft(lines=(a_line(quantity=D(1), unit_price=D(600)),))
    make(company, "540", tax=D(90), currency="USD", draft=to_json(part))
    assert drafts_of(living_invoices(company, 12)) == [part]


def test_of_which_product_a_reduced_invoice_has_less_is_not_guessed(company):
    part = a_draft(lines=(a_line(quantity=D(6), unit_price=D(100), attachment_id=1),))
    make(company, "480", tax=D(80), draft=to_json(part))
    assert drafts_of(living_invoices(company, 12)) == [part]
