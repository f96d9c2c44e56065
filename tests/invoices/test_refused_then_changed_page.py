"""A deal that changes between a refusal and the form that is opened again from it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from integration_settings.profile import current_profile
from invoices import submission
from invoices.domain.draft import from_json
from invoices.domain.status import Submission
from invoices.models import Invoice
from tests.invoices.conftest import NORTHGATE, RACKING
from tests.invoices.desk import submit
from tests.invoices.form_answers import CREATE, address, pressed
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def closed_books(harbour, control):
    """closed_books(browser, fields): the invoice that QuickBooks refused because its books were closed"""

    def closed(until):
        control.book(harbour.realm, "set_preferences", set={"AccountingInfoPrefs": {"BookCloseDate": until}})

    def make(browser, fields):
        _, invoice = pressed(browser, fields)
        closed("2100-01-31")
        submission.submit(invoice.pk)
        closed("2020-01-31")
        invoice.refresh_from_db()
        assert invoice.submission == Submission.REJECTED
        return invoice

    return make


@pytest.fixture
def refused(harbour, fill_in, closed_books):
    """refused(RACKING): (browser, the invoice that QuickBooks refused because its books were closed)"""

    def make(title):
        browser, fields = fill_in(harbour, title)
        return browser, closed_books(browser, fields)

    return make


def change(control, tenant, invoice, **values):
    control.change_company(tenant.pair.pipedrive_company_id, {"deals": {str(invoice.deal_id): values}})


def test_what_the_deal_is_worth_by_now_is_told_above_what_was_entered(harbour, refused, control):
    browser, invoice = refused(RACKING)
    change(control, harbour, invoice, value=30_000)
    form = Page(browser.post(address(invoice, "retry")))
    (told,) = form.by_class("banner--warning")
    assert "It is worth £30,000.00 now, and was worth £24,000.00." in told.text
    assert "The books are closed" in form.by_id("errors").text
    assert browser.post(CREATE, form.fields()).status_code == 200, "the press means it"
    assert Invoice.objects.count() == 2


def test_nobody_bills_the_former_organization_of_a_deal(harbour, refused, control):
    browser, invoice = refused(NORTHGATE)
    assert invoice.customer_id, "which was created for it"
    others = control.company(harbour.pair.pipedrive_company_id)["organizations"]
    other = next(int(key) for key in others if int(key) != invoice.organization_id)
    change(control, harbour, invoice, org_id=other)
    form = Page(browser.post(address(invoice, "retry")))
    assert form.fields()["customer"] == invoice.customer_id
    assert "It belongs to another organization or person now." in form.by_class("banner--warning")[0].text
    for _ in range(2):
        assert browser.post(CREATE, form.fields()).status_code == 422
    assert Invoice.objects.count() == 1
    assert from_json(invoice.draft).bill_to.name.startswith("Northgate")


def test_a_deal_that_is_as_it_was_is_not_spoken_of(refused):
    browser, invoice = refused(RACKING)
    assert not Page(browser.post(address(invoice, "retry"))).by_class("banner--warning")


def test_lines_stay_in_the_order_in_which_somebody_put_them(harbour, fill_in, closed_books):
    """What was left out stays where it is in the deal, and an added line where it was moved to."""
    browser, fields = fill_in(harbour, NORTHGATE)
    first, second, third, *rest = fields["line"]
    added = {f"n1-{name}": fields[f"{first}-{name}"] for name in ("ticked", "item", "quantity", "price", "tax")}
    fields |= added | {"n1-added": "yes", "n1-description": "Delivery", "n1-discount": ""}
    del fields[f"{second}-ticked"]
    moved = {"line": [*reversed(rest), "n1", second, third, first], "over_deal": "yes"}
    invoice = closed_books(browser, fields | moved)
    form = Page(browser.post(address(invoice, "retry"))).fields()
    products = [key for key in form["line"] if f"{key}-description" not in form]
    (own,) = set(form["line"]) - set(products)
    assert form[f"{own}-description"] == "Delivery"
    assert [key for key in form["line"] if key != second] == [*reversed(rest), own, third, first]
    assert f"{second}-ticked" not in form


def test_who_loses_the_number_to_a_colleague_finds_the_next_one_in_the_form(harbour, fill_in, control):
    control.book(harbour.realm, "set_preferences", set={"SalesFormsPrefs": {"CustomTxnNumbers": True}})
    current_profile(harbour.company.quickbooks, timedelta(0))
    browser, fields = fill_in(harbour, NORTHGATE)
    other, others = fill_in(harbour, RACKING)
    assert fields["number"] == others["number"]
    for desk, answers in ((other, others), (browser, fields)):
        assert desk.post(CREATE, answers).status_code == 200
        invoice = submit(Invoice.objects.latest("pk"))
    form = Page(browser.post(address(invoice, "retry")))
    assert int(form.fields()["number"]) == int(fields["number"]) + 1
    assert f"The number {fields['number']} is taken in QuickBooks." in form.by_class("banner--warning")[0].text
    assert browser.post(CREATE, form.fields()).status_code == 200
    assert submit(Invoice.objects.latest("pk")).number == form.fields()["number"]
