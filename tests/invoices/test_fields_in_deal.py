"""The settings show what the mapping would put on the invoice of a deal, before anything is saved."""

from __future__ import annotations

import pytest

from tests.invoices.conftest import RACKING
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db
IN_DEAL, DEALS = "/embed/settings/in-deal", "/embed/settings/deals"


@pytest.fixture
def settings_page(browse, harbour):
    return browse(harbour.user, "settings")


def cell(page, name):
    return page.by_id(f"in-deal-{name}").text


def test_each_field_shows_what_it_has_in_the_deal(settings_page, harbour, deal_id):
    page = Page(settings_page.get(IN_DEAL, {"deal": deal_id(harbour, RACKING)}))
    assert cell(page, "recipient_field") == "Bramley Foods Limited"
    assert cell(page, "address_field").startswith("Unit 3, Aire Park")
    assert "Split into street, town, postcode, country" in cell(page, "address_field")
    assert "@" in cell(page, "email_field")
    assert cell(page, "tax_id_field") == "Stays empty"


def test_a_field_of_the_books_that_nothing_fills_says_so_where_nothing_can_be_chosen(settings_page, harbour, deal_id):
    page = Page(settings_page.get(IN_DEAL, {"deal": deal_id(harbour, RACKING)}))
    assert cell(page, "own_field_1") == "Stays empty"


def test_a_field_that_the_books_have_since_the_page_was_made_has_no_place_in_it(settings_page, harbour, deal_id):
    of_page = {"deal": deal_id(harbour, RACKING), "recipient_field": "organization.name"}
    assert b"in-deal-own_field_1" not in settings_page.get(IN_DEAL, of_page).content
    assert cell(Page(settings_page.get(IN_DEAL, of_page | {"own_field_1": "deal.title"})), "own_field_1") == RACKING


def test_a_choice_that_is_not_saved_yet_is_shown(settings_page, harbour, deal_id):
    chosen = {"deal": deal_id(harbour, RACKING), "memo_field": "deal.title", "email_field": "", "address_field": ""}
    page = Page(settings_page.get(IN_DEAL, chosen))
    assert cell(page, "memo_field") == RACKING
    assert cell(page, "email_field") == "Stays empty"
    assert cell(page, "recipient_field") == "Bramley Foods Limited"


def test_a_field_that_the_deal_has_empty_says_so(settings_page, harbour, deal_id):
    page = Page(settings_page.get(IN_DEAL, {"deal": deal_id(harbour, RACKING), "tax_id_field": "deal.lost_reason"}))
    assert cell(page, "tax_id_field") == "Empty in this deal"


def test_an_empty_recipient_shows_whose_name_is_taken(settings_page, harbour, deal_id):
    page = Page(settings_page.get(IN_DEAL, {"deal": deal_id(harbour, RACKING), "recipient_field": "deal.lost_reason"}))
    assert cell(page, "recipient_field").startswith("Bramley Foods Limited The field is empty")


def test_the_deal_that_changed_last_comes_first(settings_page, harbour, control):
    page = Page(settings_page.get(IN_DEAL, {"whole": "1"}))
    company = control.company(harbour.pair.pipedrive_company_id)
    latest = max(company["deals"].values(), key=lambda deal: (deal["update_time"], deal["id"]))
    assert page.by_id("deal-search").attributes["value"] == latest["title"]
    assert cell(page, "recipient_field")


def test_deals_are_found_by_a_part_of_their_title(settings_page, harbour, deal_id):
    options = Page(settings_page.get(DEALS, {"q": "WAREHOUSE rack"})).with_attribute("data-value")
    assert [option.attributes["data-label"] for option in options] == [RACKING]
    assert options[0].attributes["data-value"] == str(deal_id(harbour, RACKING))


def test_the_chosen_deal_leads_the_list_of_the_others(settings_page):
    options = [option.attributes["data-label"] for option in settings_labels(settings_page, RACKING)]
    assert options[0] == RACKING
    assert len(options) > 5


def settings_labels(settings_page, text):
    return Page(settings_page.get(DEALS, {"q": text})).with_attribute("data-label")


def test_a_search_asks_pipedrive_once_a_minute(settings_page, control):
    control.forget_requests()
    for text in ("w", "wa", "war"):
        settings_page.get(DEALS, {"q": text})
    assert len(control.requests("pipedrive")) == 1


def test_a_deal_that_the_user_may_not_see_is_neither_found_nor_shown(browse, harbour, colleague, deal_id):
    hidden = deal_id(harbour, "Confidential")
    limited = browse(colleague(harbour, 1), "settings")
    assert Page(browse(harbour.user, "settings").get(DEALS, {"q": "Confidential"})).with_attribute("data-value")
    assert not Page(limited.get(DEALS, {"q": "Confidential"})).with_attribute("data-value")
    page = Page(limited.get(IN_DEAL, {"deal": hidden}))
    assert "This deal is not here for you" in page.by_id("deal-problem").text
    assert not page.has_id("in-deal-recipient_field")


def test_a_name_that_quickbooks_does_not_take_is_shown_cleaned(settings_page, harbour, deal_id, control):
    company, deal = harbour.pair.pipedrive_company_id, deal_id(harbour, RACKING)
    organization = control.company(company)["deals"][str(deal)]["org_id"]
    control.change_company(company, {"organizations": {organization: {"name": "Atlas: Trade Counter"}}})
    page = Page(settings_page.get(IN_DEAL, {"deal": deal}))
    cleaned = "Atlas – Trade Counter Cleaned for QuickBooks; Pipedrive has “Atlas: Trade Counter”"
    assert cell(page, "recipient_field") == cleaned


def test_when_pipedrive_is_down_the_place_says_so(settings_page, control):
    control.fault("status", service="pipedrive", status=503, times=None)
    page = Page(settings_page.get(IN_DEAL, {"whole": "1"}))
    assert "Pipedrive does not answer right now" in page.by_id("deal-problem").text
    assert "Pipedrive does not answer right now" in Page(settings_page.get(DEALS)).text


def test_a_deal_number_that_is_none_leads_to_the_latest_deal(settings_page):
    assert cell(Page(settings_page.get(IN_DEAL, {"deal": "12; drop", "whole": "1"})), "recipient_field")
