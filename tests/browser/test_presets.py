"""A preset is made in the settings and chosen in the form, by mouse and keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900), pytest.mark.django_db(transaction=True)]


def test_a_preset_is_kept_and_chosen(live_app, person, connect):
    tenant = connect("GB")
    priya = person()
    priya.sign_in("Priya Nair", tenant.pair.company_domain)
    priya.open_settings()
    page = priya.settings
    page.get_by_role("button", name="Add a preset").click()
    name = page.get_by_label("Name", exact=True)
    expect(name).to_be_focused()
    page.get_by_role("button", name="Save preset").click()
    expect(page.get_by_text("The preset needs a name.")).to_be_visible()
    expect(name).to_be_focused()
    name.fill("Standard UK")
    page.locator("#presets").get_by_label("Message to the customer").fill("Thank you for your order.")
    page.locator("#presets").get_by_label("Private note").fill("By the framework agreement")
    page.locator("#presets").get_by_label("Amounts are").select_option("none")
    page.locator("#presets").get_by_label("Due").fill("30")
    priya.set_due_days(21)
    priya.save_settings()  # takes nothing away from what is typed in the preset
    expect(name).to_have_value("Standard UK")
    page.get_by_role("button", name="Save preset").click()
    expect(page.get_by_role("button", name="Change preset Standard UK")).to_be_focused()
    assert priya.shut_out_by("settings") == []

    priya.open_deal("Spare shelves, Hull")
    priya.start_invoice()
    form = priya.form
    preset = form.get_by_label("Preset")
    preset.focus()
    preset.press("S")
    memo = form.get_by_label("Message to the customer")
    expect(memo).to_have_value("Thank you for your order.")
    expect(form.get_by_label("Private note")).to_be_visible()  # what was filled in is in sight
    expect(form.get_by_text("30 days after the invoice date")).to_be_visible()
    expect(form.locator("#invoice-form")).to_have_attribute("data-amounts", "none")
    expect(form.get_by_text(re.compile("^VAT 20"))).to_have_count(0)  # the total follows
    expect(preset).to_be_focused()

    # What is typed stays, and is said so.
    memo.fill("As agreed")
    memo.press("Tab")
    preset.select_option("No preset")
    expect(form.get_by_label("Private note")).to_have_value("")
    expect(memo).to_have_value("As agreed")
    preset.select_option("Standard UK")
    expect(form.locator("#f-preset-kept")).to_have_text("Left as you have it: Message to the customer")
    assert priya.shut_out_by("invoice") == []

    # An administrator deletes it again; the question comes from Pipedrive.
    priya.close_modal()
    priya.open_settings()
    page.get_by_role("button", name="Delete preset Standard UK").click()
    priya.page.get_by_role("button", name="Delete preset").click()
    expect(page.get_by_text("No presets yet")).to_be_visible()
    expect(page.get_by_role("heading", name="Presets")).to_be_focused()


def test_service_dates_come_when_they_are_asked_for(live_app, person, connect):
    tenant = connect("GB")
    priya = person()
    priya.sign_in("Priya Nair", tenant.pair.company_domain)
    priya.open_deal("Bramley Foods – warehouse racking, phase 2")
    priya.start_invoice()
    form = priya.form
    dates = form.get_by_label(re.compile("^Service date, "))
    expect(dates).to_have_count(0)
    form.get_by_role("button", name="Service date per line").click()
    expect(dates).to_have_count(4)
    first = form.get_by_label("Service date, Pallet racking bay, 4 levels", exact=True)
    expect(first).to_be_focused()
    first.fill("2026-11-20")
    first.press("Tab")
    expect(first).to_have_value("20 Nov 2026")
    form.get_by_role("button", name="Choose the service date, Printed safety manuals").click()
    form.locator(".calendar").get_by_role("button", name=re.compile("15")).first.click()
    expect(form.get_by_label("Service date, Printed safety manuals", exact=True)).to_have_value(re.compile("^15 "))
    form.get_by_role("button", name="Add a line").click()
    form.get_by_label("Description of the line").fill("Travel")
    expect(form.get_by_label("Service date, Travel", exact=True)).to_have_value("")
    assert priya.shut_out_by("invoice") == []

    # What cannot be read is told at its line.
    first.fill("someday")
    priya.create_invoice()
    expect(form.get_by_text("“someday” cannot be read as a date").first).to_be_visible()
    expect(first).to_have_attribute("aria-invalid", "true")
    expect(form.get_by_label("Service date, Travel", exact=True)).to_be_visible()
