"""What stands in the form when another currency is chosen in it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.invoices.conftest import NORTHGATE

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900), pytest.mark.django_db(transaction=True)]


def test_a_discount_is_one_of_the_currency_that_is_chosen(live_app, person, connect):
    tenant = connect("GB")
    priya = person()
    priya.sign_in("Priya Nair", tenant.pair.company_domain)
    priya.open_deal(NORTHGATE)
    priya.start_invoice()
    form = priya.form
    off, rate = form.locator("[data-discount]").nth(0), form.locator("[data-discount]").nth(1)
    off.fill("20")
    rate.fill("5%")
    rate.press("Tab")
    expect(off).to_have_value("£20.00")
    form.get_by_label("Currency", exact=True).select_option("EUR")
    expect(off).to_have_value("€20.00")
    expect(rate).to_have_value("5%")
    off.fill("30")
    off.press("Tab")
    expect(off).to_have_value("€30.00")
    price = form.locator("[data-price]").nth(0)
    price.fill("£1,000")
    price.press("Tab")
    expect(form.get_by_text("“£1,000” of “").first).to_be_visible()
    expect(price).to_have_value("£1,000")
    price.fill("€1,000")
    price.press("Tab")
    expect(price).to_have_value("1,000.00")
