"""A customer that has to be created first is created once, and never beside one of the same name unasked."""

from __future__ import annotations

import pytest

from integration_settings.errors import (
    Rejected,
)
from invoices import selectors, submission
from invoices.domain.draft import to_json
from invoices.domain.status import Submission
from invoices.models import CustomerLink
from tests.factories import a_bill_to, a_draft, make_customer_link, make_pending_invoice
from tests.invoices.submitting import LOST, Killed, clock, gateway, known, new, settle, submit

__all__ = ["clock", "gateway", "known", "new"]


def test_a_refused_invoice_keeps_its_customer_for_the_corrected_form(new, gateway, company):
    gateway.fail("create_invoice", Rejected("quickbooks", "refused", code="6210"))
    submit(new, gateway)
    assert new.submission == Submission.REJECTED
    corrected = make_pending_invoice(
        company, new.draft, currency="GBP", organization_id=31, customer_request_id="customer-2"
    )
    submit(corrected, gateway)
    assert corrected.submission == Submission.SUCCEEDED
    assert gateway.calls.count("create_customer") == 1
    assert [customer.name for customer in gateway.customers.values()] == ["Bramley Foods Ltd", "Moss & Co"]


def test_a_customer_whose_answer_was_lost_is_not_created_again(new, gateway, clock):
    gateway.honours_request_ids = False
    gateway.fail("create_customer", LOST, done=True)
    submit(new, gateway)
    assert new.submission == Submission.PENDING
    settle(new, gateway, clock)
    assert new.submission == Submission.SUCCEEDED
    assert [customer.name for customer in gateway.customers.values()] == ["Bramley Foods Ltd", "Moss & Co"]


@pytest.mark.parametrize("owner", ["vendor", "employee"])
def test_a_name_that_somebody_else_has_is_refused_at_the_name(new, gateway, owner):
    gateway.names_of_others["moss & co"] = owner
    submit(new, gateway)
    refusal = selectors.refusal_of(new)
    assert (refusal.code, refusal.field, refusal.taken_by, refusal.name) == (
        "6240",
        "customer.name",
        owner,
        "Moss & Co",
    )
    assert "create_invoice" not in gateway.calls


@pytest.mark.parametrize(("active", "taken_by"), [(True, "customer"), (False, "inactive customer")])
def test_a_customer_of_that_name_is_offered_and_never_taken_silently(new, gateway, active, taken_by):
    other = gateway.add_customer("Moss & Co", active=active)
    submit(new, gateway)
    refusal = selectors.refusal_of(new)
    assert (refusal.taken_by, refusal.customer_id, refusal.customer) == (taken_by, other.customer_id, "Moss & Co")


def test_two_deals_of_one_organization_make_one_customer(new, gateway, company, clock):
    """While the first one waits for QuickBooks' answer, the second one comes along."""
    second = make_pending_invoice(
        company, new.draft, currency="GBP", organization_id=31, customer_request_id="customer-2"
    )
    real = gateway.create_customer

    def meanwhile(*args, **kwargs):
        gateway.create_customer = real
        submission.submit(second.pk, lambda connection: gateway)
        return real(*args, **kwargs)

    gateway.create_customer = meanwhile
    submit(new, gateway)
    second.refresh_from_db()
    assert second.submission == Submission.PENDING
    settle(second, gateway, clock)
    assert gateway.calls.count("create_customer") == 1
    assert second.customer_id == new.customer_id
    assert len(gateway.invoices) == 2


def test_a_dead_workers_claim_on_a_customer_runs_out(new, gateway, clock, monkeypatch):
    from invoices.models import CreationClaim

    def die(*_args, **_kwargs):
        raise Killed

    gateway.create_customer, real = die, gateway.create_customer
    with monkeypatch.context() as dead:
        dead.setattr(CreationClaim.objects.all().__class__, "delete", lambda self: (0, {}))
        with pytest.raises(Killed):
            submit(new, gateway)
    gateway.create_customer = real
    assert CreationClaim.objects.count() == 1
    new.refresh_from_db()
    settle(new, gateway, clock)
    assert new.submission == Submission.SUCCEEDED
    assert CreationClaim.objects.count() == 0


def test_the_name_is_cleaned_on_its_way(company, gateway):
    draft = a_draft(bill_to=a_bill_to(name="Atlas:  Trade\tCounter"))
    row = make_pending_invoice(company, to_json(draft), currency="GBP", person_id=5, customer_request_id="c")
    submit(row, gateway)
    assert row.customer_name == "Atlas – Trade Counter"


def test_an_explicitly_new_customer_beside_a_linked_one_is_created(new, gateway, company):
    make_customer_link(company, party_id=31, customer_id="7", name="Bramley")
    submit(new, gateway)
    assert new.customer_name == "Moss & Co"
    assert CustomerLink.objects.get(party_id=31).customer_id == new.customer_id


def test_a_linked_customer_that_is_somebody_elses_by_now_does_not_stand_in_for_the_new_one(new, gateway, company):
    """Its link has the name of the day on which it was chosen."""
    renamed = gateway.add_customer("Moss Holdings")
    make_customer_link(company, party_id=31, customer_id=renamed.customer_id, name="Moss & Co")
    submit(new, gateway)
    assert (new.customer_name, new.customer_id == renamed.customer_id) == ("Moss & Co", False)
    assert CustomerLink.objects.get(party_id=31).customer_id == new.customer_id


def test_a_second_customer_in_another_currency_is_linked_beside_the_first(new, gateway, company):
    make_customer_link(company, party_id=31, customer_id="7", name="Moss & Co", currency="USD")
    submit(new, gateway)
    links = CustomerLink.objects.filter(party_id=31).order_by("currency")
    assert [(link.currency, link.customer_id) for link in links] == [("GBP", new.customer_id), ("USD", "7")]


def test_a_link_of_unknown_currency_gives_way_to_what_is_chosen_now(new, gateway, company):
    make_customer_link(company, party_id=31, customer_id="7", name="Bramley", currency="")
    submit(new, gateway)
    assert CustomerLink.objects.get(party_id=31).customer_id == new.customer_id


def test_another_companys_link_is_nobodys_business(new, gateway, other_company):
    CustomerLink.objects.create(
        company=other_company,
        party_kind="organization",
        party_id=31,
        realm_id=new.realm_id,
        customer_id="7",
        name="Moss & Co",
    )
    submit(new, gateway)
    assert gateway.calls[0] == "create_customer"
