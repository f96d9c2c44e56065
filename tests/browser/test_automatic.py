"""A deal that is won is invoiced by itself; one with something to ask is listed, and its form opens from there."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from integration_settings.models import DealRules
from invoices import automatic
from invoices.models import Invoice
from tests.factories import make_preset
from tests.invoices.test_deal_gateway import deal_called

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900), pytest.mark.django_db(transaction=True)]
SHELVES = "Spare shelves, Hull"
RACKING = "Bramley Foods – warehouse racking, phase 2"


def test_a_rule_is_chosen_and_what_it_cannot_make_is_made_by_hand(live_app, person, connect, control):
    tenant = connect("GB")
    make_preset(tenant.company, name="Retainer")
    priya = person()
    priya.sign_in("Priya Nair", tenant.pair.company_domain)
    priya.open_settings()
    page = priya.settings
    when, then, preset = (page.locator(f"select[name=rule_{column}_1]") for column in ("when", "then", "preset"))
    expect(then).to_be_hidden()
    when.select_option("The deal is won")
    expect(page.get_by_role("combobox", name="Sales Then")).to_be_visible()
    expect(preset).to_be_hidden()
    then.select_option("Create the invoice")
    expect(page.get_by_role("combobox", name="Sales Preset")).to_be_visible()
    preset.select_option("Preset: Retainer")
    expect(page.get_by_text("3 changes not saved: Automatic invoices, Sales: Never → The deal is won")).to_be_visible()
    assert priya.shut_out_by("settings") == []
    when.scroll_into_view_if_needed()
    priya.save_settings()
    expect(when).to_be_in_viewport()
    expect(page.get_by_text("every five minutes in the name of Priya Nair, who chose this last.")).to_be_visible()

    won = {"status": "won", "won_time": control.now()}
    ids = [deal_called(control, tenant.pair, title) for title in (SHELVES, RACKING)]
    control.change_company(tenant.pair.pipedrive_company_id, {"deals": {str(each): won for each in ids}})
    DealRules.objects.update(next_look_at=timezone.now())
    for ready_id in automatic.look_for_deals(DealRules.objects.get().pk):
        automatic.carry_out(ready_id)
    assert [(made.deal_id, made.preset_name) for made in Invoice.objects.all()] == [(ids[0], "Retainer")]

    priya.open_settings()
    expect(page.get_by_role("link", name="Needs attention 1")).to_be_visible()
    expect(page.get_by_role("heading", name="Ready to be invoiced 1")).to_be_visible()
    expect(page.get_by_text("has no QuickBooks item. Choose one.").first).to_be_visible()
    assert priya.shut_out_by("settings") == []
    page.get_by_role("button", name=f"New invoice: {RACKING}").click()
    expect(priya.form.get_by_role("heading", name="New invoice")).to_be_visible()
    priya.close_modal()

    priya.open_deal(RACKING)
    expect(priya.panel.get_by_text("Ready to be invoiced.")).to_be_visible()
    assert priya.shut_out_by("panel") == []
