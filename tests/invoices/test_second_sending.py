"""What may exist already is never taken for refused, and what surprises us makes us read the books anew."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings.errors import AccessDenied, NotFound
from integration_settings.models import ConnectionState, QuickBooksConnection
from invoices.domain.draft import to_json
from invoices.domain.status import Submission
from invoices.leases import LEASE
from invoices.models import Invoice
from tests.factories import D, a_bill_to, a_draft
from tests.invoices.submitting import DOWN, LOST, START, Killed, clock, gateway, known, settle, submit

__all__ = ["clock", "gateway", "known"]


def test_lost_rights_at_the_second_sending_do_not_say_that_nothing_exists(known, gateway, clock):
    """QuickBooks' list lags behind: the invoice is there, and whoever takes it for refused makes a second one."""
    gateway.blind = True
    gateway.honours_request_ids = False
    gateway.fail("create_invoice", LOST, done=True)
    gateway.fail("create_invoice", AccessDenied("quickbooks", "code 3100"))
    submit(known, gateway)
    while gateway.calls.count("create_invoice") < 2:
        clock.move_to(known.next_attempt_at)
        submit(known, gateway)
    assert (known.submission, known.sent_at) == (Submission.UNKNOWN, START)
    gateway.blind = False
    settle(known, gateway, clock, within=timedelta(hours=1))
    assert (known.submission, len(gateway.invoices)) == (Submission.SUCCEEDED, 1)


def test_a_worker_killed_while_it_sends_again_is_succeeded_by_one_that_looks_twice(known, gateway, clock):
    """The searches before the second sending say nothing about it."""
    gateway.honours_request_ids = False
    gateway.fail("create_invoice", LOST)
    for _ in range(2):
        submit(known, gateway)
        clock.move_to(known.next_attempt_at)
    gateway.fail("create_invoice", Killed(), done=True)
    with pytest.raises(Killed):
        submit(known, gateway)
    gateway.blind = True
    clock.shift(LEASE)
    submit(known, gateway)
    gateway.blind = False
    known.refresh_from_db()
    settle(known, gateway, clock)
    assert (known.submission, len(gateway.invoices)) == (Submission.SUCCEEDED, 1)


def test_what_was_deleted_before_anybody_knew_of_it_is_not_told_as_open(known, gateway, clock):
    """QuickBooks repeats its first answer, and told of the deletion when there was no row that could take it over."""
    gateway.fail("create_invoice", LOST, done=True)
    submit(known, gateway)
    (made,) = gateway.invoices
    gateway.delete(made)
    clock.shift(timedelta(hours=1))
    settle(known, gateway, clock)
    assert (known.submission, known.qbo_invoice_id, known.deleted_on) == (Submission.SUCCEEDED, made, START.date())
    assert (known.total, gateway.invoices) == (D(100), {})


def test_an_answer_to_a_second_sending_is_taken_as_it_is_while_nobody_can_look(known, gateway, clock):
    gateway.fail("create_invoice", LOST)
    gateway.fail("read_invoice", DOWN)
    submit(known, gateway)
    settle(known, gateway, clock)
    assert (known.submission, known.total, known.deleted_on) == (Submission.SUCCEEDED, D(100), None)


@pytest.mark.parametrize("note", ["Voided - ", "Annulée - "])
def test_what_was_voided_before_anybody_knew_of_it_is_told_as_voided_and_not_as_paid(known, gateway, clock, note):
    draft = a_draft(bill_to=a_bill_to(customer_id="7"), expected_total=D(100))
    Invoice.objects.filter(pk=known.pk).update(draft=to_json(draft))
    gateway.fail("create_invoice", LOST, done=True)
    submit(known, gateway)
    (made,) = gateway.invoices
    gateway.void(made)
    gateway.change(made, private_note=gateway.invoices[made].private_note.replace("Voided - ", note))
    settle(known, gateway, clock)
    assert (known.voided_on, known.total, known.balance) == (START.date(), D(100), D(0))


def test_an_invoice_that_a_bookkeeper_gave_to_another_customer_is_not_sent_again(known, gateway, clock):
    """Nor called refused because the customer that it was sent for has been merged with that one."""
    gateway.honours_request_ids = False
    gateway.fail("create_invoice", LOST, done=True)
    submit(known, gateway)
    (made,) = gateway.invoices
    gateway.add_customer("Bramley Group", customer_id="8")
    gateway.change(made, customer_id="8", customer_name="Bramley Group")
    settle(known, gateway, clock)
    assert (known.submission, known.customer_id, list(gateway.invoices)) == (Submission.SUCCEEDED, "8", [made])


def test_a_refusal_stands_although_quickbooks_does_not_say_what_is_missing(known, gateway):
    gateway.fail("create_invoice", NotFound("quickbooks", "610"))
    gateway.fail("inactive_reference", DOWN)
    submit(known, gateway)
    assert (known.submission, known.refusal["code"], known.refusal["field"]) == (Submission.REJECTED, "610", "")


def test_a_sign_in_on_the_last_day_gives_it_no_more_than_the_two_weeks(known, gateway, clock):
    QuickBooksConnection.objects.update(state=ConnectionState.ENDED)
    clock.shift(timedelta(days=13, hours=23))
    QuickBooksConnection.objects.update(state=ConnectionState.CONNECTED, connected_at=timezone.now())
    clock.shift(timedelta(hours=1, minutes=1))
    submit(known, gateway)
    assert (known.submission, known.refusal["code"], gateway.calls) == (Submission.REJECTED, "gave_up", [])


def test_what_was_sent_in_vain_is_not_sent_again_after_two_weeks(known, gateway, clock):
    """Nobody was signed in meanwhile: the customer has long been invoiced in another way."""
    gateway.fail("create_invoice", LOST)
    submit(known, gateway)
    clock.shift(timedelta(days=14, minutes=1))
    settle(known, gateway, clock)
    assert (known.submission, known.refusal["code"], known.sent_at) == (Submission.REJECTED, "gave_up", None)
    assert gateway.calls == ["create_invoice", "find_invoice", "find_invoice"]


def test_what_quickbooks_did_is_found_after_two_weeks_as_well(known, gateway, clock):
    gateway.fail("create_invoice", LOST, done=True)
    submit(known, gateway)
    clock.shift(timedelta(days=14, minutes=1))
    settle(known, gateway, clock)
    assert (known.submission, len(gateway.invoices)) == (Submission.SUCCEEDED, 1)


def test_while_no_answer_ever_comes_it_is_sent_ever_more_seldom(known, gateway, clock):
    """Each time costs two searches, and QuickBooks meters those."""
    gateway.fail("create_invoice", LOST, times=1000)
    submit(known, gateway)
    while timezone.now() < START + timedelta(hours=3):
        clock.move_to(known.next_attempt_at)
        submit(known, gateway)
    assert gateway.calls.count("create_invoice") < 60


def test_a_company_that_was_never_looked_at_is_followed_from_its_first_invoice_on(known, gateway, settings):
    soon = timedelta(seconds=settings.QUICKBOOKS_SYNC_SECONDS)
    QuickBooksConnection.objects.update(next_sync_at=None)
    submit(known, gateway)
    assert QuickBooksConnection.objects.get().next_sync_at == START + soon


def test_a_look_that_is_due_sooner_is_not_put_off(known, gateway):
    QuickBooksConnection.objects.update(next_sync_at=START)
    submit(known, gateway)
    assert QuickBooksConnection.objects.get().next_sync_at == START


@pytest.mark.parametrize(
    ("surprise", "read_at"),
    [
        ({"expected_total": D("100.05")}, "2026-11-24T08:00:00+00:00"),
        ({"expected_total": None}, "2026-11-24T08:00:00+00:00"),
        ({"expected_total": D("100.06")}, ""),
        ({"expected_total": D("99.94")}, ""),
    ],
    ids=["rounding", "tax not known", "less", "more"],
)
def test_another_total_than_the_forms_makes_the_next_form_read_the_books_anew(known, gateway, surprise, read_at):
    connection = QuickBooksConnection.objects.get()
    connection.profile = {**connection.profile, "read_at": "2026-11-24T08:00:00+00:00"}
    connection.save()
    draft = a_draft(bill_to=a_bill_to(customer_id="7"), **surprise)
    Invoice.objects.filter(pk=known.pk).update(draft=to_json(draft))
    submit(known, gateway)
    assert known.submission == Submission.SUCCEEDED
    assert QuickBooksConnection.objects.get().profile["read_at"] == read_at
