"""QuickBooks does not report its settings: what was mended there stands in nobody's way any longer than minutes."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from integration_settings import reference
from integration_settings.profile import refresh_profile
from invoices import submission
from invoices.domain.checks import may_be_mended
from invoices.domain.status import Submission
from invoices.domain.tax import TaxProposal, TaxReason
from invoices.models import Invoice
from sandbox.seeds.quickbooks_settings import custom_fields
from tests.invoices.form_answers import CREATE, address, finding_titles, pressed, refused, told_at
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db
WITHOUT_PRODUCTS = "Moss & Co – shop refit, survey"


@pytest.fixture
def closed(harbour, control):
    """The books are closed until 2100, and the profile says so."""
    control.book(harbour.realm, "set_preferences", set={"AccountingInfoPrefs": {"BookCloseDate": "2100-01-31"}})
    refresh_profile(harbour.quickbooks)
    return harbour


@pytest.fixture
def open_the_books(control):
    return lambda tenant: control.book(
        tenant.realm, "set_preferences", set={"AccountingInfoPrefs": {"BookCloseDate": "2020-01-31"}}
    )


def minutes_later():
    return time_machine.travel(timezone.now() + timedelta(minutes=6), tick=True)


def test_a_press_goes_through_once_the_books_are_open_again(closed, fill_in, control, open_the_books):
    browser, fields = fill_in(closed)
    refused(browser, fields)
    open_the_books(closed)
    with minutes_later():
        assert browser.post(CREATE, fields).status_code == 200
        submission.submit(Invoice.objects.get().pk)
    assert Invoice.objects.get().number


def test_a_form_that_is_opened_again_knows_what_was_mended(closed, open_form, open_the_books):
    _, _, page = open_form(closed)
    assert any(title.startswith("The books are closed") for title in finding_titles(page, "error"))
    open_the_books(closed)
    with minutes_later():
        _, _, page = open_form(closed)
    assert not any(title.startswith("The books are closed") for title in finding_titles(page, "error"))


def test_what_is_blocked_by_settings_is_looked_at_every_few_minutes_only(closed, fill_in, control):
    browser, fields = fill_in(closed)
    with minutes_later():
        refused(browser, fields)
        control.forget_requests()
        refused(browser, fields)
    assert control.requests("quickbooks", path="/v3/") == []


def test_an_invoice_that_got_no_number_lets_the_next_form_ask_for_one(harbour, fill_in, open_form, control):
    browser, fields = fill_in(harbour)
    control.book(harbour.realm, "set_preferences", set={"SalesFormsPrefs": {"CustomTxnNumbers": True}})
    _, invoice = pressed(browser, fields)
    submission.submit(invoice.pk)
    assert not Invoice.objects.get().number
    _, fields, _ = open_form(harbour)
    assert "number" in fields


def test_a_total_that_quickbooks_has_otherwise_lets_the_next_form_read_the_rates(harbour, fill_in, open_form, control):
    browser, fields = fill_in(harbour)
    control.book(harbour.realm, "set_preferences", set={"TaxPrefs": {"UsingSalesTax": False}})
    _, invoice = pressed(browser, fields)
    submission.submit(invoice.pk)
    assert Invoice.objects.get().total == 9000
    control.forget_requests()
    _, _, page = open_form(harbour)
    assert page.by_id("foot-sum").text.startswith("£9,000.00")


@pytest.fixture
def tax(harbour, control):
    """tax(False): the bookkeeper switches it off; the app hears nothing of it."""
    return lambda on: control.book(harbour.realm, "set_preferences", set={"TaxPrefs": {"UsingSalesTax": on}})


@pytest.fixture
def untaxed(harbour, tax):
    tax(False)
    refresh_profile(harbour.quickbooks)
    return harbour


def test_a_company_that_has_vat_by_now_gets_no_invoice_without_it(untaxed, fill_in, tax):
    browser, fields = fill_in(untaxed)
    tax(True)
    _, invoice = pressed(browser, fields)
    submission.submit(invoice.pk)
    invoice.refresh_from_db()
    assert (invoice.submission, invoice.refusal["field"]) == (Submission.REJECTED, "lines")
    again = Page(browser.post(address(invoice, "retry"))).fields()
    assert (again["amounts_are"], bool(again["l1-tax"])) == ("exclusive", True)
    browser.post(CREATE, again)
    made = Invoice.objects.latest("pk")
    submission.submit(made.pk)
    made.refresh_from_db()
    assert (made.total, made.tax) == (10740, 1740)


def test_a_form_from_before_there_was_vat_asks_how_its_prices_relate_to_it(untaxed, fill_in, tax):
    browser, fields = fill_in(untaxed)
    tax(True)
    refresh_profile(untaxed.quickbooks)
    reference.tax_codes(untaxed.company)
    page = refused(browser, fields)
    assert told_at(page, "f-amounts_are").startswith("QuickBooks has VAT switched on now. Choose how")
    again = page.fields() | {"amounts_are": "exclusive"}
    again |= {f"{key}-tax": harbour_code(untaxed) for key in again["line"]}
    assert browser.post(CREATE, again).status_code == 200


def test_a_company_without_vat_is_invoiced(untaxed, fill_in):
    browser, fields = fill_in(untaxed)
    _, invoice = pressed(browser, fields)
    submission.submit(invoice.pk)
    invoice.refresh_from_db()
    assert (invoice.total, invoice.tax) == (9000, 0)


def harbour_code(tenant):
    return next(code.id for code in reference.tax_codes(tenant.company) if code.name == "20.0% S")


@pytest.mark.parametrize("fields_now", [("Cost centre",), ()], ids=["its place is another field's", "removed"])
def test_a_field_that_quickbooks_has_no_more_is_not_in_the_next_form(harbour, fill_in, open_form, control, fields_now):
    browser, fields = fill_in(harbour, **{"own-1": "BF-2026-0871"})
    control.book(harbour.realm, "set_preferences", set={"SalesFormsPrefs": {"CustomField": custom_fields(fields_now)}})
    _, invoice = pressed(browser, fields)
    submission.submit(invoice.pk)
    _, _, page = open_form(harbour)
    assert "PO number" not in page.text
    assert ("Cost centre" in page.text) is bool(fields_now)


def test_a_field_that_is_as_it_was_costs_the_next_form_no_reads(harbour, fill_in, open_form, control):
    browser, fields = fill_in(harbour, **{"own-1": "BF-2026-0871"})
    _, invoice = pressed(browser, fields)
    submission.submit(invoice.pk)
    control.forget_requests()
    open_form(harbour)
    assert control.requests("quickbooks", path="/preferences") == []


def test_a_line_that_waits_for_a_person_costs_no_reads(harbour, open_form, control):
    """Its tax is not known: no setting of QuickBooks will tell it."""
    open_form(harbour, WITHOUT_PRODUCTS)
    control.forget_requests()
    with minutes_later():
        _, _, page = open_form(harbour, WITHOUT_PRODUCTS)
    assert any("no VAT code" in title for title in finding_titles(page, "error"))
    read = {call["path"].rpartition("/company/")[2].partition("/")[2] for call in control.requests("quickbooks")}
    assert read <= {"query"}, "a look for the customer, and none for the settings"


@pytest.mark.parametrize(
    ("blocking", "reason", "expected"),
    [
        ({"books_closed"}, TaxReason.ITEM, True),
        ({"no_tax_code"}, TaxReason.NO_CODE_FITS, True),
        ({"no_tax_code"}, TaxReason.UNKNOWN_PERCENTAGE, False),
        ({"no_item", "date_unreadable"}, TaxReason.NO_CODE_FITS, False),
    ],
)
def test_what_may_be_mended_is_a_setting_or_a_rate_that_no_code_has(blocking, reason, expected):
    assert may_be_mended(blocking, [TaxProposal("", reason)]) is expected


def test_a_code_that_stands_in_nobodys_way_is_known_to_the_next_form_once_quickbooks_is_asked(
    harbour, open_form, browse, control
):
    def offered():
        _, _, page = open_form(harbour)
        return {option.text: option.attributes["value"] for option in page.elements if option.tag == "option"}

    code = offered()["20.0% RC"]
    control.book(harbour.realm, "list_activity", entity="TaxCode", id=code, active=False)
    assert "20.0% RC" in offered(), "QuickBooks does not tell by itself"
    assert browse(harbour.user, "settings").post("/embed/settings/check").status_code == 200
    assert "20.0% RC" not in offered()
    control.book(harbour.realm, "list_activity", entity="TaxCode", id=code, active=True)
    browse(harbour.user, "settings").post("/embed/settings/check")
    assert "20.0% RC" in offered()
