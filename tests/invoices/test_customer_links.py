"""Which customer was chosen for an organization or a person: in these books, and of this company alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from invoices import drafting
from invoices.customers import keep_name, link, linked_customer, unlink
from invoices.domain.matching import CustomerCandidate
from invoices.models import CustomerLink
from tests.factories import a_bill_to, make_customer_link
from tests.invoices.intents import draft_for

pytestmark = pytest.mark.django_db
PARTY = ("organization", 3)


@pytest.fixture(params=["another company", "other books", "a person of that number", "another organization"])
def elsewhere(request, company, other_company):
    """A link that only looks like the one of organization 3."""
    return {
        "another company": lambda: make_customer_link(other_company, realm_id=company.quickbooks.realm_id, **three()),
        "other books": lambda: make_customer_link(company, realm_id="999", **three()),
        "a person of that number": lambda: make_customer_link(company, **three() | {"party_kind": "person"}),
        "another organization": lambda: make_customer_link(company, **three() | {"party_id": 4}),
    }[request.param]()


def three():
    return {"party_kind": "organization", "party_id": 3, "customer_id": "70", "currency": ""}


def test_a_link_of_somebody_else_is_not_found(company, elsewhere):
    assert linked_customer(company, company.quickbooks.realm_id, PARTY) is None


@pytest.mark.parametrize("currency", ["", "GBP"])
def test_choosing_a_customer_replaces_nobody_elses(company, elsewhere, currency):
    CustomerLink.objects.update(currency="" if currency else "GBP")  # the kind that a choice replaces
    chosen = CustomerCandidate("71", "Moss & Co", currency=currency)
    link(company=company, realm_id=company.quickbooks.realm_id, party=PARTY, customer=chosen, by="Priya Nair")
    elsewhere.refresh_from_db()
    assert elsewhere.customer_id == "70"
    assert linked_customer(company, company.quickbooks.realm_id, PARTY).customer_id == "71"


def test_unlinking_takes_nobody_elses_away(company, elsewhere):
    unlink(company=company, realm_id=company.quickbooks.realm_id, party=PARTY)
    assert CustomerLink.objects.filter(pk=elsewhere.pk).exists()


@pytest.mark.parametrize("elsewhere", ["another company", "other books"], indirect=True)
def test_the_new_name_of_a_customer_is_not_given_to_one_of_that_number_elsewhere(company, elsewhere):
    ours = make_customer_link(company, **three() | {"party_id": 5})
    keep_name(company, company.quickbooks.realm_id, "70", "Moss & Daughters")
    ours.refresh_from_db()
    was = elsewhere.name
    elsewhere.refresh_from_db()
    assert (ours.name, elsewhere.name) == ("Moss & Daughters", was)


def test_a_customer_of_that_number_in_other_books_says_nothing_of_its_currency(harbour, control):
    draft = replace(draft_for(harbour, control), bill_to=a_bill_to(customer_id="70"))
    make_customer_link(harbour.company, realm_id="999", **three() | {"currency": "EUR"})
    assert "currency_clash" not in {each.code for each in drafting.preview(harbour.company, draft).findings}
    make_customer_link(harbour.company, **three() | {"currency": "EUR"})
    assert "currency_clash" in {each.code for each in drafting.preview(harbour.company, draft).findings}
