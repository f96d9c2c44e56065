"""A customer's update is written once, beside the invoice: lost answers, other people's edits, and whoever is away."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from integration_settings.errors import AccessDenied, RateLimited, Rejected
from integration_settings.models import ConnectionState, ReferenceList
from invoices import customer_updates, due, services, submission
from invoices.customer_updates import Wish
from invoices.domain.customer_update import AddressParts, CustomerField, PartyDetails
from invoices.domain.deal import Address
from invoices.domain.status import Submission
from invoices.models import CustomerUpdate, Invoice
from tests.conftest import visitor_of
from tests.factories import a_bill_to, a_draft, make_invoice
from tests.fakes.invoice_gateway import FakeInvoiceGateway
from tests.invoices.submitting import DOWN, LOST, START, clock, until_settled

__all__ = ["clock"]

pytestmark = pytest.mark.django_db
DETAILS = PartyDetails(
    "accounts@bramley.example", Address(line1="Unit 3", city="Leeds", postal_code="LS11 5PS"), "GB 111 222 333"
)
EMAIL, ADDRESS, TAX_ID = CustomerField.EMAIL, CustomerField.ADDRESS, CustomerField.TAX_ID


@pytest.fixture
def gateway():
    made = FakeInvoiceGateway()
    made.add_customer("Bramley Foods Ltd", customer_id="7", email="office@bramley.example", notes="Pays late")
    address = AddressParts("14 Canal Road", "Leeds", "", "LS11 5PS", "GBR")
    made.edit_customer("7", address=address, tax_id="GB428173846", sync_token="0")
    return made


def wish_for(connection, gateway, *fields, details=DETAILS):
    """What a person ticks after having looked."""
    compared = customer_updates.compare(connection, "7", details, lambda connection: gateway)
    gateway.calls.clear()
    changes = tuple(found.change for found in compared.differences if found.field in fields)
    assert len(changes) == len(fields)
    return Wish("7", compared.record.name, changes)


@pytest.fixture
def want(company, quickbooks, gateway):
    """want(EMAIL, ADDRESS): the stored intent, beside an invoice that QuickBooks has."""

    def make(*fields, **options):
        invoice = make_invoice(company)
        customer_updates.store(invoice, wish_for(quickbooks, gateway, *fields, **options))
        return invoice.customer_update

    return make


def carry_out(update, gateway):
    customer_updates.carry_out(update.pk, lambda connection: gateway)
    update.refresh_from_db()


see_through = partial(until_settled, carry_out)


def test_looking_is_one_read(quickbooks, gateway):
    compared = customer_updates.compare(quickbooks, "7", DETAILS, lambda connection: gateway)
    assert [found.field for found in compared.differences] == [ADDRESS, EMAIL, TAX_ID]
    assert gateway.calls == ["read_customer"]


def test_it_is_done_with_one_look_and_one_write_of_what_was_ticked(want, gateway):
    update, before = want(EMAIL), gateway.records["7"]
    carry_out(update, gateway)
    assert gateway.calls == ["read_customer", "update_customer"]
    assert (update.submission, update.settled_at) == (Submission.SUCCEEDED, START)
    assert gateway.records["7"] == replace(before, email="accounts@bramley.example", sync_token="1")
    carry_out(update, gateway)
    assert len(gateway.calls) == 2


@pytest.mark.parametrize("done", [True, False], ids=["done", "not done"])
@pytest.mark.parametrize("ticked", [(EMAIL,), (EMAIL, ADDRESS, TAX_ID)], ids=["one", "all"])
def test_a_lost_answer_is_settled_by_looking(want, gateway, clock, done, ticked):
    gateway.fail("update_customer", LOST, done=done)
    update = want(*ticked)
    carry_out(update, gateway)
    assert update.submission == Submission.UNKNOWN
    see_through(update, gateway, clock)
    assert update.submission == Submission.SUCCEEDED
    assert gateway.calls.count("update_customer") == (1 if done else 2)
    assert gateway.records["7"].sync_token == "1"


def test_what_the_books_have_meanwhile_needs_no_write(want, gateway):
    update = want(EMAIL)
    gateway.edit_customer("7", email="Accounts@Bramley.example")
    carry_out(update, gateway)
    assert update.submission == Submission.SUCCEEDED
    assert gateway.calls == ["read_customer"]


@pytest.mark.parametrize(
    "ticked, edit",
    [
        ((EMAIL,), {"email": "somebody@bramley.example"}),
        ((EMAIL, ADDRESS), {"address": AddressParts("1 Elsewhere", "York")}),
        ((TAX_ID,), {"tax_id": "GB999999999"}),
    ],
)
def test_what_was_edited_elsewhere_is_left_alone_and_told(want, gateway, ticked, edit):
    update = want(*ticked)
    gateway.edit_customer("7", **edit)
    before = gateway.records["7"]
    carry_out(update, gateway)
    assert (update.submission, update.refusal["code"]) == (Submission.REJECTED, "edited_elsewhere")
    assert update.refusal["field"] == ticked[-1]
    assert gateway.calls == ["read_customer"]
    assert gateway.records["7"] == before


def test_an_edit_of_something_else_does_not_matter(want, gateway):
    update = want(EMAIL)
    gateway.edit_customer("7", notes="Pays early", address=AddressParts("1 Elsewhere", "York"))
    carry_out(update, gateway)
    assert update.submission == Submission.SUCCEEDED
    record = gateway.records["7"]
    assert (record.email, record.notes, record.address.city) == ("accounts@bramley.example", "Pays early", "York")


def test_an_edit_between_look_and_write_is_looked_at_again(want, gateway, clock):
    """The request id goes with the version: QuickBooks would repeat the refusal of the old one."""

    def edited_meanwhile(record, changes, *, request_id):
        sent.append(request_id)
        if len(sent) == 1:
            gateway.edit_customer("7", notes="Pays early")
        return original(record, changes, request_id=request_id)

    sent, original = [], gateway.update_customer
    gateway.update_customer = edited_meanwhile
    update = want(EMAIL)
    see_through(update, gateway, clock)
    assert update.submission == Submission.SUCCEEDED
    assert len(sent) == len(set(sent)) == 2
    assert gateway.records["7"].notes == "Pays early"


def test_somebody_who_edits_it_all_the_time_ends_in_a_reason(want, gateway, clock):
    gateway.fail("update_customer", Rejected("quickbooks", "refused", code="5010", detail="Stale"), times=20)
    update = want(EMAIL)
    see_through(update, gateway, clock)
    assert update.refusal["code"] == "5010"


def test_a_refusal_keeps_quickbooks_words(want, gateway):
    refusal = Rejected("quickbooks", "refused", code="2050", message="Too long", detail="Line1", trace_id="t-1")
    gateway.fail("update_customer", refusal)
    update = want(ADDRESS)
    carry_out(update, gateway)
    kept = update.refusal
    assert (kept["code"], kept["message"], kept["detail"], kept["trace_id"]) == ("2050", "Too long", "Line1", "t-1")


@pytest.mark.parametrize("call", ["read_customer", "update_customer"])
@pytest.mark.parametrize("error", [DOWN, RateLimited("quickbooks", "429", retry_after=7)], ids=["down", "limited"])
def test_quickbooks_in_trouble_is_waited_for(want, gateway, clock, call, error):
    update = want(EMAIL)
    gateway.fail(call, error, times=2)
    carry_out(update, gateway)
    assert (update.submission, update.sent_at) == (Submission.PENDING, None)
    see_through(update, gateway, clock)
    assert update.submission == Submission.SUCCEEDED


@pytest.mark.parametrize("call", ["read_customer", "update_customer"])
def test_without_the_right_it_ends_in_a_reason(want, gateway, call):
    update = want(EMAIL)
    gateway.fail(call, AccessDenied("quickbooks", "403"))
    carry_out(update, gateway)
    assert update.refusal["code"] == "access_denied"


def test_an_update_that_may_have_been_done_is_not_called_undone_for_want_of_rights(want, gateway, clock):
    update = want(EMAIL)
    gateway.fail("update_customer", LOST, done=True)
    carry_out(update, gateway)
    gateway.fail("read_customer", AccessDenied("quickbooks", "403"))
    see_through(update, gateway, clock)
    assert update.submission == Submission.SUCCEEDED


def test_an_inactive_customer_is_not_updated(want, gateway):
    update = want(EMAIL)
    gateway.customers["7"] = replace(gateway.customers["7"], active=False)
    carry_out(update, gateway)
    assert update.refusal["code"] == "610"
    assert gateway.calls == ["read_customer"]


def test_a_number_for_which_there_is_no_field_is_added_to_the_notes_once(want, quickbooks, gateway, clock):
    quickbooks.country = "DE"
    quickbooks.save()
    gateway.fail("update_customer", LOST, done=True)
    update = want(CustomerField.NOTES, details=PartyDetails(tax_id="DE 123 456 789"))
    gateway.edit_customer("7", notes="Pays early")
    see_through(update, gateway, clock)
    assert update.submission == Submission.SUCCEEDED
    assert gateway.records["7"].notes == "Pays early\nVAT number: DE 123 456 789"
    assert gateway.records["7"].tax_id == "GB428173846"


def test_a_number_that_ends_alike_is_written_when_it_was_asked_for(want, gateway, clock):
    gateway.fail("update_customer", LOST, done=True)
    update = want(TAX_ID, details=PartyDetails(tax_id="GB 428 173 846"))
    see_through(update, gateway, clock)
    assert update.submission == Submission.SUCCEEDED
    assert gateway.records["7"].tax_id == "GB 428 173 846"


# Whose it is, and when


def test_other_books_are_never_written(want, quickbooks, gateway):
    update = want(EMAIL)
    quickbooks.realm_id = "9999"
    quickbooks.save()
    carry_out(update, gateway)
    assert update.refusal["code"] == "other_books"
    assert gateway.calls == []


def test_an_ended_connection_is_waited_for_and_given_up_after_a_day(want, quickbooks, gateway, clock):
    update = want(EMAIL)
    assert due.customer_updates(timezone.now()) == [update.pk]
    quickbooks.state = ConnectionState.ENDED
    quickbooks.save()
    assert due.customer_updates(timezone.now()) == []
    carry_out(update, gateway)
    assert update.submission == Submission.PENDING
    clock.shift(timedelta(days=1, minutes=1))
    assert due.customer_updates(timezone.now()) == [update.pk]
    carry_out(update, gateway)
    assert update.refusal["code"] == "gave_up"
    assert due.customer_updates(timezone.now()) == []


def test_a_worker_that_lost_its_lease_writes_nothing(want, gateway):
    update = want(EMAIL)

    def taken_over(customer_id):
        CustomerUpdate.objects.update(lease_token="somebody-else")
        return original(customer_id)

    original, gateway.read_customer = gateway.read_customer, taken_over
    carry_out(update, gateway)
    assert gateway.calls == ["read_customer"]
    assert not update.is_settled


# Beside the invoice


def request(user, wish, key=None, customer_id="7"):
    draft = a_draft(bill_to=a_bill_to(customer_id=customer_id))
    lists = {"company": user.company, "kind": "tax_codes", "defaults": {"fetched_at": timezone.now()}}
    ReferenceList.objects.get_or_create(**lists)
    return services.request_invoice(
        visitor=visitor_of(user, "invoice"), draft=draft, intent_key=key or uuid.uuid4(), wish=wish
    )


def test_it_is_stored_with_the_invoice_and_once(user, quickbooks, gateway, seen):
    seen(user, 12)
    wish, key = wish_for(quickbooks, gateway, EMAIL), uuid.uuid4()
    requested = request(user, wish, key)
    again = request(user, wish, key)
    update = CustomerUpdate.objects.get()
    assert (update.invoice, update.company) == (requested.invoice, user.company)
    assert again.invoice == requested.invoice
    assert customer_updates.from_json(update.changes) == wish.changes


def test_a_wish_for_another_customer_than_the_invoices_is_not_stored(user, quickbooks, gateway, seen):
    seen(user, 12)
    request(user, wish_for(quickbooks, gateway, EMAIL), customer_id="8")
    assert Invoice.objects.count() == 1
    assert not CustomerUpdate.objects.exists()


def test_a_failed_update_neither_blocks_nor_repeats_the_invoice(user, quickbooks, gateway, seen):
    seen(user, 12)
    invoice = request(user, wish_for(quickbooks, gateway, EMAIL)).invoice
    gateway.edit_customer("7", email="somebody@bramley.example")
    update = invoice.customer_update
    carry_out(update, gateway)
    assert update.submission == Submission.REJECTED
    submission.submit(invoice.pk, lambda connection: gateway)
    submission.submit(invoice.pk, lambda connection: gateway)
    invoice.refresh_from_db()
    assert invoice.submission == Submission.SUCCEEDED
    assert len(gateway.invoices) == 1
    assert gateway.calls.count("create_invoice") == 1


def test_while_no_answer_ever_comes_it_is_tried_ever_more_seldom(want, gateway, clock):
    update = want(EMAIL)
    gateway.fail("update_customer", LOST, times=10_000)
    carry_out(update, gateway)
    while timezone.now() < START + timedelta(hours=1):
        clock.move_to(update.next_attempt_at)
        carry_out(update, gateway)
    assert gateway.calls.count("update_customer") < 80
