"""What was offered in QuickBooks becomes an invoice: found from the form, taken over, thought better of, created."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.factories import make_customer_link
from tests.invoices.selling import SHELVES

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900), pytest.mark.django_db(transaction=True)]


def test_an_estimate_is_invoiced_from_the_deal(live_app, worker, person, connect, control):
    tenant = connect("GB")
    make_customer_link(tenant.company, party_id=1, customer_id="1", realm_id=tenant.realm)
    priya = person()
    priya.sign_in("Priya Nair", tenant.pair.company_domain)
    priya.open_deal(SHELVES)
    priya.start_invoice()
    form, total = priya.form, priya.form.locator(".invoice__sum strong")
    link = form.get_by_role("button", name="Estimates of this customer")
    link.focus()
    link.press("Enter")
    expect(form.locator("#estimates-title")).to_be_focused()
    assert priya.shut_out_by("invoice") == []
    choose = form.get_by_role("button", name="Invoice it: Estimate 1001")
    choose.focus()
    choose.press("Enter")
    expect(form.locator("#f-estimate")).to_be_focused()
    expect(total).to_have_text("£1,795.50")
    expect(form.get_by_label("Discount on the whole invoice")).to_have_value("5%")
    assert priya.shut_out_by("invoice") == []
    form.get_by_role("button", name="Do not use the estimate").click()
    expect(form.locator("#f-estimate")).to_have_count(0)
    expect(total).to_have_text("£1,890.00")
    link.click()
    choose.click()
    expect(form.locator("#f-estimate")).to_be_focused()
    form.get_by_label(re.compile("^Quantity, Shelf")).first.fill("40")
    expect(form.get_by_text("less than the estimate")).to_be_visible()
    form.get_by_label(re.compile("^Quantity, Shelf")).first.fill("50")
    expect(form.get_by_text("less than the estimate")).to_have_count(0)
    priya.create_invoice()
    number = priya.expect_created()
    expect(form.get_by_text("linked and closed in QuickBooks")).to_be_visible()
    priya.close_modal()
    expect(priya.row(number).get_by_text(re.compile("from estimate 1001"))).to_be_visible(timeout=60_000)
    estimates = control.books(tenant.realm)["estimates"]
    assert next(row["TxnStatus"] for row in estimates if row["DocNumber"] == "1001") == "Closed"
