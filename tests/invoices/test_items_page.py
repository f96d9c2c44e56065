"""Items on the invoice form, over both stand-ins: as last time, one for everything, created with the invoice."""

from __future__ import annotations

import pytest

from integration_settings import reference
from integration_settings.kept_lists import ONE_HOUR
from integration_settings.models import CompanySettings, ItemLink
from invoices import submission
from invoices.domain.draft import from_json
from invoices.domain.status import Submission
from invoices.models import Invoice
from tests.factories import make_item_link
from tests.invoices.conftest import RACKING
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db
PREVIEW, CREATE = "/embed/invoice/preview", "/embed/invoice/create"
INSPECTION = "Safety inspection and certificate"


@pytest.fixture
def choose(harbour):
    """choose("create"): the company's policy, with an account and an item that it may need."""

    def make(policy):
        items, accounts = reference.items(harbour.company), reference.income_accounts(harbour.company)
        CompanySettings.objects.filter(company=harbour.company).update(
            item_policy=policy,
            default_item_id=next(item.id for item in items if item.name == "Site survey"),
            income_account_id=next(account.id for account in accounts if account.name == "Services"),
            items_realm_id=harbour.realm,
        )

    return make


def item_id(tenant, name):
    return next(item.id for item in reference.items(tenant.company) if item.name == name)


def product_id(tenant, control, name):
    company = control.company(tenant.pair.pipedrive_company_id)
    return next(product["id"] for product in company["products"].values() if product["name"] == name)


def state(page, line):
    return page.by_id(f"l{line}-state").text


def created(browser, fields):
    answer = browser.post(CREATE, fields)
    assert answer.status_code == 200, answer.content.decode()[:2000]
    invoice = Invoice.objects.latest("pk")
    submission.submit(invoice.pk)
    invoice.refresh_from_db()
    return invoice


def items_in_quickbooks(control, tenant, name):
    return [item for item in control.books(tenant.realm)["items"] if item["Name"] == name]


# By the product's code


@pytest.mark.parametrize("policy", ["stop", "default", "create"])
def test_a_code_that_was_corrected_in_pipedrive_counts_in_the_next_form(harbour, open_form, choose, control, policy):
    choose(policy)
    wanted = item_id(harbour, "Safety inspection")
    assert open_form(harbour, RACKING)[1]["l3-item"] != wanted
    product = product_id(harbour, control, INSPECTION)
    company = harbour.pair.pipedrive_company_id
    control.change_company(company, {"products": {str(product): {"code": "INSPECT"}}})
    assert open_form(harbour, RACKING)[1]["l3-item"] == wanted


# As last time


def test_a_chosen_item_is_there_again_on_the_next_invoice(harbour, fill_in, open_form, control):
    chosen = item_id(harbour, "Safety inspection")
    browser, fields = fill_in(harbour, RACKING, **{"l3-item": chosen})
    assert created(browser, fields).submission == Submission.SUCCEEDED
    link = ItemLink.objects.get(product_id=product_id(harbour, control, INSPECTION))
    assert (link.company, link.realm_id, link.item_id) == (harbour.company, harbour.realm, chosen)
    assert (link.product_name, link.linked_by) == (INSPECTION, harbour.user.name)
    assert link.last_used_at is not None
    _, again, page = open_form(harbour, RACKING)
    assert state(page, 3) == "Safety inspection, as last time"
    assert again["l3-item"] == chosen


def test_what_was_proposed_and_kept_needs_no_remembering(harbour, fill_in, control):
    browser, fields = fill_in(harbour, RACKING)
    created(browser, fields)
    assert not ItemLink.objects.filter(product_id=product_id(harbour, control, "Pallet racking bay, 4 levels")).exists()


def test_another_choice_than_last_time_is_the_one_that_counts(harbour, fill_in, control):
    product = product_id(harbour, control, INSPECTION)
    make_item_link(harbour.company, product_id=product, item_id=item_id(harbour, "Delivery"))
    chosen = item_id(harbour, "Site survey")
    browser, fields = fill_in(harbour, RACKING, **{"l3-item": chosen})
    created(browser, fields)
    assert ItemLink.objects.get(product_id=product).item_id == chosen


def test_an_item_that_became_inactive_is_named_and_not_replaced(harbour, open_form, choose, control):
    choose("default")
    chosen = item_id(harbour, "Safety inspection")
    make_item_link(harbour.company, product_id=product_id(harbour, control, INSPECTION), item_id=chosen)
    control.book(harbour.realm, "deactivate_item", id=chosen)
    reference.items(harbour.company, max_age=ONE_HOUR * 0)
    browser, fields, page = open_form(harbour, RACKING)
    said = "“Safety inspection” is inactive in QuickBooks. Choose another item or make it active there."
    for shown in (page, Page(browser.post(PREVIEW, fields | {"changed": "l3"}))):
        assert "“Safety inspection” is inactive" in state(shown, 3)
        assert "An item is inactive in QuickBooks" in shown.by_id("preflight").text
    assert said in Page(browser.post(CREATE, fields)).by_id("errors").text
    assert not Invoice.objects.exists()


def test_choices_of_another_company_and_for_other_books_are_never_proposed(harbour, open_form, other_company, control):
    product, chosen = product_id(harbour, control, INSPECTION), item_id(harbour, "Delivery")
    make_item_link(other_company, product_id=product, item_id=chosen)
    make_item_link(other_company, product_id=product, item_id=chosen, realm_id=harbour.realm)
    make_item_link(harbour.company, product_id=product, item_id=chosen, realm_id="4711")
    _, _, page = open_form(harbour, RACKING)
    assert state(page, 3) == "No QuickBooks item yet Choose item"


def test_an_item_that_quickbooks_does_not_have_is_not_taken(harbour, fill_in):
    browser, fields = fill_in(harbour, RACKING, **{"l3-item": "999999"})
    answer = browser.post(CREATE, fields)
    assert answer.status_code == 422
    assert not ItemLink.objects.exists()


def test_an_item_chosen_after_the_list_was_read_is_found_all_the_same(harbour, open_form, control):
    reference.items(harbour.company)
    rows = harbour.company.reference_lists.get(kind="items")
    chosen = item_id(harbour, "Delivery")
    rows.rows = [row for row in rows.rows if row["id"] != chosen]
    rows.save()
    make_item_link(harbour.company, product_id=product_id(harbour, control, INSPECTION), item_id=chosen)
    _, _, page = open_form(harbour, RACKING)
    assert state(page, 3) == "Delivery, as last time"


def test_two_items_of_one_name_in_two_categories_are_told_apart_and_none_is_taken(harbour, open_form, control):
    for name, category in (("Delivery", "Doors"), ("Site survey", "Gates")):
        parent = control.book(harbour.realm, "add_category", name=category)["Id"]
        changes = {"Name": INSPECTION, "ParentRef": {"value": parent}}
        control.book(harbour.realm, "edit_item", id=item_id(harbour, name), set=changes)
    harbour.company.reference_lists.filter(kind="items").delete()
    browser, fields, page = open_form(harbour, RACKING)
    assert (state(page, 3), fields["l3-item"]) == ("More than one QuickBooks item fits Choose item", "")
    offered = Page(browser.get("/embed/invoice/items", {"q": INSPECTION})).by_class("option")
    names = [option.attributes["data-label"] for option in offered]
    assert names == [f"Doors:{INSPECTION}", f"Gates:{INSPECTION}"]


# One item for everything


def test_the_default_item_stands_where_nothing_matches(harbour, open_form, choose):
    choose("default")
    _, fields, page = open_form(harbour, RACKING)
    assert state(page, 1) == "Pallet racking bay 4L, by SKU RACK-4L"
    assert state(page, 3) == "Default item, Site survey"
    assert fields["l3-item"] == item_id(harbour, "Site survey")
    assert page.by_id("foot-sum").text.endswith("Ready to create")


def test_the_default_item_is_no_choice_for_the_product(harbour, open_form, choose):
    choose("default")
    browser, fields, _ = open_form(harbour, RACKING)
    assert created(browser, fields).submission == Submission.SUCCEEDED
    assert not ItemLink.objects.exists()


def test_a_policy_for_other_books_proposes_nothing(harbour, open_form, choose):
    choose("default")
    CompanySettings.objects.filter(company=harbour.company).update(items_realm_id="4711")
    _, _, page = open_form(harbour, RACKING)
    assert state(page, 3) == "No QuickBooks item yet Choose item"


# Created with the invoice


def test_new_items_are_announced_and_created_with_the_invoice(harbour, open_form, choose, control):
    choose("create")
    browser, fields, page = open_form(harbour, RACKING)
    assert state(page, 3) == f"New item “{INSPECTION}”, created with the invoice"
    assert "3 new items are created with the invoice" in page.by_id("preflight").text
    assert page.by_id("foot-sum").text.endswith("Ready to create")
    shown = Page(browser.post(PREVIEW, fields | {"changed": "l3"}))
    assert state(shown, 3) == f"New item “{INSPECTION}”, created with the invoice"
    invoice = created(browser, fields)
    assert invoice.submission == Submission.SUCCEEDED
    (item,) = items_in_quickbooks(control, harbour, INSPECTION)
    assert item["Type"] == "Service"
    assert item["IncomeAccountRef"]["name"] == "Services"
    assert item["SalesTaxCodeRef"]["value"] == fields["l3-tax"]
    assert from_json(invoice.draft).lines[2].item_id == item["Id"]
    _, _, page = open_form(harbour, RACKING)
    assert state(page, 3) == f"{INSPECTION}, as last time"


def test_a_reverse_charge_is_the_customers_and_not_the_new_items(harbour, open_form, choose, control):
    choose("create")
    browser, fields, _ = open_form(harbour, RACKING)
    codes = {code.name: code.id for code in reference.tax_codes(harbour.company)}
    invoice = created(browser, fields | {"l3-tax": codes["20.0% RC"], "l2-tax": codes["Exempt"]})
    assert [line.tax_code_id for line in from_json(invoice.draft).lines[1:3]] == [codes["Exempt"], codes["20.0% RC"]]
    names = [line.name for line in from_json(invoice.draft).lines[1:3]]
    exempt, charged = (items_in_quickbooks(control, harbour, name)[0] for name in names)
    assert exempt["SalesTaxCodeRef"]["value"] == codes["Exempt"]
    assert "SalesTaxCodeRef" not in charged


def test_an_item_of_a_us_company_is_taxable_as_its_line_is(connect, open_form, control):
    tenant = connect("US")
    account = reference.income_accounts(tenant.company)[0]
    CompanySettings.objects.filter(company=tenant.company).update(
        item_policy="create", income_account_id=account.id, items_realm_id=tenant.realm
    )
    company = control.company(tenant.pair.pipedrive_company_id)
    known = {item.name for item in reference.items(tenant.company)}
    for deal in company["deals"].values():
        browser, fields, _page = open_form(tenant, deal["title"])
        new = [key for key in fields["line"] if fields.get(f"{key}-item") == "new"] if "line" in fields else []
        if new:
            break
    else:
        raise AssertionError("the American seeds have an item for every product")
    invoice = created(browser, fields | {"name": "Lakeview Dental (Customer)"})
    made = [item for item in control.books(tenant.realm)["items"] if item["Name"] not in known]
    assert invoice.submission == Submission.SUCCEEDED, invoice.refusal
    assert {item["Taxable"] for item in made} == {fields[f"{key}-tax"] == "TAX" for key in new}


def test_a_new_item_that_nobody_proposed_is_not_believed(harbour, fill_in):
    browser, fields = fill_in(harbour, RACKING, **{"l3-item": "new"})
    answer = browser.post(CREATE, fields)
    assert answer.status_code == 422
    assert f"“{INSPECTION}” has no QuickBooks item. Choose one." in Page(answer).by_id("errors").text


def test_the_policy_counts_as_it_is_when_the_invoice_is_asked_for(harbour, open_form, choose):
    choose("create")
    browser, fields, _ = open_form(harbour, RACKING)
    choose("stop")
    assert browser.post(CREATE, fields).status_code == 422
    assert not Invoice.objects.exists()


def test_an_account_that_is_gone_creates_nothing(harbour, open_form, choose):
    choose("create")
    CompanySettings.objects.filter(company=harbour.company).update(income_account_id="9999")
    _, _, page = open_form(harbour, RACKING)
    assert state(page, 3) == "No QuickBooks item yet Choose item"


def test_the_line_of_a_deal_without_products_gets_no_item_of_its_own(harbour, open_form, choose):
    choose("create")
    _, _, page = open_form(harbour, "Moss & Co – shop refit, survey")
    assert state(page, 1) == "No QuickBooks item yet Choose item"


def test_a_name_that_a_category_has_comes_back_at_the_line(harbour, open_form, choose, control):
    choose("create")
    control.book(harbour.realm, "add_category", name=INSPECTION)
    browser, fields, _ = open_form(harbour, RACKING)
    invoice = created(browser, fields)
    assert invoice.submission == Submission.REJECTED
    said = f"“{INSPECTION}” is a category in QuickBooks, so no item can have that name. Choose another item."
    assert said in Page(browser.get(f"/embed/invoice/{invoice.public_id}/result")).text
    page = Page(browser.post(f"/embed/invoice/{invoice.public_id}/retry"))
    assert page.by_id("l3-choose-error").text == said
    assert said in page.by_id("errors").text
    mended = page.fields() | {"l3-item": item_id(harbour, "Safety inspection")}
    assert created(browser, mended).submission == Submission.SUCCEEDED
    assert len(items_in_quickbooks(control, harbour, "Printed safety manuals")) == 1, "those made before are used"


def test_an_answer_of_quickbooks_that_is_lost_makes_no_second_item(harbour, open_form, choose, control):
    choose("create")
    browser, fields, _ = open_form(harbour, RACKING)
    control.fault("lost", method="POST", path="/item$", times=1, company=harbour.realm)
    invoice = created(browser, fields)
    assert invoice.submission == Submission.PENDING
    Invoice.objects.update(next_attempt_at=invoice.created_at)
    submission.submit(invoice.pk)
    invoice.refresh_from_db()
    assert invoice.submission == Submission.SUCCEEDED
    for name in (INSPECTION, "On-site installation, day rate", "Printed safety manuals"):
        assert len(items_in_quickbooks(control, harbour, name)) == 1
