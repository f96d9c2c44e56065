"""Which item a product is, which customer a party might be."""

import pytest

from invoices.domain.deal import Address
from invoices.domain.draft import BillTo
from invoices.domain.matching import (
    CustomerCandidate,
    Described,
    Evidence,
    ItemMatcher,
    ItemPolicy,
    ItemReason,
    Strength,
    best_candidate,
    rank_customers,
)

from .books import Thing

ITEMS = (
    Thing("1", "Pallet racking bay 4L", "RACK-4L"),
    Thing("2", "Installation"),
    Thing("3", "Pallet racking bay 3L (deleted)", "RACK-3L", active=False),
    Thing("5", "RACK-4L"),
    Thing("6", "Installation kit", "installation"),
)


@pytest.mark.parametrize(
    ("code", "name", "item_id", "reason"),
    [
        ("RACK-4L", "Whatever", "1", ItemReason.SKU),
        (" rack-4l ", "Whatever", "1", ItemReason.SKU),
        ("", "INSTALLATION", "2", ItemReason.NAME),
        ("OTHER", "Installation", "2", ItemReason.NAME),
        ("RACK-3L", "Pallet racking bay 3L", "", ItemReason.INACTIVE),
        ("", "pallet racking bay 3l", "", ItemReason.INACTIVE),
        ("RACKING", "Racking", "", ItemReason.NONE),
        ("", "", "", ItemReason.NONE),
        ("", "Racking bay", "", ItemReason.NONE),
    ],
)
def test_a_product_finds_its_item_and_says_why(code, name, item_id, reason):
    found = ItemMatcher(ITEMS).propose(code, name)
    assert (found.item_id, found.reason) == (item_id, reason)


@pytest.mark.parametrize("name", ["Mo\u0308belmontage", "M\u200böbelmontage", "MÖBELMONTAGE "])
def test_a_name_that_looks_the_same_is_the_same(name):
    """An accent that stands by itself comes with lists made on a Mac; a blank of no width with what was pasted."""
    assert ItemMatcher([Thing("9", name)]).propose("", "Möbelmontage").item_id == "9"
    assert ItemMatcher([Thing("9", "Möbelmontage")]).propose("", name).item_id == "9"


def test_an_inactive_item_is_named_without_quickbooks_own_addition():
    assert ItemMatcher(ITEMS).propose("RACK-3L", "").name == "Pallet racking bay 3L"


IN_CATEGORIES = (
    Thing("1", "Racking:Installation", "FIT"),
    Thing("2", "Doors:Installation", "FIT"),
    Thing("3", "Doors:Survey"),
    Thing("4", "Racking:Survey (deleted)", active=False),
    Thing("5", "Doors:Gate", "GATE"),
    Thing("6", "Gate", "GATE"),
)


@pytest.mark.parametrize(
    ("code", "name", "item_id", "shown"),
    [
        ("", "Installation", "", "Installation"),  # sold on two accounts perhaps
        ("FIT", "Whatever", "", "Installation"),
        ("", "survey", "3", "Doors:Survey"),
        ("GATE", "Gate", "6", "Gate"),
        ("", "Gate", "6", "Gate"),
    ],
)
def test_of_several_items_none_is_taken_but_the_one_without_a_category(code, name, item_id, shown):
    found = ItemMatcher(IN_CATEGORIES, policy=ItemPolicy(default_item_id="3")).propose(code, name)
    assert (found.item_id, found.name, found.reason == ItemReason.NONE) == (item_id, shown, not item_id)


def test_an_item_that_two_pages_of_a_list_name_is_one():
    assert ItemMatcher([*ITEMS, *ITEMS]).propose("", "Installation").item_id == "2"


@pytest.mark.parametrize(
    ("links", "item_id", "reason"),
    [
        ({501: "2"}, "2", ItemReason.LINKED),
        ({501: "3"}, "", ItemReason.INACTIVE),  # nothing is put in its place, although the SKU would match
        ({501: "99"}, "1", ItemReason.SKU),  # gone from QuickBooks
        ({502: "2"}, "1", ItemReason.SKU),
    ],
)
def test_what_was_chosen_before_comes_first(links, item_id, reason):
    found = ItemMatcher(ITEMS, links=links).propose("RACK-4L", "Whatever", product_id=501)
    assert (found.item_id, found.reason) == (item_id, reason)


def test_an_inactive_choice_is_named():
    found = ItemMatcher(ITEMS, links={501: "3"}).propose("", "", product_id=501)
    assert (found.name, found.inactive_id) == ("Pallet racking bay 3L", "3")


ONE_FOR_ALL, CREATE = ItemPolicy(default_item_id="2"), ItemPolicy(income_account_id="79")


@pytest.mark.parametrize(
    ("policy", "product_id", "name", "item_id", "reason", "shown"),
    [
        (ItemPolicy(), 501, "Unheard of", "", ItemReason.NONE, ""),
        (ONE_FOR_ALL, 501, "Unheard of", "2", ItemReason.DEFAULT, "Installation"),
        (ONE_FOR_ALL, None, "Unheard of", "2", ItemReason.DEFAULT, "Installation"),
        (ItemPolicy(default_item_id="3"), 501, "Unheard of", "", ItemReason.NONE, ""),  # inactive
        (ItemPolicy(default_item_id="99"), 501, "Unheard of", "", ItemReason.NONE, ""),
        (CREATE, 501, "Atlas: Trade\tCounter", "", ItemReason.NEW, "Atlas – Trade Counter"),
        (CREATE, 501, "x" * 120, "", ItemReason.NEW, "x" * 100),
        (CREATE, 501, " : ", "", ItemReason.NONE, ""),
        (CREATE, None, "The whole deal", "", ItemReason.NONE, ""),  # no product, no item of its own
        (CREATE, 501, "Pallet racking bay 3L", "", ItemReason.INACTIVE, "Pallet racking bay 3L"),
        (CREATE, 501, "Installation:", "2", ItemReason.NAME, "Installation"),  # as it would be cleaned
        (ONE_FOR_ALL, 501, "Pallet racking bay 3L", "", ItemReason.INACTIVE, "Pallet racking bay 3L"),
    ],
)
def test_without_any_match_the_companys_policy_decides(policy, product_id, name, item_id, reason, shown):
    found = ItemMatcher(ITEMS, policy=policy).propose("", name, product_id=product_id)
    assert (found.item_id, found.reason, found.name) == (item_id, reason, shown)


def candidate(customer_id, name, email="", currency="GBP", active=True, **told):
    return Described(CustomerCandidate(customer_id, name, email, "", currency, active), **told)


MILL_LANE = Address(line1="12 Mill Lane", city="Leeds", postal_code="LS11 5QN")
BRAMLEY = BillTo("", "Bramley Foods Limited", "office@bramleyfoods.co.uk", MILL_LANE, "GB 428 1738 46")


def ranked(*found, bill_to=BRAMLEY):
    return rank_customers(found, bill_to, currency="GBP")


@pytest.mark.parametrize(
    ("name", "email", "evidence", "strength"),
    [
        ("Bramley Foods Limited", "", (Evidence.SAME_NAME,), Strength.STRONG),
        ("Bramley Foods Ltd", "", (Evidence.SAME_NAME,), Strength.LIKELY),
        ("Bramley Foods Ltd", "OFFICE@bramleyfoods.co.uk", (Evidence.SAME_NAME, Evidence.SAME_EMAIL), Strength.STRONG),
        ("BF Holding", "office@bramleyfoods.co.uk", (Evidence.SAME_EMAIL,), Strength.LIKELY),
        ("BF Holding", "pay@else.com, Office@bramleyfoods.co.uk", (Evidence.SAME_EMAIL,), Strength.LIKELY),
        ("Bramley Farm Foods", "", (Evidence.SIMILAR_NAME,), Strength.WEAK),
    ],
)
def test_a_customer_is_offered_with_its_evidence(name, email, evidence, strength):
    (found,) = ranked(candidate("1", name, email))
    assert (found.evidence, found.strength) == (evidence, strength)


STREET = {"address_lines": ("12 MILL LANE",), "postal_code": "ls11 5qn"}


@pytest.mark.parametrize(
    ("name", "email", "told", "evidence", "strength"),
    [
        ("BF Holding", "", {"tax_ids": ("GB428173846",)}, (Evidence.SAME_TAX_ID,), Strength.STRONG),
        ("BF Holding", "pay@bramleyfoods.co.uk", {}, (Evidence.SAME_DOMAIN,), Strength.WEAK),
        ("BF Holding", "", STREET, (Evidence.SAME_ADDRESS,), Strength.WEAK),
        ("Bramley Foods Ltd", "", STREET, (Evidence.SAME_NAME, Evidence.SAME_ADDRESS), Strength.STRONG),
        (
            "Bramley Farm Foods",
            "pay@bramleyfoods.co.uk",
            STREET,
            (Evidence.SAME_ADDRESS, Evidence.SAME_DOMAIN, Evidence.SIMILAR_NAME),
            Strength.LIKELY,
        ),
    ],
)
def test_tax_number_address_and_domain_are_evidence_too(name, email, told, evidence, strength):
    (found,) = ranked(candidate("1", name, email, **told))
    assert (found.evidence, found.strength) == (evidence, strength)


def test_the_last_characters_of_a_tax_number_are_no_evidence():
    short = BillTo("", "Somebody", tax_id="73846")
    assert ranked(candidate("1", "BF Holding", tax_ids=("73846",)), bill_to=short) == ()


def test_an_empty_tax_number_is_no_evidence():
    assert ranked(candidate("1", "BF Holding", tax_ids=("",)), bill_to=BillTo("", "Somebody")) == ()


def test_a_domain_is_evidence_wherever_it_stands_among_several_addresses():
    (found,) = ranked(
        candidate("1", "BF Holding", "ann@bf.example; books@ledgers.example"), bill_to=BillTo("", "Bo", "bo@bf.example")
    )
    assert found.evidence == (Evidence.SAME_DOMAIN,)


@pytest.mark.parametrize("domain", ["gmail.com", "outlook.com", "GMX.de"])
def test_who_shares_a_free_mail_provider_shares_nothing(domain):
    bill_to = BillTo("", "Somebody", f"one@{domain}")
    assert ranked(candidate("1", "BF Holding", f"other@{domain}"), bill_to=bill_to) == ()


def test_an_address_of_one_text_is_the_same_when_street_and_postal_code_stand_in_it():
    bill_to = BillTo("", "Somebody", address=Address(text="12 Mill Lane, Leeds LS11 5QN"))
    near = {"address_lines": ("2 Mill Lane",), "postal_code": "LS11 5QN"}
    found = ranked(candidate("1", "BF Holding", **STREET), candidate("2", "Neighbour", **near), bill_to=bill_to)
    assert [(each.customer_id, each.evidence) for each in found] == [("1", (Evidence.SAME_ADDRESS,))]


def test_customers_are_ordered_by_the_weight_of_their_evidence():
    found = ranked(
        candidate("1", "BF Holding", "pay@bramleyfoods.co.uk"),
        candidate("2", "BF Group", **STREET),
        candidate("3", "Bramley Foods Limited"),
        candidate("4", "Zenith", tax_ids=("gb428173846",)),
    )
    assert [each.customer_id for each in found] == ["4", "3", "2", "1"]


def test_customers_without_evidence_and_inactive_ones_are_left_out():
    assert ranked(candidate("1", "Moss & Co"), candidate("2", "Bramley Foods Limited", active=False)) == ()


def test_the_best_comes_first_and_nothing_weak_is_ticked():
    weak, likely = candidate("1", "Bramley Farm Foods"), candidate("2", "Bramley Foods Ltd")
    found = ranked(weak, likely, candidate("3", "Bramley Foods Limited"))
    assert [each.customer_id for each in found] == ["3", "2", "1"]
    assert best_candidate(found) == "3"
    assert best_candidate(ranked(weak)) == ""


def test_of_two_alike_the_one_in_the_deals_currency_comes_first():
    euro = candidate("1", "Bramley Foods Ltd", currency="EUR")
    assert [each.customer_id for each in ranked(euro, candidate("2", "Bramley Foods Ltd"))] == ["2", "1"]


def test_the_second_customer_of_a_name_is_found_by_its_currency():
    both = (candidate("1", "Bramley Foods Limited"), candidate("2", "Bramley Foods Limited (USD)", currency="USD"))
    assert [each.customer_id for each in rank_customers(both, BRAMLEY, currency="USD")] == ["2", "1"]
    assert [each.customer_id for each in rank_customers(both, BRAMLEY, currency="GBP")] == ["1", "2"]


@pytest.mark.parametrize(
    ("kept_in", "name", "ticked"),
    [
        ("GBP", "Bramley Foods Limited (USD)", "2"),
        ("USD", "Bramley Foods Limited (USD)", "1"),
        ("", "Bramley Foods Limited (USD)", "1"),
        ("GBP", "Bramley Foods Ltd", "1"),
    ],
)
def test_a_linked_customer_of_another_currency_gives_way_to_a_strong_match(kept_in, name, ticked):
    linked = CustomerCandidate("1", "Bramley Foods Limited", currency=kept_in)
    found = rank_customers([candidate("2", name, currency="USD")], BRAMLEY, currency="USD")
    assert best_candidate(found, linked, currency="USD") == ticked


def test_an_email_address_that_several_customers_have_ticks_none_of_them():
    office = "office@bramleyfoods.co.uk"
    one, two = candidate("1", "Aire Bakery", office), candidate("2", "Zenith", office)
    assert best_candidate(ranked(one, two)) == ""
    assert best_candidate(ranked(one, candidate("2", "Zenith", office, currency="EUR"))) == "1"
    assert best_candidate(ranked(one, two, candidate("3", "Bramley Foods Ltd", office))) == "3"


def test_of_several_addresses_of_the_deal_any_may_be_the_customers():
    bill_to = BillTo("", "Someone", "bo@atlas.example, ann@bramleyfoods.co.uk")
    found = rank_customers(
        [candidate("1", "Alpha", "Ann@bramleyfoods.co.uk"), candidate("2", "Beta", "office@atlas.example")],
        bill_to,
        currency="GBP",
    )
    assert [each.evidence for each in found] == [(Evidence.SAME_EMAIL,), (Evidence.SAME_DOMAIN,)]
