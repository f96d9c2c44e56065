"""Reads for the pages: rows as ready values, sums like the deal's value, and never another company's."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.http import Http404
from django.utils import timezone

from integration_settings.models import ConnectionState, QuickBooksConnection
from invoices import due, selectors
from invoices.domain.draft import AmountsAre, to_json
from invoices.domain.money import Money
from invoices.domain.status import InvoiceStatus, Submission
from tests.factories import D, a_draft, make_customer_link, make_invoice, make_pending_invoice

START = datetime(2026, 11, 23, 9, 14, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def pounds(amount):
    return Money(D(amount), "GBP")


def panel(company, resource="deal", resource_id=12, **options):
    return selectors.panel(company, resource=resource, resource_id=resource_id, **options)


def make(company, total="120", balance=None, **fields):
    whole = D(total)
    values = {"deal_id": 12, "total": whole, "balance": whole if balance is None else D(balance), "tax": whole / 6}
    return make_invoice(company, **(values | fields))


def test_a_deal_without_invoices_is_empty(company):
    found = panel(company, deal_value=pounds(24000))
    assert (found.rows, found.sums, found.unsettled) == ((), None, 0)
    assert (found.connected, found.ever_connected, found.books_name) == (True, True, company.quickbooks.name)


def test_before_the_first_connection_it_says_so(company):
    company.quickbooks.delete()
    found = panel(company)
    assert (found.connected, found.ever_connected, found.stale, found.timezone) == (False, False, False, "")


def test_sums_are_without_tax_like_the_deals_value(company):
    make(company, "120", "0", paid_on=START.date())  # paid: 100
    make(company, "240")  # open: 200
    make(company, "60", "24", due_date=date(2026, 11, 1))  # overdue: 50, of which 30 are paid
    make(company, "600", voided_on=START.date())
    make(company, "600", deleted_on=START.date())
    make_pending_invoice(company, to_json(a_draft()), deal_id=12)
    sums = panel(company, deal_value=pounds("1000")).sums
    assert (sums.invoiced, sums.paid, sums.open, sums.overdue) == (
        pounds("350.00"),
        pounds("130.00"),
        pounds("200.00"),
        pounds("20.00"),
    )
    assert (sums.deal_value, sums.not_invoiced, sums.over) == (pounds(1000), pounds("650.00"), None)


def test_where_products_are_billed_again_and_again_all_of_their_times_count(company):
    """Pipedrive's value may be of one time."""
    make(company, "1200", deal_then={"in_all": "1500"})
    sums = panel(company, deal_value=pounds("900")).sums
    assert (sums.deal_value, sums.not_invoiced, sums.over) == (pounds(1500), pounds("500.00"), None)
    sums = panel(company, deal_value=pounds("1600")).sums
    assert sums.deal_value == pounds(1600)
    make(company, "1200", deal_then={"in_all": None})  # it goes on until somebody ends it
    sums = panel(company, deal_value=pounds("900")).sums
    assert (sums.deal_value, sums.not_invoiced, sums.over) == (None, None, None)


def test_more_than_the_deals_value_is_told(company):
    make(company, "1320")
    sums = panel(company, deal_value=pounds("1000")).sums
    assert (sums.not_invoiced, sums.over) == (pounds(0), pounds("100.00"))


def test_where_prices_include_tax_the_sums_do_too(company):
    draft = to_json(a_draft(amounts_are=AmountsAre.TAX_INCLUSIVE))
    make(company, "120", draft=draft)
    sums = panel(company).sums
    assert (sums.invoiced, sums.with_tax) == (pounds("120.00"), True)


def test_where_the_deals_value_includes_tax_an_invoice_before_tax_counts_with_it(company):
    """An American one has its prices before tax, and is no smaller part of the deal for that."""
    draft = to_json(a_draft(amounts_are=AmountsAre.WITHOUT_TAX_SETTING))
    make(company, "120", "60", draft=draft, deal_then={"with_tax": True})
    sums = panel(company, deal_value=pounds("120")).sums
    assert (sums.invoiced, sums.paid, sums.with_tax) == (pounds("120.00"), pounds("60.00"), True)
    assert sums.not_invoiced == pounds("0.00")


def test_only_an_invoice_that_counts_says_that_sums_are_with_tax(company):
    inclusive = to_json(a_draft(amounts_are=AmountsAre.TAX_INCLUSIVE))
    make(company, "120", draft=inclusive, voided_on=START.date())
    make(company, "120")
    sums = panel(company).sums
    assert (sums.invoiced, sums.with_tax) == (pounds("100.00"), False)


@pytest.mark.parametrize("resource", ["organization", "person"])
def test_what_an_organization_or_a_person_owes_is_with_tax(company, resource):
    of_party = {f"{resource}_id": 5}
    make(company, "7200", "4200", **of_party)
    make(company, "120", "0", paid_on=START.date(), **of_party)
    make(company, "4320", due_date=date(2026, 11, 1), **of_party)
    sums = panel(company, resource, 5).sums
    assert (sums.open, sums.overdue) == (pounds("4200.00"), pounds("4320.00"))


def test_what_was_paid_in_another_currency_hides_no_debt(company):
    make(company, "120", organization_id=5)
    make(company, "600", "0", currency="EUR", organization_id=5)
    assert panel(company, "organization", 5).sums.open == pounds("120.00")


def test_an_organization_without_debts_owes_nothing(company):
    make(company, "120", "0", organization_id=5)
    sums = panel(company, "organization", 5).sums
    assert (sums.open, sums.overdue) == (pounds("0.00"), pounds("0.00"))


def test_two_currencies_have_no_sum(company):
    make(company)
    make(company, currency="EUR")
    assert panel(company, deal_value=pounds(1000)).sums is None


def test_a_deal_in_another_currency_is_not_compared(company):
    make(company)
    sums = panel(company, deal_value=Money(D(1000), "EUR")).sums
    assert (sums.deal_value, sums.not_invoiced) == (None, None)


def test_what_is_not_settled_comes_first_then_the_newest(company):
    old = make(company, created_at=START - timedelta(days=3))
    young = make(company, created_at=START - timedelta(days=1))
    pending = make_pending_invoice(company, to_json(a_draft()), deal_id=12, created_at=START - timedelta(days=2))
    found = panel(company)
    assert [row.public_id for row in found.rows] == [pending.public_id, young.public_id, old.public_id]
    assert found.unsettled == 1


def test_a_refused_one_disappears_once_there_is_a_later_one(company):
    refused = make_pending_invoice(
        company, to_json(a_draft()), deal_id=12, submission=Submission.REJECTED, created_at=START - timedelta(hours=1)
    )
    assert [row.public_id for row in panel(company).rows] == [refused.public_id]
    later = make(company)
    assert [row.public_id for row in panel(company).rows] == [later.public_id]


def test_rows_are_found_by_person_and_organization_and_may_be_limited_to_visible_deals(company):
    make(company, organization_id=31, person_id=41)
    make(company, organization_id=31, deal_id=13)
    assert len(panel(company, "organization", 31).rows) == 2
    assert len(panel(company, "person", 41).rows) == 1
    assert selectors.deals_with_invoices(company, "organization", 31) == {12: 1, 13: 1}
    limited = panel(company, "organization", 31, deal_ids={13})
    assert [row.deal_id for row in limited.rows] == [13]
    assert limited.sums.open == pounds("120.00")


def test_the_linked_customer_is_named_with_its_page(company):
    make_customer_link(company, party_id=31, name="Bramley Foods Ltd", customer_id="7")
    make(company, organization_id=31)
    found = panel(company)
    assert found.customer_name == "Bramley Foods Ltd"
    assert "nameId%3D7" in found.customer_url
    assert f"deeplinkcompanyid={company.quickbooks.realm_id}" in found.customer_url


def test_a_deal_without_invoices_knows_its_customer_by_its_party(company):
    make_customer_link(company, party_id=31, name="Bramley Foods Ltd")
    assert panel(company, party=("organization", 31)).customer_name == "Bramley Foods Ltd"
    assert panel(company).customer_name == ""


def test_a_row_carries_ready_values(company):
    row = make(company, "120", "20", due_date=date(2026, 11, 9), emailed_at=datetime(2026, 11, 1, 23, 30, tzinfo=UTC))
    QuickBooksConnection.objects.filter(company=company).update(timezone="Australia/Sydney")
    found = selectors.invoice_row(row)
    assert (found.status, found.days_overdue) == (InvoiceStatus.OVERDUE, 14)
    assert (found.total, found.balance, found.paid) == (pounds("120.00"), pounds("20.00"), pounds("100.00"))
    assert found.emailed_on == date(2026, 11, 2)
    assert f"txnId%3D{row.qbo_invoice_id}" in found.quickbooks_url


def test_before_the_answer_a_row_shows_what_was_confirmed(company):
    row = make_pending_invoice(company, to_json(a_draft(expected_total=D("120"))), deal_id=12)
    found = selectors.invoice_row(row)
    assert (found.status, found.submission, found.waiting) == (None, Submission.PENDING, False)
    assert (found.total, found.customer_name, found.quickbooks_url) == (
        Money(D("120"), "GBP"),
        "Bramley Foods Ltd",
        "",
    )


def test_an_invoice_that_was_made_free_in_quickbooks_costs_nothing(company):
    make(company, "0", draft=to_json(a_draft(expected_total=D("120.00"))))
    (row,) = panel(company).rows
    assert (row.status, row.total) == (InvoiceStatus.PAID, pounds("0.00"))


def test_an_ended_connection_makes_rows_wait_and_the_panel_old(company):
    row = make_pending_invoice(company, to_json(a_draft()), deal_id=12)
    QuickBooksConnection.objects.update(state=ConnectionState.ENDED)
    found = panel(company)
    assert (found.connected, found.ever_connected, found.stale) == (False, True, True)
    assert found.rows[0].waiting
    assert selectors.invoice_row(row).waiting


def test_an_invoice_of_other_books_has_no_link(company):
    row = make(company, realm_id="other books")
    assert selectors.invoice_row(row).quickbooks_url == ""


@pytest.mark.parametrize(
    ("columns", "stale"),
    [
        ({"last_synced_at": START, "next_sync_at": START}, False),
        ({"last_synced_at": START - timedelta(hours=20), "next_sync_at": START + timedelta(hours=4)}, False),
        ({"last_synced_at": START - timedelta(hours=1), "next_sync_at": START - timedelta(minutes=50)}, True),
        # after a month in which nothing ran, while it waits for its turn to be read as a whole
        ({"last_synced_at": START - timedelta(days=31), "next_sync_at": START + timedelta(seconds=90)}, True),
        (
            {
                "last_synced_at": START - timedelta(hours=1),
                "next_sync_at": START + timedelta(minutes=5),
                "last_sync_problem": "ServiceUnavailable",
            },
            True,
        ),
        ({"last_synced_at": START, "next_sync_at": START, "last_sync_problem": "RateLimited"}, False),
    ],
)
def test_old_news_say_so(company, columns, stale):
    QuickBooksConnection.objects.update(**columns)
    assert panel(company).stale is stale


def test_the_age_is_that_of_the_last_look(company):
    make(company, checked_at=START - timedelta(hours=3))
    QuickBooksConnection.objects.update(last_synced_at=START - timedelta(hours=1))
    assert panel(company).checked_at == START - timedelta(hours=1)


def test_a_stranger_finds_nothing(company, other_company):
    row = make(company)
    with pytest.raises(Http404):
        selectors.invoice_for(other_company, row.public_id)
    with pytest.raises(Http404):
        selectors.invoice_for(company, uuid.uuid4())
    assert selectors.invoice_for(company, row.public_id) == row
    assert panel(other_company).rows == ()


def test_the_dispatcher_sees_each_kind_of_due_work_once(company):
    intent = make_pending_invoice(company, to_json(a_draft()))
    noted = make(company, note_due_at=START)
    make(company, note_due_at=START + timedelta(seconds=1))
    QuickBooksConnection.objects.update(next_sync_at=START)
    now = timezone.now()
    assert due.submissions(now) == [intent.pk]
    assert due.notes(now) == [noted.pk]


def test_a_company_with_thousands_of_changes_lets_the_others_notes_through(company, other_company):
    for _ in range(30):
        make(company, note_due_at=START)
    late = make_invoice(other_company, note_due_at=START)
    found = due.notes(timezone.now())
    assert late.pk in found
    assert len(found) == due.ONE_COMPANYS + 1
    assert due.notes(timezone.now(), other_company.pk) == [late.pk]


def test_a_company_whose_invoices_all_wait_lets_the_others_through(company, other_company):
    for _ in range(30):
        make_pending_invoice(company, to_json(a_draft()), next_attempt_at=START)
    late = make_pending_invoice(other_company, to_json(a_draft()))
    found = due.submissions(timezone.now())
    assert late.pk in found
    assert len(found) == due.ONE_COMPANYS + 1
    assert due.submissions(timezone.now(), other_company.pk) == [late.pk]
