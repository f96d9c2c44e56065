"""The billing plan of a deal: its instalments in the panel, each invoiced once by a form that has it for its lines."""

from __future__ import annotations

from datetime import timedelta

import pytest

from integration_settings.deal_rules import Outcome
from integration_settings.formats import format_date
from integration_settings.models import CompanySettings
from integration_settings.pipedrive import PipedriveClient
from invoices.deal_gateway import load_instalments
from invoices.domain.draft import to_json
from invoices.domain.unattended import Why
from invoices.models import Invoice
from invoices.reports import today_in
from tests.factories import D, a_draft, a_line, make_company, make_invoice
from tests.invoices.desk import item_id
from tests.invoices.form_answers import CREATE, FORM, pressed, previewed
from tests.invoices.fragments import Page
from tests.invoices.intents import settle
from tests.invoices.test_automatic import SHELVES, sales

__all__ = ["sales"]
pytestmark = pytest.mark.django_db

YEARLY = "Bramley Foods – annual maintenance"  # four quarters of 1,172.00
PLAN = "/embed/panel/plan"
GONE = 999_999


@pytest.fixture
def plan(harbour, browse, deal_id):
    def make(title=YEARLY, user=None):
        return Page(browse(user or harbour.user, "panel").get(PLAN, {"deal": deal_id(harbour, title)}))

    return make


@pytest.fixture
def quarters(harbour, deal_id):
    return load_instalments(harbour.user, deal_id(harbour, YEARLY))


@pytest.fixture
def open_quarter(harbour, browse, deal_id, quarters):
    """open_quarter(1) -> (browser, fields): the form of that instalment, with an item for its line."""

    def make(number):
        browser = browse(harbour.user)
        wanted = {"deal": deal_id(harbour, YEARLY), "instalment": quarters[number - 1].id}
        fields = Page(browser.get(FORM, wanted)).fields()
        return browser, fields | {"i1-item": item_id(harbour, "Delivery")}

    return make


def test_the_panel_shows_each_instalment_with_a_way_to_its_invoice(plan):
    page = plan()
    assert "Quarter 2 £1,172.00 To be billed on" in page.text
    labels = [element.attributes["aria-label"] for element in page.elements if "data-modal-data" in element.attributes]
    assert labels == [f"Invoice this: Quarter {number}, £1,172.00" for number in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("days_ago", "said"),
    [
        (-1, "To be billed on {day}"),
        (0, "To be billed on {day}"),
        (1, "Was to be billed on {day}, 1 day ago"),
        (12, "Was to be billed on {day}, 12 days ago"),
    ],
)
def test_an_instalment_whose_day_is_over_says_since_when(plan, harbour, deal_id, control, days_ago, said):
    deal, day = deal_id(harbour, YEARLY), today_in("Europe/London") - timedelta(days=days_ago)
    deposit = {"id": 77, "amount": 100, "billing_date": day.isoformat(), "description": "Deposit", "deal_id": deal}
    control.change_company(harbour.pair.pipedrive_company_id, {"installments": {str(deal): [deposit]}})
    page = plan()
    assert f"Deposit £100.00 {said.format(day=format_date(day, 'en-GB'))} Invoice this" in page.text
    assert bool(page.by_class("row__alert")) == (days_ago > 0)


def test_the_page_that_looks_again_gets_nothing_while_nothing_is_new_and_asks_nobody(
    plan, open_quarter, browse, harbour, control
):
    again = next(
        e.attributes["hx-get"] for e in plan().elements if "/embed/panel/plan" in e.attributes.get("hx-get", "")
    )
    control.forget_requests()
    browser = browse(harbour.user, "panel")
    assert browser.get(again).status_code == 204
    assert control.requests("pipedrive", path="/installments") == []
    form, fields = open_quarter(1)
    pressed(form, fields)
    answer = Page(browser.get(again))
    assert "Its invoice is on its way" in answer.text
    assert not [element for element in answer.elements if "data-autofocus" in element.attributes]


def test_a_deal_without_a_plan_says_where_one_is_made(plan):
    assert "This deal has no instalments in Pipedrive." in plan(SHELVES).text


def test_whoever_may_not_see_the_deal_sees_no_plan(plan, harbour, colleague, control, deal_id):
    ewa = colleague(harbour, 1)
    hidden = str(deal_id(harbour, YEARLY))
    change = {hidden: {"visible_to": 1, "owner_id": harbour.user.user_id}}
    control.change_company(harbour.pair.pipedrive_company_id, {"deals": change})
    page = plan(user=ewa)
    assert "Quarter" not in page.text
    assert page.by_class("banner--error")


def test_while_pipedrive_does_not_answer_that_is_said(plan, control, seen, harbour, deal_id):
    seen(harbour.user, deal_id(harbour, YEARLY))
    control.fault("status", service="pipedrive", status=503, path="/installments", times=None)
    assert plan().by_class("banner--error")


def test_an_account_without_the_feature_has_no_plan(harbour, control, deal_id):
    control.fault("status", service="pipedrive", status=403, path="/installments", times=None)
    assert PipedriveClient(harbour.user).deal_instalments(deal_id(harbour, YEARLY)) == []


def test_whoever_may_not_create_invoices_sees_the_plan_without_buttons(plan, harbour, colleague):
    tom = colleague(harbour, 0)
    CompanySettings.objects.update(everyone_creates=False)
    page = plan(user=tom)
    assert "Quarter 4" in page.text
    assert not [element for element in page.elements if "data-modal-data" in element.attributes]


def test_the_form_of_an_instalment_bills_its_amount_and_leaves_the_products_unticked(open_quarter):
    browser, fields = open_quarter(2)
    page = previewed(browser, fields)
    assert "Net £1,172.00" in page.text
    _, invoice = pressed(browser, fields)
    (line,) = invoice.confirmed.lines
    assert (line.name, line.unit_price, line.quantity) == (f"Quarter 2 – {YEARLY}", D("1172"), 1)
    assert line.tax_code_id


def test_the_form_of_an_instalment_promises_no_other_invoice_for_what_the_deal_sells(
    harbour, browse, deal_id, quarters
):
    wanted = {"deal": deal_id(harbour, YEARLY), "instalment": quarters[0].id}
    page = Page(browse(harbour.user).get(FORM, wanted))
    assert "An instalment of the deal’s billing plan" in page.text
    assert "Not ticked: what the deal sells, which its instalments bill." in page.text
    assert "for a later invoice" not in page.text


def test_the_item_of_an_instalment_does_not_change_its_tax(harbour, browse, deal_id, quarters):
    """The code is that of the products it stands for."""
    wanted = {"deal": deal_id(harbour, YEARLY), "instalment": quarters[0].id}
    page = Page(browse(harbour.user).get(FORM, wanted))
    assert "data-item-tax" not in page.by_id("i1").attributes


def with_taxes(control, harbour, deal, *percentages):
    """The deal's products, with these taxes."""
    number = harbour.pair.pipedrive_company_id
    rows = control.company(number)["deal_products"][str(deal)]
    changed = [{**row, "tax": tax} for row, tax in zip(rows, percentages, strict=True)]
    control.change_company(number, {"deal_products": {str(deal): changed}})


def test_a_share_whose_tax_no_code_fits_says_which_percentage_that_is(harbour, browse, deal_id, quarters, control):
    deal = deal_id(harbour, YEARLY)
    with_taxes(control, harbour, deal, 7, 13)
    page = Page(browse(harbour.user).get(FORM, {"deal": deal, "instalment": quarters[0].id}))
    assert f"“Quarter 1 – {YEARLY} (7%)”" in page.text
    assert f"“Quarter 1 – {YEARLY} (13%)”" in page.text


def test_the_shares_of_one_instalment_are_called_by_their_tax(harbour, browse, deal_id, quarters, control):
    deal = deal_id(harbour, YEARLY)
    with_taxes(control, harbour, deal, 20, 0)
    fields = Page(browse(harbour.user).get(FORM, {"deal": deal, "instalment": quarters[0].id})).fields()
    names = [fields[f"i{place}-description"] for place in (1, 2)]
    assert names == [f"Quarter 1 – {YEARLY} (20%)", f"Quarter 1 – {YEARLY} (0%)"]


def test_an_instalment_without_tax_is_told_by_the_item_that_is_sold_with_some(
    harbour, browse, deal_id, quarters, control
):
    """QuickBooks has never heard of the line's name, which nobody has written."""
    deal = deal_id(harbour, YEARLY)
    with_taxes(control, harbour, deal, 0, 0)
    browser = browse(harbour.user)
    fields = Page(browser.get(FORM, {"deal": deal, "instalment": quarters[0].id})).fields()
    page = previewed(browser, fields | {"i1-item": item_id(harbour, "Delivery")})
    assert "QuickBooks sells “Delivery” with 20.0% S." in page.text


def test_what_an_invoice_bills_is_told_in_the_plan_and_not_billed_again(open_quarter, plan, harbour, control):
    browser, fields = open_quarter(1)
    again = open_quarter(1)[1]
    _, invoice = pressed(browser, fields)
    assert "Quarter 1 Waiting £1,172.00 Its invoice is on its way" in plan().text
    settle(invoice)
    invoice.refresh_from_db()
    assert f"Quarter 1 Open £1,172.00 Invoice {invoice.number}" in plan().text
    answer = browser.post(CREATE, again)
    assert answer.status_code == 422
    assert "An instalment is invoiced already" in Page(answer).text
    assert Invoice.objects.count() == 1


def test_an_instalment_whose_invoice_was_voided_may_be_billed_again(open_quarter, plan):
    browser, fields = open_quarter(1)
    _, invoice = pressed(browser, fields)
    settle(invoice)
    Invoice.objects.update(voided_on="2026-11-29")
    assert len([element for element in plan().elements if "data-modal-data" in element.attributes]) == 4
    fields = open_quarter(1)[1]
    assert browser.post(CREATE, fields).status_code == 200


def test_another_company_s_invoices_bill_nothing_here(plan, quarters, harbour, deal_id):
    line = a_line(instalment_id=quarters[0].id)
    draft = to_json(a_draft(lines=(line,)))
    make_invoice(make_company(), realm_id="1", deal_id=deal_id(harbour, YEARLY), draft=draft)
    assert "Open" not in plan().text
    assert plan().text.count("be billed on") == 4


def test_all_instalments_together_come_to_the_deal_and_no_more_is_asked(open_quarter, harbour):
    for number in (1, 2, 3, 4):
        browser, fields = open_quarter(number)
        assert "Total is within the deal" in previewed(browser, fields).text
        assert browser.post(CREATE, fields).status_code == 200
    assert sum(invoice.confirmed.lines[0].unit_price for invoice in Invoice.objects.all()) == D("4688")


@pytest.mark.parametrize(
    ("country", "title"),
    [
        ("US", "Prairie Family Clinic – gloves"),
        ("AU", "Northern Dive Club – Easter weekend"),  # with tax in its prices
        ("CA", "Lakehead Hotels – lobby"),
    ],
)
def test_an_instalment_is_billed_like_its_deal_in_every_country(connect, control, browse, deal_id, country, title):
    tenant = connect(country)
    deal = deal_id(tenant, title)
    deposit = {"id": 77, "amount": 100, "billing_date": "2026-12-01", "description": "Deposit", "deal_id": deal}
    control.change_company(tenant.pair.pipedrive_company_id, {"installments": {str(deal): [deposit]}})
    browser = browse(tenant.user)
    whole = Page(browser.get(FORM, {"deal": deal})).fields()
    fields = Page(browser.get(FORM, {"deal": deal, "instalment": 77})).fields()
    _, invoice = pressed(browser, fields)
    draft = invoice.confirmed
    assert sum(line.amount(draft.currency) for line in draft.lines) == D("100")
    assert {line.instalment_id for line in draft.lines} == {77}
    codes = {whole[f"{key}-tax"] for key in (whole["line"] if isinstance(whole["line"], list) else [whole["line"]])}
    assert {line.tax_code_id for line in draft.lines} == codes
    assert str(draft.amounts_are) == whole.get("amounts_are", "us")


def test_one_that_is_gone_leaves_the_form_of_the_products_and_says_so(harbour, browse, deal_id):
    page = Page(browse(harbour.user).get(FORM, {"deal": deal_id(harbour, YEARLY), "instalment": GONE}))
    assert "This instalment is not there any more." in page.text
    assert page.fields()["l1-ticked"] == "yes"


def test_a_rule_leaves_a_deal_with_a_plan_to_a_person(sales, control, harbour, deal_id):
    sales.set_rule(Outcome.CREATE)
    shelves = deal_id(harbour, SHELVES)
    deposit = {"id": 77, "amount": 500, "billing_date": "2026-12-01", "description": "Deposit", "deal_id": shelves}
    control.change_company(sales.company_id, {"installments": {str(shelves): [deposit]}})
    sales.win(SHELVES)
    assert sales.invoice_by_rule() == []
    assert sales.row(SHELVES).why == Why.PLAN


def test_a_deal_with_a_plan_waits_for_that_and_not_for_what_only_the_whole_of_it_lacks(sales):
    """Whoever mended an item would be led to the form of the whole deal."""
    sales.set_rule(Outcome.CREATE)
    sales.win(YEARLY)
    assert sales.invoice_by_rule() == []
    row = sales.row(YEARLY)
    assert (row.why, row.findings) == (Why.PLAN, [])
