"""Products and items by mouse and keyboard: the policy, the search inside the settings, repairing a choice."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from integration_settings import reference
from integration_settings.models import CompanySettings, ItemLink
from tests.factories import make_item_link
from tests.servers import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900), pytest.mark.django_db(transaction=True)]


def test_a_policy_is_chosen_discarded_and_saved(live_app, person, connect):
    tenant = connect("GB")
    priya = person()
    priya.sign_in("Priya Nair", tenant.pair.company_domain)
    priya.open_settings()
    page = priya.settings
    item = page.get_by_role("combobox", name="QuickBooks item", exact=True)
    expect(item).to_be_hidden()
    page.get_by_role("radio", name=re.compile("Use one item")).check()
    item.fill("deliv")
    page.get_by_role("listbox").get_by_role("option", name=re.compile("Delivery")).click()
    expect(page.get_by_text("2 changes not saved")).to_be_visible()

    # Discarding forgets the item too, also the one in the hidden field.
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("radio", name=re.compile("Stop and ask"))).to_be_checked()
    page.get_by_role("radio", name=re.compile("Use one item")).check()
    expect(item).to_have_value("")
    page.get_by_role("button", name="Save for the company").click()
    expect(page.get_by_role("link", name="Choose the item that products without one get.")).to_be_visible()
    expect(page.get_by_role("button", name="Save for the company")).to_be_visible()
    page.get_by_role("link", name="Choose the item that products without one get.").click()
    expect(item).to_be_focused()

    item.fill("deliv")
    expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(1)
    item.press("ArrowDown")
    item.press("Enter")
    page.get_by_role("button", name="Save for the company").click()
    wait_until(lambda: CompanySettings.objects.get(company=tenant.company).item_policy == "default", what="saved")
    assert CompanySettings.objects.get(company=tenant.company).default_item_name == "Delivery"


def test_a_choice_is_repaired_changed_and_removed(live_app, person, connect):
    tenant = connect("GB")
    items = {item.name: item.id for item in reference.items(tenant.company)}
    broken = make_item_link(
        tenant.company, item_id=items["Pallet racking bay 3L (deleted)"], product_name="Racking, low", product_code=""
    )
    make_item_link(tenant.company, item_id=items["Delivery"], product_name="Transport")
    for number in range(25):
        make_item_link(tenant.company, item_id=items["Delivery"], product_name=f"Part {number:02}")
    priya = person()
    priya.sign_in("Priya Nair", tenant.pair.company_domain)
    priya.open_settings()
    page = priya.settings
    rows = page.get_by_role("table", name="Products and items").get_by_role("row")
    expect(page.get_by_text("“Pallet racking bay 3L” is inactive")).to_be_visible()

    page.get_by_role("button", name="Show 7 more").click()
    expect(rows.filter(has_text="Transport")).to_have_count(1)
    expect(page.get_by_role("rowheader").filter(has_text="Part 19")).to_be_focused()

    page.get_by_role("combobox", name="QuickBooks item for Racking, low").fill("survey")
    page.get_by_role("listbox").get_by_role("option", name=re.compile("Site survey")).click()
    change = page.get_by_role("button", name="Change the item of Racking, low")
    expect(change).to_be_focused()
    wait_until(lambda: ItemLink.objects.get(pk=broken.pk).item_name == "Site survey", what="repaired")

    page.get_by_role("searchbox", name="Search products").fill("transp")
    expect(rows).to_have_count(2)
    change = page.get_by_role("button", name="Change the item of Transport")
    change.click()
    expect(page.get_by_role("combobox", name="QuickBooks item for Transport")).to_be_focused()
    page.get_by_role("button", name="Remove the choice for Transport").click()
    expect(page.get_by_text("The choice for “Transport” is removed.")).to_be_visible()
    wait_until(lambda: not ItemLink.objects.filter(product_name="Transport").exists(), what="removed")
    expect(page.get_by_role("button", name="Save for the company")).to_be_hidden()


def test_what_is_chosen_on_the_form_is_there_again(live_app, worker, person, connect):
    tenant = connect("GB")
    priya = person()
    priya.sign_in("Priya Nair", tenant.pair.company_domain)
    deal = "Northgate Dental – storage fit-out"
    priya.open_deal(deal)
    priya.start_invoice()
    priya.choose_item("On-site installation, day rate", "Installation")
    expect(priya.form.get_by_text("1 thing to fix first")).to_have_count(0)
    priya.create_invoice()
    priya.expect_created()
    priya.close_modal()
    priya.start_invoice()
    expect(priya.form.get_by_text("Installation, as last time")).to_be_visible()


def test_items_are_created_with_the_invoice(live_app, worker, person, connect, control):
    tenant = connect("GB")
    account = reference.income_accounts(tenant.company)[0]
    CompanySettings.objects.filter(company=tenant.company).update(
        item_policy="create", income_account_id=account.id, items_realm_id=tenant.realm
    )
    priya = person()
    priya.sign_in("Priya Nair", tenant.pair.company_domain)
    priya.open_deal("Northgate Dental – storage fit-out")
    priya.start_invoice()
    expect(
        priya.form.get_by_text("New item “On-site installation, day rate”, created with the invoice")
    ).to_be_visible()
    priya.create_invoice()
    priya.expect_created()
    made = [item for item in control.books(tenant.realm)["items"] if item["Name"] == "On-site installation, day rate"]
    assert len(made) == 1


def test_items_chosen_in_a_hurry_are_all_shown_at_their_lines(live_app, person, connect, control):
    """Quicker than the form asks for its figures: what one look would have told goes with the next."""
    tenant = connect("GB")
    priya = person()
    priya.sign_in("Priya Nair", tenant.pair.company_domain)
    priya.open_deal("Bramley Foods – warehouse racking, phase 2")
    priya.start_invoice()
    lines = ("On-site installation", "Safety inspection and certificate", "Printed safety manuals")
    control.fault("latency", seconds=0.3, path="/")
    for line in lines:
        priya.choose_item(line, "Installation")
    for line in lines:
        expect(priya.form.get_by_role("row").filter(has_text=line)).to_contain_text("Installation, chosen here")
    expect(priya.form.get_by_role("button", name=re.compile("^Choose item"))).to_have_count(0)


def test_an_own_field_of_the_books_comes_with_a_check_and_not_over_what_is_being_changed(
    live_app, person, connect, control
):
    tenant = connect("GB")
    priya = person()
    priya.sign_in("Priya Nair", tenant.pair.company_domain)
    priya.open_settings()
    page = priya.settings
    priya.set_due_days(21)
    expect(page.get_by_text("1 change not saved")).to_be_visible()
    fields = control.books(tenant.realm)["preferences"]["SalesFormsPrefs"]["CustomField"]
    more = [
        {"Name": "SalesFormsPrefs.UseSalesCustom2", "Type": "BooleanType", "BooleanValue": True},
        {"Name": "SalesFormsPrefs.SalesCustomName2", "Type": "StringType", "StringValue": "Bob’s 'code'"},
    ]
    changed = {"SalesFormsPrefs": {"CustomField": [*fields, {"CustomField": more}]}}
    control.book(tenant.realm, "set_preferences", set=changed)
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_text("Last answer")).to_be_visible()
    wait_until(lambda: len(control.requests("quickbooks", path="preferences")) > 1, what="checked")
    expect(page.get_by_text("1 change not saved")).to_be_visible()
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_label("Bob’s 'code'")).to_be_visible()
    page.get_by_role("button", name="Check now").click()  # its name in the request is no trouble
    expect(page.get_by_label("Bob’s 'code'")).to_be_visible()


def test_a_pasted_page_is_searched_for_by_its_beginning(live_app, person, connect):
    tenant = connect("GB")
    priya = person()
    priya.sign_in("Priya Nair", tenant.pair.company_domain)
    priya.open_deal("Northgate Dental – storage fit-out")
    priya.start_invoice()
    priya.form.get_by_role("button", name="Search all customers").click()
    with priya.page.expect_response(re.compile("/embed/invoice/customers")) as found:
        priya.form.get_by_role("combobox", name="Customer in QuickBooks").fill("Žē" * 2000)
    assert found.value.ok
    assert len(found.value.url) < 1500
    expect(priya.form.get_by_text("This could not be shown")).to_have_count(0)


def test_figures_are_asked_for_without_a_fault_while_an_item_is_searched_for(live_app, person, connect):
    """Two searches stand in the form then; the person's browser tells of each script that fails."""
    tenant = connect("GB")
    priya = person()
    priya.sign_in("Priya Nair", tenant.pair.company_domain)
    priya.open_deal("Northgate Dental – storage fit-out")
    priya.start_invoice()
    with priya.page.expect_response(re.compile("/embed/invoice/preview"), timeout=20_000) as previewed:
        priya.form.locator("[data-quantity]").first.fill("25")
        priya.form.get_by_role("button", name=re.compile("^Choose item")).first.click()
        priya.form.get_by_role("combobox", name="QuickBooks item").fill("inst")
    assert previewed.value.ok


def test_a_line_without_a_product_is_taxed_as_the_item_is_until_somebody_says_otherwise(
    live_app, person, connect, control
):
    tenant = connect("US")
    company, title = tenant.pair.pipedrive_company_id, "Prairie Family Clinic – gloves"
    deal = next(number for number, row in control.company(company)["deals"].items() if row["title"] == title)
    control.change_company(company, {"deal_products": {deal: []}})
    seller = person()
    seller.sign_in(tenant.user.name, tenant.pair.company_domain)
    seller.open_deal(title)
    seller.start_invoice()
    line = seller.form.get_by_role("row").filter(has_text=title)
    yes, no = (line.get_by_role("radio", name=name) for name in ("Yes", "No"))
    expect(no).to_be_checked()
    seller.choose_item(title, "Nitrile gloves")
    expect(yes).to_be_checked()
    expect(line).to_contain_text("As the item says")
    expect(seller.form.get_by_text("QuickBooks calculates this when it’s created")).to_be_visible()
    no.check()
    line.get_by_role("button", name=re.compile("Nitrile gloves")).click()
    line.get_by_role("combobox", name="QuickBooks item").fill("Warranty")
    seller.form.get_by_role("option", name="Warranty 36M").first.click()
    expect(line).to_contain_text("Warranty 36M, chosen here")
    expect(no).to_be_checked()

    seller.form.get_by_role("button", name="Add a line").click()
    added = seller.form.get_by_role("row").last
    added.get_by_role("button", name=re.compile("^Choose")).click()
    added.get_by_role("combobox", name="QuickBooks item").fill("Nitrile")
    seller.form.get_by_role("option", name="Nitrile").first.click()
    expect(added.get_by_role("radio", name="Yes")).to_be_checked()
