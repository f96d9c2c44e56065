"""A deal is billed instalment by instalment from its panel, which tells what the customer owes, too."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from invoices.models import Invoice
from tests.factories import make_customer_link

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900), pytest.mark.django_db(transaction=True)]
YEARLY = "Bramley Foods – annual maintenance"


def test_an_instalment_is_invoiced_from_the_panel(live_app, worker, person, connect, control):
    tenant = connect("GB")
    make_customer_link(tenant.company, party_id=1, customer_id="1", realm_id=tenant.realm)
    priya = person()
    priya.sign_in("Priya Nair", tenant.pair.company_domain)
    priya.open_deal(YEARLY)
    panel = priya.panel
    more = panel.get_by_role("button", name="More", exact=True)
    more.focus()
    more.press("Enter")
    panel.get_by_role("menuitem", name="What Bramley Foods Ltd owes").click()
    expect(panel.get_by_role("heading", name="What Bramley Foods Ltd owes")).to_be_focused()
    expect(panel.get_by_text(re.compile(r"\d open invoices?"))).to_be_visible()
    assert priya.shut_out_by("panel") == []
    more.click()
    panel.get_by_role("menuitem", name="Billing plan").click()
    expect(panel.get_by_role("heading", name="Billing plan")).to_be_focused()
    assert priya.shut_out_by("panel") == []
    panel.get_by_role("button", name="Invoice this: Quarter 1, £1,172.00").click()
    expect(priya.form.get_by_role("textbox", name="Description of the line")).to_have_value(f"Quarter 1 – {YEARLY}")
    priya.stands_still(priya.page.locator("dialog.custom-modal iframe"))
    priya.form.get_by_role("button", name="Choose item").first.click()
    priya.form.get_by_role("combobox", name="QuickBooks item").fill("Delivery")
    priya.form.get_by_role("option", name="Delivery").first.click()
    assert priya.shut_out_by("invoice") == []
    priya.create_invoice()
    number = priya.expect_created()
    priya.close_modal()
    expect(panel.get_by_role("heading", name="Billing plan")).to_be_focused()
    expect(panel.get_by_text(f"Invoice {number}", exact=True)).to_be_visible(timeout=60_000)
    expect(panel.get_by_role("button", name="Invoice this")).to_have_count(3)
    row = panel.get_by_role("region", name="Billing plan").get_by_role("listitem").first
    expect(row.get_by_text("Open", exact=True)).to_be_visible()
    control.book(tenant.realm, "payment", id=Invoice.objects.get(number=number).qbo_invoice_id)
    panel.get_by_role("button", name="Refresh").click()
    expect(row.get_by_text("Paid", exact=True)).to_be_visible(timeout=60_000)
    panel.get_by_role("button", name="Close").click()
    expect(more).to_be_focused()
