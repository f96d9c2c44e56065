"""The form while the way to our server is broken: what it cannot know it does not show, and it says so."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900), pytest.mark.django_db(transaction=True)]

DEAL = "Spare shelves, Hull"
BROKEN = "The connection was interrupted"


def test_no_total_is_shown_for_a_change_that_did_not_reach_us(live_app, person, connect):
    tenant = connect("GB")
    priya = person()
    priya.sign_in("Priya Nair", tenant.pair.company_domain)
    priya.open_deal(DEAL)
    priya.start_invoice()
    price = priya.form.get_by_label(re.compile("^Price"))
    total = priya.form.locator("#foot-sum strong")
    expect(total).to_have_text("£1,890.00")
    priya.page.route("**/embed/invoice/preview*", lambda route: route.abort())
    price.fill("10")
    expect(priya.form.get_by_role("alert")).to_contain_text(BROKEN)
    for amount in priya.form.locator(".amount").all():
        expect(amount).not_to_be_visible()
    expect(price).to_be_focused()

    priya.page.unroute("**/embed/invoice/preview*")
    priya.form.get_by_role("button", name="Try again").click()
    expect(total).to_have_text("£600.00")
    expect(priya.form.get_by_role("alert")).to_have_count(0)
    priya.watcher.complaints.clear()  # of the requests that were cut off


def test_a_comparison_that_never_comes_is_not_waited_for_without_end(live_app, person, connect):
    tenant = connect("GB")
    priya = person()
    priya.sign_in("Priya Nair", tenant.pair.company_domain)
    priya.open_deal(DEAL)
    priya.page.route("**/embed/invoice/customer-update*", lambda route: route.abort())
    priya.start_invoice()
    place = priya.form.locator("#customer-update")
    expect(place.get_by_role("alert")).to_contain_text(BROKEN)
    expect(place).not_to_contain_text("Comparing with QuickBooks")
    priya.page.unroute("**/embed/invoice/customer-update*")
    place.get_by_role("button", name="Try again").click()
    expect(place).to_contain_text("2 differences")
    priya.watcher.complaints.clear()  # of the request that was cut off
