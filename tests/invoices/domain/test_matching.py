"""Which item a product is, which customer a party might be."""

import pytest

from invoices.domain.matching import (
    CustomerCandidate,
    Evidence,
    ItemReason,
    Strength,
    best_candidate,
    propose_item,
    rank_customers,
)

from .books import Thing

ITEMS = (
    Thing("1", "Pallet racking bay 4L", "RACK-4L"),
    Thing("2", "Installation"),
    Thing("3", "Pallet racking bay 3L (deleted)", "RACK-3L", active=False),
    Thing("4", "Racking", "RACKING", type="Category"),
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
    found = propose_item(code, name, ITEMS)
    assert (found.item_id, found.reason) == (item_id, reason)


def test_an_inactive_item_is_named_without_quickbooks_own_addition():
    assert propose_item("RACK-3L", "", ITEMS).name == "Pallet racking bay 3L"


def candidate(customer_id, name, email="", currency="GBP", active=True):
    return CustomerCandidate(customer_id, name, email, "", currency, active)


def ranked(*found):
    return rank_customers(found, name="Bramley Foods Limited", email="office@bramleyfoods.co.uk", currency="GBP")


@pytest.mark.parametrize(
    ("name", "email", "evidence", "strength"),
    [
        ("Bramley Foods Limited", "", (Evidence.SAME_NAME,), Strength.STRONG),
        ("Bramley Foods Ltd", "", (Evidence.SAME_NAME,), Strength.LIKELY),
        ("Bramley Foods Ltd", "OFFICE@bramleyfoods.co.uk", (Evidence.SAME_NAME, Evidence.SAME_EMAIL), Strength.STRONG),
        ("BF Holding", "office@bramleyfoods.co.uk", (Evidence.SAME_EMAIL,), Strength.LIKELY),
        ("Bramley Farm Foods", "", (Evidence.SIMILAR_NAME,), Strength.WEAK),
    ],
)
def test_a_customer_is_offered_with_its_evidence(name, email, evidence, strength):
    (found,) = ranked(candidate("1", name, email))
    assert (found.evidence, found.strength) == (evidence, strength)


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
