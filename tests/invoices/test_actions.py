"""A void, a deletion or an e-mail is done once: lost answers, refusals, limits, and whoever comes in between."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from integration_settings.errors import (
    AccessDenied,
    ConnectionExpired,
    RateLimited,
    Rejected,
)
from integration_settings.models import Company, ConnectionState, QuickBooksConnection
from invoices import actions, due
from invoices.domain.actions import Action
from invoices.domain.status import InvoiceStatus, Submission
from invoices.models import Invoice, InvoiceAction
from invoices.reports import apply_report, zone
from tests.factories import make_invoice
from tests.invoices.acting import (
    CALLS,
    ENDS,
    an_open_one,
    carry_out,
    invoice,
    see_through,
    status,
    want,
    writes,
)
from tests.invoices.submitting import DOWN, LOST, START, clock, gateway

__all__ = ["clock", "gateway", "invoice"]

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", CALLS)
def test_it_is_done_with_one_look_and_one_write(invoice, user, gateway, kind):
    action = want(invoice, kind, user)
    carry_out(action, gateway)
    assert gateway.calls == ["read_invoice", CALLS[kind]]
    assert (action.submission, action.settled_at) == (Submission.SUCCEEDED, START)
    assert status(action) == ENDS[kind]
    assert action.invoice.note_due_at == START
    carry_out(action, gateway)
    assert len(gateway.calls) == 2


@pytest.mark.parametrize("kind", CALLS)
def test_one_wish_is_never_answered_with_what_another_came_to(company, invoice, user, gateway, kind):
    """QuickBooks repeats its answer to a request id, and these two are of the same version."""
    for each in (invoice, an_open_one(company, gateway)):
        action = want(each, kind, user)
        carry_out(action, gateway)
        assert (action.submission, status(action)) == (Submission.SUCCEEDED, ENDS[kind])
    assert len(gateway.outbox) == (2 if kind == Action.SEND else 0)


def test_a_free_invoice_is_voided_also_where_quickbooks_says_so_in_another_language(invoice, user, gateway, clock):
    free = gateway.change(invoice.qbo_invoice_id, total=Decimal(0), tax=Decimal(0), balance=Decimal(0))
    Invoice.objects.filter(pk=invoice.pk).update(total=0, tax=0, balance=0)
    gateway.void = lambda qbo_invoice_id: gateway.change(
        qbo_invoice_id, private_note=f"Annulé - {free.private_note}", line_amounts=(Decimal(0),)
    )
    action = want(invoice, Action.VOID, user)
    carry_out(action, gateway)
    assert status(action) == InvoiceStatus.VOIDED
    clock.shift(timedelta(minutes=1))
    apply_report(action.invoice, gateway.change(invoice.qbo_invoice_id, number="1099"), place=zone("UTC"))
    assert (action.invoice.number, status(action)) == ("1099", InvoiceStatus.VOIDED)


def test_an_email_goes_where_it_was_sent_to_and_the_row_knows(invoice, user, gateway, clock):
    clock.shift(timedelta(minutes=1))
    action = want(invoice, Action.SEND, user, to="a@bramley.example, b@bramley.example")
    carry_out(action, gateway)
    assert gateway.outbox == [(invoice.qbo_invoice_id, "a@bramley.example, b@bramley.example")]
    assert action.invoice.email == "a@bramley.example, b@bramley.example"
    assert action.invoice.emailed_at == timezone.now()


@pytest.mark.parametrize("done", [True, False], ids=["done", "not done"])
@pytest.mark.parametrize("kind", [Action.VOID, Action.DELETE])
def test_a_lost_answer_is_settled_by_looking(invoice, user, gateway, clock, kind, done):
    gateway.fail(CALLS[kind], LOST, done=done)
    action = want(invoice, kind, user)
    carry_out(action, gateway)
    assert action.submission == Submission.UNKNOWN
    see_through(action, gateway, clock)
    assert (action.submission, status(action)) == (Submission.SUCCEEDED, ENDS[kind])
    assert writes(gateway, kind) == (1 if done else 2)


def test_an_email_whose_answer_was_lost_is_seen_in_the_invoice(invoice, user, gateway, clock):
    clock.shift(timedelta(minutes=1))
    gateway.fail("send_invoice", LOST, done=True)
    action = want(invoice, Action.SEND, user)
    see_through(action, gateway, clock)
    assert action.submission == Submission.SUCCEEDED
    assert len(gateway.outbox) == 1


def test_an_email_whose_answer_was_lost_is_seen_also_where_quickbooks_does_not_tell_when(invoice, user, gateway, clock):
    def send(qbo_invoice_id, to, *, request_id):
        gateway.outbox.append((qbo_invoice_id, to))
        gateway.change(qbo_invoice_id, email=to, emailed=True)
        raise LOST

    clock.shift(timedelta(minutes=1))
    gateway.send_invoice = send
    action = want(invoice, Action.SEND, user)
    see_through(action, gateway, clock)
    assert action.submission == Submission.SUCCEEDED
    assert len(gateway.outbox) == 1

    clock.shift(timedelta(minutes=1))
    gateway.send_invoice = lambda qbo_invoice_id, to, *, request_id: (_ for _ in ()).throw(LOST)
    again = want(invoice, Action.SEND, user)
    see_through(again, gateway, clock)
    assert again.refusal["code"] == "not_sent"


@pytest.mark.parametrize("done", [True, False], ids=["done", "not done"])
@pytest.mark.parametrize("kind", CALLS)
def test_what_went_out_before_two_days_without_quickbooks_is_told_only_once_it_is_known(
    invoice, user, gateway, clock, kind, done
):
    clock.shift(timedelta(minutes=1))
    gateway.fail(CALLS[kind], LOST, done=done)
    action = want(invoice, kind, user)
    carry_out(action, gateway)
    gateway.fail("read_invoice", DOWN, times=3)
    for _ in range(3):
        clock.shift(timedelta(hours=16))
        carry_out(action, gateway)
        assert action.submission == Submission.UNKNOWN
    see_through(action, gateway, clock)
    refused = {} if done else {"code": "not_sent" if kind == Action.SEND else "gave_up"}
    assert action.submission == (Submission.SUCCEEDED if done else Submission.REJECTED)
    assert (action.refusal or {}).get("code") == refused.get("code")
    assert writes(gateway, kind) == 1


def test_what_went_out_before_other_books_were_connected_is_not_called_undone(invoice, user, gateway):
    gateway.fail("send_invoice", LOST, done=True)
    action = want(invoice, Action.SEND, user)
    carry_out(action, gateway)
    QuickBooksConnection.objects.update(realm_id="99")
    InvoiceAction.objects.update(next_attempt_at=timezone.now())
    carry_out(action, gateway)
    assert action.submission == Submission.UNKNOWN


def test_an_email_without_a_trace_is_never_sent_again_by_itself(invoice, user, gateway, clock):
    gateway.fail("send_invoice", LOST)
    action = want(invoice, Action.SEND, user)
    see_through(action, gateway, clock, within=timedelta(minutes=1))
    assert (action.submission, action.refusal["code"]) == (Submission.REJECTED, "not_sent")
    assert gateway.outbox == []
    assert writes(gateway, Action.SEND) == 1
    assert gateway.calls.count("read_invoice") >= 3


def test_two_looks_right_after_each_other_do_not_prove_that_an_email_never_went(invoice, user, gateway, clock):
    """QuickBooks may still be at it; a person who presses "Try again" brings the second look at once."""
    gateway.fail("send_invoice", LOST)
    action = want(invoice, Action.SEND, user)
    carry_out(action, gateway)
    for _ in range(3):
        InvoiceAction.objects.update(next_attempt_at=timezone.now())
        carry_out(action, gateway)
        assert action.submission == Submission.UNKNOWN
    clock.shift(timedelta(seconds=19))
    carry_out(action, gateway)
    assert action.submission == Submission.UNKNOWN
    see_through(action, gateway, clock)
    assert action.refusal["code"] == "not_sent"


def test_an_earlier_email_is_no_proof_of_this_one(invoice, user, gateway, clock):
    first = want(invoice, Action.SEND, user)
    carry_out(first, gateway)
    clock.shift(timedelta(minutes=5))
    gateway.fail("send_invoice", LOST)
    second = want(invoice, Action.SEND, user)
    see_through(second, gateway, clock)
    assert second.refusal["code"] == "not_sent"


@pytest.mark.parametrize("kind", CALLS)
def test_an_invoice_that_is_gone_is_deleted_for_us_too(invoice, user, gateway, kind):
    gateway.delete(invoice.qbo_invoice_id)
    action = want(invoice, kind, user)
    carry_out(action, gateway)
    assert status(action) == InvoiceStatus.DELETED
    assert action.submission == (Submission.SUCCEEDED if kind == Action.DELETE else Submission.REJECTED)
    assert gateway.calls == ["read_invoice"]


def test_voiding_what_a_bookkeeper_has_voided_asks_nothing_more(invoice, user, gateway):
    gateway.void(invoice.qbo_invoice_id)
    action = want(invoice, Action.VOID, user)
    carry_out(action, gateway)
    assert (action.submission, status(action)) == (Submission.SUCCEEDED, InvoiceStatus.VOIDED)
    assert gateway.calls == ["read_invoice"]


@pytest.mark.parametrize(
    "to, sent",
    [("Accounts@bramley.example", 0), ("accounts@bramley.example, boss@bramley.example", 1)],
    ids=["to the same", "to others"],
)
def test_what_was_emailed_while_the_email_waited_goes_to_nobody_twice(invoice, user, gateway, clock, to, sent):
    """By a bookkeeper, or by this very wish, when the database was restored from a backup since."""
    action = want(invoice, Action.SEND, user, to=to)
    gateway.fail("read_invoice", DOWN)
    carry_out(action, gateway)
    clock.shift(timedelta(hours=1))
    gateway.change(invoice.qbo_invoice_id, emailed=True, emailed_at=timezone.now(), email="accounts@bramley.example")
    see_through(action, gateway, clock)
    assert action.submission == Submission.SUCCEEDED
    assert len(gateway.outbox) == sent


def test_what_was_emailed_before_is_emailed_again_for_whoever_asks(invoice, user, gateway, clock):
    gateway.change(invoice.qbo_invoice_id, emailed=True, emailed_at=timezone.now(), email="accounts@bramley.example")
    clock.shift(timedelta(minutes=1))
    carry_out(want(invoice, Action.SEND, user), gateway)
    assert len(gateway.outbox) == 1


def test_what_was_voided_while_the_email_waited_is_sent_to_nobody(invoice, user, gateway, clock):
    gateway.fail("read_invoice", DOWN)
    action = want(invoice, Action.SEND, user)
    carry_out(action, gateway)
    gateway.void(invoice.qbo_invoice_id)
    see_through(action, gateway, clock)
    assert (action.refusal["code"], gateway.outbox) == ("voided_meanwhile", [])
    assert status(action) == InvoiceStatus.VOIDED


def test_what_was_paid_without_the_person_seeing_it_is_voided_only_when_it_is_meant(invoice, user, gateway):
    gateway.pay(invoice.qbo_invoice_id, "40.00")
    action = want(invoice, Action.VOID, user)
    carry_out(action, gateway)
    assert (action.refusal["code"], gateway.calls) == ("paid_meanwhile", ["read_invoice"])
    assert status(action) == InvoiceStatus.PARTIALLY_PAID
    # Less is to be paid, and nothing more is paid.
    gateway.change(invoice.qbo_invoice_id, total=Decimal(90), balance=Decimal(50))
    again = want(action.invoice, Action.VOID, user)
    carry_out(again, gateway)
    assert status(again) == InvoiceStatus.VOIDED


def found_by_the_sweep(action, gateway):
    """The company's other look at QuickBooks takes over what changed, before the action's own comes to it."""
    row = Invoice.objects.get(pk=action.invoice_id)
    apply_report(row, gateway.read_invoice(row.qbo_invoice_id), place=zone("UTC"))


def test_a_payment_that_the_sweep_finds_while_a_void_waits_was_not_seen_either(invoice, user, gateway, clock):
    gateway.fail("read_invoice", DOWN)
    action = want(invoice, Action.VOID, user)
    carry_out(action, gateway)
    gateway.pay(invoice.qbo_invoice_id, "120.00")
    found_by_the_sweep(action, gateway)
    see_through(action, gateway, clock)
    assert (action.refusal["code"], writes(gateway, Action.VOID)) == ("paid_meanwhile", 0)
    assert status(action) == InvoiceStatus.PAID


def test_a_void_that_was_lost_on_its_way_is_not_sent_again_over_a_payment(invoice, user, gateway, clock):
    gateway.fail("void_invoice", LOST, done=False)
    action = want(invoice, Action.VOID, user)
    carry_out(action, gateway)
    gateway.pay(invoice.qbo_invoice_id, "120.00")
    see_through(action, gateway, clock)
    assert (action.refusal["code"], writes(gateway, Action.VOID)) == ("paid_meanwhile", 1)


@pytest.mark.parametrize("kind", [Action.VOID, Action.DELETE])
def test_a_change_between_look_and_write_is_looked_at_again(invoice, user, gateway, clock, kind):
    """The request id goes with the version: QuickBooks would repeat the refusal of the old one."""

    def edited_meanwhile(qbo_invoice_id, sync_token, *, request_id):
        sent.append(request_id)
        if len(sent) == 1:
            gateway.change(qbo_invoice_id, due_date=START.date())
        return original(qbo_invoice_id, sync_token, request_id=request_id)

    sent, original = [], getattr(gateway, CALLS[kind])
    setattr(gateway, CALLS[kind], edited_meanwhile)
    action = want(invoice, kind, user)
    see_through(action, gateway, clock)
    assert (action.submission, status(action)) == (Submission.SUCCEEDED, ENDS[kind])
    assert len(sent) == len(set(sent)) == 2


def test_somebody_who_changes_it_all_the_time_ends_in_a_reason(invoice, user, gateway, clock):
    gateway.fail("void_invoice", Rejected("quickbooks", "refused", code="5010", detail="Stale"), times=20)
    action = want(invoice, Action.VOID, user)
    see_through(action, gateway, clock)
    assert action.refusal["code"] == "5010"


def test_a_refusal_keeps_quickbooks_words(invoice, user, gateway):
    gateway.pay(invoice.qbo_invoice_id, "40.00")
    action = want(invoice, Action.DELETE, user)
    carry_out(action, gateway)
    assert action.submission == Submission.REJECTED
    assert "linked" in action.refusal["detail"]
    assert action.invoice.balance == Decimal(60)  # the look before the write has brought the payment in


@pytest.mark.parametrize(
    "error",
    [DOWN, RateLimited("quickbooks", "429", retry_after=60), ConnectionExpired("quickbooks", "401")],
    ids=["down", "limit", "token"],
)
@pytest.mark.parametrize("kind", CALLS)
def test_what_certainly_did_nothing_is_tried_again(invoice, user, gateway, clock, kind, error):
    gateway.fail(CALLS[kind], error)
    action = want(invoice, kind, user)
    carry_out(action, gateway)
    assert (action.submission, action.sent_at) == (Submission.PENDING, None)
    see_through(action, gateway, clock)
    assert (action.submission, status(action)) == (Submission.SUCCEEDED, ENDS[kind])


@pytest.mark.parametrize("call", ["read_invoice", "void_invoice"])
def test_lacking_rights_are_said(invoice, user, gateway, call):
    gateway.fail(call, AccessDenied("quickbooks", "403", trace_id="1-abc"))
    action = want(invoice, Action.VOID, user)
    carry_out(action, gateway)
    assert (action.refusal["code"], action.refusal["trace_id"]) == ("access_denied", "1-abc")


@pytest.mark.parametrize("kind", CALLS)
def test_rights_that_ended_after_it_went_out_do_not_call_it_undone(invoice, user, gateway, clock, kind):
    gateway.fail(CALLS[kind], LOST, done=True)
    action = want(invoice, kind, user)
    carry_out(action, gateway)
    gateway.fail("read_invoice", AccessDenied("quickbooks", "403"), times=3)
    see_through(action, gateway, clock, within=timedelta(hours=2))
    assert (action.submission, status(action)) == (Submission.SUCCEEDED, ENDS[kind])
    assert writes(gateway, kind) == 1


def test_after_a_day_without_quickbooks_it_is_given_up(invoice, user, gateway, clock):
    gateway.fail("read_invoice", DOWN, times=10_000)
    action = want(invoice, Action.VOID, user)
    carry_out(action, gateway)
    for moment, outcome in ((timedelta(hours=23, minutes=59), False), (timedelta(days=1, seconds=1), True)):
        clock.move_to(START + moment)
        carry_out(action, gateway)
        assert action.is_settled == outcome
    assert action.refusal["code"] == "gave_up"


def test_without_a_connection_it_waits_and_with_other_books_it_ends(invoice, user, gateway):
    QuickBooksConnection.objects.update(state=ConnectionState.ENDED)
    action = want(invoice, Action.VOID, user)
    carry_out(action, gateway)
    assert (action.submission, gateway.calls) == (Submission.PENDING, [])
    QuickBooksConnection.objects.update(state=ConnectionState.CONNECTED, realm_id="999")
    InvoiceAction.objects.update(next_attempt_at=timezone.now())
    carry_out(action, gateway)
    assert (action.refusal["code"], gateway.calls) == ("other_books", [])


# Once


def test_the_same_key_and_a_second_wish_meanwhile_add_nothing(invoice, user):
    key = uuid.uuid4()
    first = actions.ask(invoice, Action.SEND, user=user, intent_key=key, to="a@b.example")
    for again in (
        actions.ask(invoice, Action.SEND, user=user, intent_key=key, to="a@b.example"),
        actions.ask(invoice, Action.VOID, user=user, intent_key=uuid.uuid4()),
    ):
        assert again == first
    assert InvoiceAction.objects.count() == 1


def test_what_another_company_wants_with_the_same_key_is_not_taken_for_the_action_under_way(
    invoice, user, other_company
):
    key = uuid.uuid4()
    theirs = want(make_invoice(other_company), Action.SEND, other_company.users.get(), key)
    ours = want(invoice, Action.SEND, user, key)
    assert ours != theirs
    assert want(invoice, Action.SEND, user, key) == ours
    assert want(invoice, Action.VOID, user) == ours


@pytest.mark.django_db(transaction=True)
def test_a_wish_of_a_company_that_leaves_meanwhile_ends_in_a_reason(company, user):
    invoice = make_invoice(company)
    Company.objects.filter(pk=company.pk).delete()
    with pytest.raises(ConnectionExpired):
        want(invoice, Action.VOID, user)


def test_a_form_that_is_sent_again_later_sends_no_second_email(invoice, user, gateway):
    key = uuid.uuid4()
    carry_out(want(invoice, Action.SEND, user, key), gateway)
    again = want(invoice, Action.SEND, user, key)
    carry_out(again, gateway)
    assert len(gateway.outbox) == InvoiceAction.objects.count() == 1


def test_a_lease_keeps_others_away_until_it_ends(invoice, user, gateway, clock):
    """A worker that was killed in the middle is succeeded, and what it had done is found."""

    class Killed(BaseException):
        pass

    def die(*_, **__):
        gateway.void(invoice.qbo_invoice_id)
        raise Killed

    gateway.void_invoice = die
    action = want(invoice, Action.VOID, user)
    with pytest.raises(Killed):
        carry_out(action, gateway)
    carry_out(action, gateway)
    assert gateway.calls == ["read_invoice"]  # the lease holds
    assert due.actions(timezone.now()) == []
    clock.shift(timedelta(seconds=33))
    assert due.actions(timezone.now()) == [action.pk]
    carry_out(action, gateway)
    assert (action.submission, status(action)) == (Submission.SUCCEEDED, InvoiceStatus.VOIDED)


def test_a_worker_whose_lease_was_taken_records_nothing(invoice, user, gateway):
    def be_late(*arguments, **words):
        InvoiceAction.objects.update(lease_token="somebody-else")
        return original(*arguments, **words)

    original, gateway.void_invoice = gateway.void_invoice, be_late
    action = want(invoice, Action.VOID, user)
    carry_out(action, gateway)
    assert (action.submission, action.settled_at) == (Submission.PENDING, None)


def test_the_dispatcher_leaves_those_of_an_ended_connection_alone_until_a_day_is_over(invoice, user, clock):
    action = want(invoice, Action.VOID, user)
    assert due.actions(timezone.now()) == [action.pk]
    QuickBooksConnection.objects.update(state=ConnectionState.ENDED)
    assert due.actions(timezone.now()) == []
    clock.shift(timedelta(days=1, seconds=1))
    assert due.actions(timezone.now()) == [action.pk]
