"""Deals out of Pipedrive's stand-in, with the eyes of the user who asks."""

from __future__ import annotations

from contextlib import suppress

import pytest
from django.core.cache import cache

from integration_settings.errors import AccessDenied, NotFound
from integration_settings.pipedrive import PipedriveClient
from invoices import deal_gateway
from invoices.deal_answers import deal_product, line_discount_of
from invoices.deal_gateway import (
    deal_now,
    latest_deals,
    load_deal,
    load_deal_fields,
    look_ahead,
    may_see_deal,
    seen_deal,
    visible_deals,
)
from invoices.domain.deal import Discount, Frequency, Recurrence, TaxMethod
from invoices.domain.mapping import text_of
from tests.conftest import connect_user
from tests.factories import D


def deal_called(control, pair, title):
    deals = control.company(pair.pipedrive_company_id)["deals"]
    rows = deals.values() if isinstance(deals, dict) else deals
    return next(row["id"] for row in rows if row["title"].startswith(title))


@pytest.fixture
def harbour(connect):
    return connect("GB")


def load(tenant, control, title, user=None):
    return load_deal(PipedriveClient(user or tenant.user), deal_called(control, tenant.pair, title))


def test_a_deal_comes_with_everything_that_hangs_on_it(harbour, control):
    deal = load(harbour, control, "Bramley Foods – warehouse racking, phase 2")
    assert (deal.currency, deal.value, deal.tax_method) == ("GBP", D(24000), TaxMethod.EXCLUSIVE)
    assert (deal.organization.name, deal.person.name) == ("Bramley Foods Limited", "Alice Whitcombe")
    first = deal.products[0]
    assert (first.name, first.quantity, first.unit_price) == ("Pallet racking bay, 4 levels", D(12), D(520))
    assert (first.discount, first.tax_percentage, first.code) == (Discount(D(5), True), D(20), "RACK-4L")
    assert [product.tax_percentage for product in deal.products] == [20, 20, 20, 0]
    assert text_of(deal.person.values["emails"]) == "alice.whitcombe@bramleyfoods.co.uk"


@pytest.mark.parametrize(
    "of_another_version",
    [lambda kept: kept | {"stage": "won"}, lambda kept: {"deal_id": kept["deal_id"]}, lambda kept: "an object"],
    ids=["one more", "one less", "another form"],
)
def test_what_another_version_remembers_of_a_deal_counts_as_not_there(harbour, control, of_another_version):
    user, deal_id = harbour.user, deal_called(control, harbour.pair, "Bramley Foods – warehouse racking, phase 2")
    facts, latest = seen_deal(user, deal_id), latest_deals(user)
    for key in list(cache._cache):
        name = key.removeprefix(":1:")
        if name.startswith("deal:"):
            cache.set(name, of_another_version(cache.get(name)))
        elif name.startswith("deals-changed-last:"):
            cache.set(name, [of_another_version(each) for each in cache.get(name)])
    control.forget_requests()
    assert (seen_deal(user, deal_id), latest_deals(user)) == (facts, latest)
    assert len(control.requests("pipedrive")) == 2
    assert visible_deals(user, [deal_id]) == {deal_id: facts}
    assert (seen_deal(user, deal_id), latest_deals(user)) == (facts, latest)
    assert len(control.requests("pipedrive")) == 2


def test_it_takes_two_rounds_of_calls(harbour, control):
    control.forget_requests()
    load(harbour, control, "Bramley Foods – warehouse racking, phase 2")
    calls = [call["path"] for call in control.requests("pipedrive")]
    assert len(calls) == 6
    assert {path.rpartition("/")[2] for path in calls[:3]} >= {"products", "discounts"}


def test_whose_deal_it_is_was_seen_by_the_panel_so_there_is_no_second_round(harbour, control):
    title = "Bramley Foods – warehouse racking, phase 2"
    deal_id = deal_called(control, harbour.pair, title)
    seen_deal(harbour.user, deal_id)
    control.fault("latency", service="pipedrive", seconds=0.5, path="/deals/[0-9]+$")
    control.forget_requests()
    assert load(harbour, control, title).organization.name == "Bramley Foods Limited"
    paths = [call["path"] for call in control.requests("pipedrive") if not call["path"].endswith("/products")]
    assert paths.index("/api/v2/organizations/1") < paths.index(f"/api/v2/deals/{deal_id}"), paths


def test_a_deal_that_was_given_to_another_organization_comes_with_that_one(harbour, control):
    title = "Bramley Foods – warehouse racking, phase 2"
    deal_id = deal_called(control, harbour.pair, title)
    before = seen_deal(harbour.user, deal_id)
    company = control.company(harbour.pair.pipedrive_company_id)
    other = next(row for row in company["organizations"].values() if row["id"] != before.organization_id)
    control.change_company(
        harbour.pair.pipedrive_company_id, {"deals": {deal_id: {"org_id": other["id"], "person_id": None}}}
    )
    found = load(harbour, control, title)
    assert (found.organization.id, found.organization.name, found.person) == (other["id"], other["name"], None)


def test_codes_of_products_are_asked_for_once_an_hour(harbour, control):
    first = load(harbour, control, "Bramley Foods – warehouse racking, phase 2")
    control.forget_requests()
    again = load(harbour, control, "Bramley Foods – warehouse racking, phase 2")
    assert [product.code for product in again.products] == [product.code for product in first.products]
    assert not control.requests("pipedrive", path="/api/v2/products")
    assert len(control.requests("pipedrive")) == 5


def test_options_come_with_their_labels_and_custom_fields_by_their_code(harbour, control):
    deal = load(harbour, control, "Bramley Foods – warehouse racking, phase 2")
    texts = {text_of(value) for value in deal.values.values()}
    assert {"BF-2026-0871", "High", "4800 GBP"} <= texts
    assert "GB 428 173 846" in {text_of(value) for value in deal.organization.values.values()}


def test_a_deal_without_products_has_none(harbour, control):
    deal = load(harbour, control, "Moss & Co – shop refit")
    assert (deal.products, deal.value) == ((), D(3450))


def test_120_products_come_in_their_order(harbour, control):
    names = [product.name for product in load(harbour, control, "Regional depot").products]
    assert len(names) == 120
    assert names == sorted(names)


def test_prices_with_tax_are_known_as_such(connect, control):
    tenant = connect("AU")
    assert load(tenant, control, "Northern Dive Club").tax_method == TaxMethod.INCLUSIVE


def test_whoever_may_not_see_a_deal_gets_nothing_of_it(harbour, control):
    ewa = connect_user(control, harbour.company, harbour.pair, user_id=harbour.pair.others[1]["id"])
    deal_id = deal_called(control, harbour.pair, "Confidential")
    assert seen_deal(ewa, deal_id) is None
    with pytest.raises(NotFound):
        load_deal(PipedriveClient(ewa), deal_id)
    assert seen_deal(harbour.user, deal_id).title.startswith("Confidential")
    assert not may_see_deal(ewa, deal_id), "what one user may see says nothing about another one"


def test_what_was_seen_is_remembered_per_user_and_company(harbour, control, connect):
    deal_id = deal_called(control, harbour.pair, "Bramley Foods – warehouse racking")
    facts = seen_deal(harbour.user, deal_id)
    assert (facts.value.amount, facts.party[0]) == (D(24000), "organization")
    control.forget_requests()
    assert seen_deal(harbour.user, deal_id) == facts
    assert control.requests("pipedrive") == []
    stranger = connect("US")
    assert seen_deal(stranger.user, deal_id) != facts


def test_what_one_user_was_shown_is_shown_to_no_colleague_by_that(harbour, control):
    ewa = connect_user(control, harbour.company, harbour.pair, user_id=harbour.pair.others[1]["id"])
    hidden = deal_called(control, harbour.pair, "Confidential")
    look_ahead(harbour.user, hidden)
    assert may_see_deal(harbour.user, hidden)
    assert not may_see_deal(ewa, hidden)
    assert deal_now(ewa, hidden) is None
    assert visible_deals(ewa, [hidden]) == {}


def test_what_one_user_was_not_shown_is_shown_to_a_colleague_all_the_same(harbour, control):
    ewa = connect_user(control, harbour.company, harbour.pair, user_id=harbour.pair.others[1]["id"])
    hidden = deal_called(control, harbour.pair, "Confidential")
    assert visible_deals(ewa, [hidden]) == {}
    assert visible_deals(harbour.user, [hidden]).keys() == {hidden}


def test_a_user_of_two_companies_sees_in_each_what_is_there(harbour, control, connect):
    """Deals and products are numbered in each company anew."""
    elsewhere = connect("US")
    here, there = harbour.user, elsewhere.user
    there.user_id = here.user_id
    found = (deal.deal_id for deal in latest_deals(there))
    number = next(each for each in found if load_deal(PipedriveClient(there), each).products)
    cache.clear()
    alone = latest_deals(there), seen_deal(there, number), load_deal(PipedriveClient(there), number)
    cache.clear()
    control.fault("status", service="pipedrive", status=404, times=1, path=f"/deals/{number}$")
    assert visible_deals(here, [number]) == {}
    for deal in latest_deals(here):
        load_deal(PipedriveClient(here), deal.deal_id)
        may_see_deal(here, deal.deal_id)
    assert visible_deals(there, [number]).keys() == {number}
    assert (latest_deals(there), seen_deal(there, number), load_deal(PipedriveClient(there), number)) == alone


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize("asked", [deal_now, load_deal, load_deal_fields])
def test_once_pipedrive_has_said_no_what_was_seen_before_is_forgotten(harbour, control, asked, status):
    deal_id = deal_called(control, harbour.pair, "Bramley Foods – warehouse racking, phase 2")
    look_ahead(harbour.user, deal_id)
    cache.delete(f"deal-just-now:{harbour.company.pk}:{harbour.user.user_id}:{deal_id}")
    assert may_see_deal(harbour.user, deal_id)
    control.fault("status", service="pipedrive", status=status, times=None, path=f"/deals/{deal_id}$")
    with suppress(NotFound, AccessDenied):
        asked(PipedriveClient(harbour.user) if asked is load_deal else harbour.user, deal_id)
    assert not may_see_deal(harbour.user, deal_id)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_deal_whose_organization_is_hidden_is_loaded_without_it(harbour, control, status):
    """Which status that is has no documentation."""
    ewa = connect_user(control, harbour.company, harbour.pair, user_id=harbour.pair.others[1]["id"])
    company_id, title = harbour.pair.pipedrive_company_id, "Moss & Co – shop refit"
    secret = next(
        row for row in control.company(company_id)["organizations"].values() if row["name"].startswith("Albion")
    )
    deal_id = deal_called(control, harbour.pair, title)
    control.change_company(company_id, {"hides_with": status, "deals": {deal_id: {"org_id": secret["id"]}}})
    deal = load(harbour, control, title, ewa)
    assert (deal.organization, deal.person.name) == (None, "Oliver Moss")
    assert deal_gateway.party_of_loaded(deal) == ("organization", secret["id"])


def test_several_deals_are_asked_for_at_once(harbour, control):
    ewa = connect_user(control, harbour.company, harbour.pair, user_id=harbour.pair.others[1]["id"])
    hidden = deal_called(control, harbour.pair, "Confidential")
    shown = deal_called(control, harbour.pair, "Moss & Co – shop refit")
    assert visible_deals(ewa, [hidden, shown, 99_999]) == {shown: seen_deal(ewa, shown)}
    assert visible_deals(ewa, []) == {}


def test_the_hundreds_of_deals_of_a_large_customer_are_asked_for_by_lists(harbour, control):
    ewa = connect_user(control, harbour.company, harbour.pair, user_id=harbour.pair.others[1]["id"])
    hidden = deal_called(control, harbour.pair, "Confidential")
    titles = ("Moss & Co – shop refit", "Bramley Foods – warehouse racking, phase 2", "Northgate Dental – storage")
    shown, archived, deleted = (deal_called(control, harbour.pair, title) for title in titles)
    changes = {archived: {"is_archived": True}, deleted: {"is_deleted": True, "status": "deleted"}}
    control.change_company(harbour.pair.pipedrive_company_id, {"deals": changes})
    control.throttle(True)
    control.forget_requests()
    found = visible_deals(ewa, [hidden, shown, archived, deleted, *range(90_000, 90_400)])
    assert found.keys() == {shown, archived}
    assert len(control.requests("pipedrive")) <= 10
    control.forget_requests()
    assert found == {deal_id: seen_deal(ewa, deal_id) for deal_id in found}
    assert not control.requests("pipedrive"), "they are remembered"


@pytest.mark.parametrize("more", [range(0), range(90_000, 92_000)])
def test_an_open_panel_does_not_ask_again_and_again_for_deals_that_are_hidden(harbour, control, more):
    """Each question costs tokens of the company's day; a list costs ten."""
    ewa = connect_user(control, harbour.company, harbour.pair, user_id=harbour.pair.others[1]["id"])
    hidden = deal_called(control, harbour.pair, "Confidential")
    assert visible_deals(ewa, [hidden, *more]) == {}
    control.forget_requests()
    assert visible_deals(ewa, [hidden, *more]) == {}
    assert not control.requests("pipedrive")


def test_a_hidden_deal_is_there_once_the_user_is_shown_it(harbour, control):
    ewa = connect_user(control, harbour.company, harbour.pair, user_id=harbour.pair.others[1]["id"])
    first, second = (deal_called(control, harbour.pair, title) for title in ("Confidential", "Spare shelves, Hull"))
    company_id = harbour.pair.pipedrive_company_id
    owner = control.company(company_id)["deals"][str(first)]["owner_id"]
    hidden = {"visible_to": control.company(company_id)["deals"][str(first)]["visible_to"], "owner_id": owner}
    control.change_company(company_id, {"deals": {second: hidden}})
    assert visible_deals(ewa, [first, second]) == {}
    control.change_company(company_id, {"deals": {each: {"visible_to": 7} for each in (first, second)}})
    assert may_see_deal(ewa, first), "what he does with one deal asks for it"
    assert visible_deals(ewa, [first, second]).keys() == {first}
    assert visible_deals(ewa, [first, second], anew=True).keys() == {first, second}


def test_the_party_is_the_organization_else_the_person_else_the_deal():
    from invoices.domain.money import Money

    value = Money(D(1), "GBP")
    made = [deal_gateway.DealFacts(12, "", value, *ids) for ids in ((31, 41), (None, 41), (None, None))]
    assert [facts.party for facts in made] == [("organization", 31), ("person", 41), ("deal", 12)]


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({}, None),
        ({"billing_frequency": "one-time", "billing_frequency_cycles": None}, None),
        ({"billing_frequency": "every full moon", "billing_frequency_cycles": 3}, None),
        ({"billing_frequency": "annually"}, Recurrence(Frequency.YEARLY)),
        ({"billing_frequency": "weekly", "billing_frequency_cycles": 208}, Recurrence(Frequency.WEEKLY, 208)),
        ({"billing_frequency": "weekly", "billing_frequency_cycles": "3"}, Recurrence(Frequency.WEEKLY, 3)),
        ({"billing_frequency": "weekly", "billing_frequency_cycles": D("3.0")}, Recurrence(Frequency.WEEKLY, 3)),
        ({"billing_frequency": "weekly", "billing_frequency_cycles": "for ever"}, Recurrence(Frequency.WEEKLY)),
        ({"billing_frequency": "weekly", "billing_frequency_cycles": -1}, Recurrence(Frequency.WEEKLY)),
    ],
)
def test_how_often_a_product_is_billed_is_known_where_pipedrive_tells_it(told, found):
    assert deal_product({"id": 1} | told, {}).recurrence == found


@pytest.mark.parametrize("told", ["NaN", "-Infinity", "twelve", True, [12]])
def test_what_is_no_number_is_none(told):
    assert deal_product({"id": 1, "quantity": told}, {}).quantity == 0


@pytest.mark.parametrize(
    ("told", "named"), [({}, False), ({"tax": None}, False), ({"tax": 0}, True), ({"tax": 20}, True)]
)
def test_a_tax_that_is_not_told_is_kept_apart_from_none_at_all(told, named):
    assert deal_product({"id": 1} | told, {}).names_tax is named


@pytest.mark.parametrize("told", [{}, {"discount_type": None}, {"discount_type": "percentage"}])
def test_a_discount_whose_kind_is_not_told_is_a_percentage(told):
    """Pipedrive's default: https://developers.pipedrive.com/docs/api/v1/Deals#addDealProduct"""
    row = {"quantity": 3, "item_price": 100, "discount": 10, "sum": 270, "currency": "GBP", **told}
    assert line_discount_of(row) == Discount(D(10), True)


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (None, "20"),
        ("280", "20"),  # (3 × 100) - 20
        ("240", "60"),  # 3 × (100 - 20)
        ("336", "20"),  # the same as the first, with 20 % tax
        ("288", "60"),
        ("123", "20"),  # fits neither reading
    ],
)
def test_a_discount_amount_is_of_the_line_unless_pipedrives_sum_says_per_unit(total, expected):
    row = {"quantity": 3, "item_price": 100, "discount": 20, "discount_type": "amount", "tax": 20, "currency": "GBP"}
    if total:
        row["sum"] = D(total)
    assert line_discount_of(row) == Discount(D(expected), False)
