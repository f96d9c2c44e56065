"""An intent becomes exactly one invoice: lost answers, refusals, limits, books that come and go."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings.errors import (
    AccessDenied,
    ConnectionExpired,
    RateLimited,
    Rejected,
)
from integration_settings.models import ConnectionState, QuickBooksConnection
from invoices import due, selectors, submission
from invoices.domain.draft import to_json
from invoices.domain.status import Submission
from invoices.models import CustomerLink, Invoice
from tests.factories import D, a_bill_to, a_draft, a_line, make_pending_invoice
from tests.invoices.submitting import BROKEN, DOWN, LOST, START, clock, gateway, known, new, settle, submit

__all__ = ["clock", "gateway", "known", "new"]


def test_a_known_customer_costs_one_write_and_no_read(known, gateway):
    submit(known, gateway)
    assert gateway.calls == ["create_invoice"]
    assert known.submission == Submission.SUCCEEDED
    issued = gateway.invoices[known.qbo_invoice_id]
    assert (known.number, known.total, known.balance) == (issued.number, D("100.00000"), D("100.00000"))
    assert (known.customer_name, known.due_date) == ("Bramley Foods Ltd", issued.due_date)
    assert known.next_attempt_at is None
    assert known.note_due_at == known.settled_at == known.checked_at == START
    assert (known.lease_until, known.lease_token) == (None, "")


@pytest.mark.parametrize(
    ("expected", "said"), [("100.01", ", its total is -0.01"), ("100.00", ""), (None, "")], ids=["off", "equal", "none"]
)
def test_the_log_says_by_how_much_the_total_is_off_the_forms(known, gateway, caplog, expected, said):
    """The window that compares them is closed when somebody asks why; the invoice may have been edited since."""
    caplog.set_level("INFO", "invoices")
    known.draft["expected_total"] = expected
    known.save()
    submit(known, gateway)
    (line,) = [record.getMessage() for record in caplog.records if " is number " in record.getMessage()]
    assert said in line
    assert ("off the form" in line) == bool(said)


def test_a_new_customer_costs_two_writes_and_is_remembered(new, gateway):
    submit(new, gateway)
    assert gateway.calls == ["create_customer", "create_invoice"]
    link = CustomerLink.objects.get(company=new.company, party_kind="organization", party_id=31)
    assert (link.name, link.customer_id, link.linked_by) == ("Moss & Co", new.customer_id, new.created_by_name)


def test_a_settled_intent_is_left_alone(known, gateway):
    submit(known, gateway)
    submit(known, gateway)
    assert gateway.calls == ["create_invoice"]


def test_what_a_newer_version_was_asked_for_waits_for_it(known, gateway, clock):
    confirmed = known.draft
    Invoice.objects.update(draft=confirmed | {"surcharge_id": "7"})
    submit(known, gateway)
    assert gateway.calls == []
    assert (known.submission, known.lease_until) == (Submission.PENDING, None)
    assert START < known.next_attempt_at < START + timedelta(seconds=5)
    Invoice.objects.update(draft=confirmed | {"surcharge_id": ""})  # nothing was chosen there
    settle(known, gateway, clock)
    assert gateway.calls == ["create_invoice"]


def test_what_a_newer_version_has_sent_is_looked_for_and_not_sent_again(known, gateway, clock):
    draft = known.draft | {"surcharge_id": "7"}
    Invoice.objects.update(draft=draft, customer_id="7", sent_at=START, submission=Submission.UNKNOWN)
    for _ in range(4):
        submit(known, gateway)
        clock.shift(timedelta(minutes=3))
    assert set(gateway.calls) == {"find_invoice"}
    assert known.submission == Submission.UNKNOWN
    gateway.create_invoice(a_draft(), "7", request_id=known.request_id)
    submit(known, gateway)
    assert known.submission == Submission.SUCCEEDED


def test_following_begins_soon_after_the_answer(known, gateway, settings):
    QuickBooksConnection.objects.update(next_sync_at=START + timedelta(days=1))
    submit(known, gateway)
    assert QuickBooksConnection.objects.get().next_sync_at == START + timedelta(
        seconds=settings.QUICKBOOKS_SYNC_SECONDS
    )


# Lost answers


@pytest.mark.parametrize("honours", [True, False], ids=["request ids honoured", "request ids ignored"])
@pytest.mark.parametrize("error", [LOST, BROKEN], ids=["lost", "500"])
def test_an_answer_lost_after_the_work_ends_with_one_invoice(known, gateway, clock, error, honours):
    gateway.honours_request_ids = honours
    gateway.fail("create_invoice", error, done=True)
    submit(known, gateway)
    assert known.submission == Submission.UNKNOWN
    took = settle(known, gateway, clock)
    assert known.submission == Submission.SUCCEEDED
    assert len(gateway.invoices) == 1
    assert gateway.calls == ["create_invoice", "find_invoice"]
    assert took < timedelta(seconds=60)


def test_an_answer_lost_before_the_work_is_sent_again_after_two_searches(known, gateway, clock):
    gateway.fail("create_invoice", LOST)
    submit(known, gateway)
    times = []
    while not known.is_settled:
        clock.move_to(known.next_attempt_at)
        submit(known, gateway)
        times.append((gateway.calls[-1], timezone.now() - START))
    assert gateway.calls == ["create_invoice", "find_invoice", "find_invoice", "create_invoice", "read_invoice"]
    assert len(gateway.invoices) == 1
    assert times[1][1] - times[0][1] >= timedelta(seconds=20)


def test_it_keeps_the_request_id_after_a_timeout(known, gateway, clock):
    gateway.blind = True
    gateway.fail("create_invoice", LOST, done=True)
    settle(known, gateway, clock)
    assert len(gateway.invoices) == 1  # sent twice, and QuickBooks repeated its first answer
    assert list(gateway.answers) == [known.request_id]


def test_a_third_answer_lost_means_two_more_searches(known, gateway, clock):
    gateway.fail("create_invoice", LOST, times=3)
    settle(known, gateway, clock)
    assert len(gateway.invoices) == 1
    assert gateway.calls.count("find_invoice") == 6
    assert gateway.calls.count("create_invoice") == 4


def test_nothing_is_sent_while_the_search_itself_fails(known, gateway, clock):
    gateway.fail("create_invoice", LOST, done=True)
    gateway.fail("find_invoice", DOWN, times=6)
    settle(known, gateway, clock)
    assert len(gateway.invoices) == 1
    assert gateway.calls.count("create_invoice") == 1


def test_a_failed_search_does_not_count_as_one_that_found_nothing(known, gateway, clock):
    gateway.fail("create_invoice", LOST)
    submit(known, gateway)
    clock.move_to(known.next_attempt_at)
    submit(known, gateway)
    gateway.fail("find_invoice", DOWN)
    clock.move_to(known.next_attempt_at)
    submit(known, gateway)
    assert "create_invoice" not in gateway.calls[1:]
    assert known.submission == Submission.UNKNOWN


def test_an_early_second_search_waits_for_its_time(known, gateway, clock):
    gateway.fail("create_invoice", LOST)
    submit(known, gateway)
    clock.move_to(known.next_attempt_at)
    submit(known, gateway)
    Invoice.objects.filter(pk=known.pk).update(next_attempt_at=timezone.now() + timedelta(seconds=5))
    clock.shift(timedelta(seconds=5))
    submit(known, gateway)
    assert gateway.calls.count("create_invoice") == 1
    assert known.next_attempt_at == known.absent_since + submission.SEARCH_GAP


def test_a_refusal_of_the_second_sending_is_believed_only_after_another_search(known, gateway, clock):
    """Where numbers are given by hand, the number that is refused may be our own invoice's."""
    gateway.blind = True
    gateway.honours_request_ids = False
    gateway.fail("create_invoice", LOST, done=True)
    submit(known, gateway)
    for _ in range(2):
        clock.move_to(known.next_attempt_at)
        if known.absent_since:
            gateway.fail("create_invoice", Rejected("quickbooks", "refused", code="6140"))
            gateway.find_invoice = _sighted_after(gateway, 1)
        submit(known, gateway)
    assert known.submission == Submission.SUCCEEDED
    assert len(gateway.invoices) == 1


def _sighted_after(gateway, searches):
    real, seen = gateway.find_invoice, []

    def find(*args, **kwargs):
        seen.append(1)
        gateway.blind = len(seen) <= searches
        return real(*args, **kwargs)

    return find


# Nothing was done, certainly


@pytest.mark.parametrize(
    ("error", "wait"),
    [(RateLimited("quickbooks", "429", retry_after=45), 45), (DOWN, 2)],
    ids=["rate limit", "not sent"],
)
def test_what_certainly_was_not_done_is_simply_sent_again(known, gateway, clock, error, wait):
    gateway.fail("create_invoice", error)
    submit(known, gateway)
    assert (known.submission, known.sent_at) == (Submission.PENDING, None)
    assert abs((known.next_attempt_at - START).total_seconds() - wait) <= wait * 0.1
    settle(known, gateway, clock)
    assert gateway.calls == ["create_invoice", "create_invoice"]
    assert list(gateway.answers) == [known.request_id]


def test_a_rate_limit_on_the_second_sending_forgets_nothing(known, gateway, clock):
    gateway.fail("create_invoice", LOST)
    gateway.fail("create_invoice", RateLimited("quickbooks", "429", retry_after=60))
    submit(known, gateway)
    for _ in range(2):
        clock.move_to(known.next_attempt_at)
        submit(known, gateway)
    assert known.sent_at == START
    settle(known, gateway, clock)
    assert len(gateway.invoices) == 1


def test_waits_grow_and_stay_below_five_minutes(known, gateway, clock):
    gateway.fail("create_invoice", DOWN, times=12)
    waits = []
    for _ in range(12):
        submit(known, gateway)
        waits.append((known.next_attempt_at - timezone.now()).total_seconds())
        clock.move_to(known.next_attempt_at)
    assert waits[0] < 3
    assert waits[-1] > 250
    assert max(waits) <= 330
    submit(known, gateway)
    assert known.submission == Submission.SUCCEEDED


def test_an_ended_connection_makes_the_intent_wait_until_somebody_signs_in(known, gateway, clock):
    QuickBooksConnection.objects.update(state=ConnectionState.ENDED)
    assert due.submissions(timezone.now()) == []
    submit(known, gateway)
    assert (known.submission, gateway.calls) == (Submission.PENDING, [])
    QuickBooksConnection.objects.update(state=ConnectionState.CONNECTED)
    settle(known, gateway, clock)
    assert len(gateway.invoices) == 1


def test_a_connection_that_ends_while_sending_leaves_the_intent_pending(known, gateway, clock):
    gateway.fail("create_invoice", ConnectionExpired("quickbooks", "revoked"))
    submit(known, gateway)
    assert (known.submission, known.sent_at) == (Submission.PENDING, None)
    settle(known, gateway, clock)
    assert len(gateway.invoices) == 1


def test_after_two_days_an_intent_that_never_left_is_given_up(known, gateway, clock):
    clock.shift(timedelta(days=2, minutes=1))
    submit(known, gateway)
    assert (known.submission, known.refusal["code"]) == (Submission.REJECTED, "gave_up")
    assert gateway.calls == []


def sign_in_again():
    QuickBooksConnection.objects.update(state=ConnectionState.CONNECTED, connected_at=timezone.now())


def test_the_days_in_which_nobody_was_signed_in_do_not_count(known, gateway, clock):
    QuickBooksConnection.objects.update(state=ConnectionState.ENDED)
    clock.shift(timedelta(days=3))
    submit(known, gateway)
    assert known.submission == Submission.PENDING
    sign_in_again()
    gateway.fail("find_invoice", DOWN)
    gateway.fail("create_invoice", DOWN)
    settle(known, gateway, clock)
    assert known.submission == Submission.SUCCEEDED
    assert len(gateway.invoices) == 1


def test_two_days_after_a_sign_in_it_is_given_up_all_the_same(known, gateway, clock):
    clock.shift(timedelta(days=3))
    sign_in_again()
    clock.shift(timedelta(days=2, minutes=1))
    submit(known, gateway)
    assert (known.submission, known.refusal["code"], gateway.calls) == (Submission.REJECTED, "gave_up", [])


def test_after_two_weeks_it_is_given_up_though_nobody_is_signed_in(known, gateway, clock):
    QuickBooksConnection.objects.update(state=ConnectionState.ENDED)
    Invoice.objects.update(next_attempt_at=timezone.now())
    clock.shift(timedelta(days=14, minutes=-1))
    assert due.submissions(timezone.now()) == []
    clock.shift(timedelta(minutes=2))
    assert due.submissions(timezone.now()) == [known.pk]
    submit(known, gateway)
    assert (known.submission, known.refusal["code"]) == (Submission.REJECTED, "gave_up")


@pytest.mark.parametrize("age", [timedelta(minutes=16), timedelta(days=3)])
def test_an_intent_from_a_backup_is_looked_for_before_it_is_sent(known, gateway, clock, age):
    before = {name: getattr(known, name) for name in ("submission", "sent_at", "settled_at", "next_attempt_at")}
    submit(known, gateway)
    Invoice.objects.update(**before, qbo_invoice_id="", number="")
    gateway.honours_request_ids = False
    clock.shift(age)
    sign_in_again()
    known.refresh_from_db()
    settle(known, gateway, clock)
    assert known.submission == Submission.SUCCEEDED
    assert list(gateway.invoices) == [known.qbo_invoice_id]


def test_an_intent_that_may_have_been_done_is_never_given_up(known, gateway, clock):
    gateway.fail("create_invoice", LOST, done=True)
    submit(known, gateway)
    clock.shift(timedelta(days=3))
    submit(known, gateway)
    assert known.submission == Submission.SUCCEEDED


# Refusals


@pytest.mark.parametrize(
    "refusal",
    [AccessDenied("quickbooks", "code 3100"), Rejected("quickbooks", "refused", code="6190")],
    ids=["rights", "unpaid"],
)
def test_whoever_may_not_look_asks_seldom_and_never_runs_out_of_tries(known, gateway, clock, refusal):
    """It may last for months, until a person does something about it; then it goes on within ten minutes."""
    gateway.fail("create_invoice", LOST, done=True)
    submit(known, gateway)
    gateway.fail("find_invoice", refusal, times=3)
    for attempts in (20, 29_999, 30_000):
        Invoice.objects.update(attempts=attempts, next_attempt_at=timezone.now())
        submit(known, gateway)
        assert known.attempts <= 30_000
        assert timedelta(minutes=8) < known.next_attempt_at - timezone.now() <= timedelta(minutes=11)
    clock.move_to(known.next_attempt_at)
    submit(known, gateway)
    assert known.submission == Submission.SUCCEEDED


def test_a_refusal_is_kept_with_its_field_and_words(known, gateway):
    gateway.fail(
        "create_invoice",
        Rejected("quickbooks", "refused", code="6210", message="Closed", detail="Period closed", trace_id="1-2"),
    )
    submit(known, gateway)
    assert known.submission == Submission.REJECTED
    assert known.refusal == {
        "code": "6210",
        "field": "invoice_date",
        "message": "Closed",
        "detail": "Period closed",
        "trace_id": "1-2",
    }
    assert (known.next_attempt_at, known.sent_at) == (None, None)
    assert selectors.refusal_of(known).field == "invoice_date"


@pytest.mark.parametrize(
    ("what", "code", "field"),
    [("customer", "610", "customer"), ("merged customer", "2500", "customer"), ("item", "610", "lines.0.item")],
)
def test_something_inactive_or_gone_is_named(known, gateway, what, code, field):
    if what == "item":
        gateway.inactive_items.add("1")
    elif what == "customer":
        gateway.customers["7"] = gateway.add_customer("Bramley Foods Ltd", customer_id="7", active=False)
    else:
        del gateway.customers["7"]
    submit(known, gateway)
    assert (known.refusal["code"], known.refusal["field"]) == (code, field)


def test_lost_rights_are_a_refusal_with_nothing_done(known, gateway):
    gateway.fail("create_invoice", AccessDenied("quickbooks", "403", trace_id="1-9"))
    submit(known, gateway)
    assert (known.refusal["code"], known.refusal["trace_id"]) == ("access_denied", "1-9")


def test_other_books_never_get_an_intent_of_the_first_ones(known, gateway):
    QuickBooksConnection.objects.update(realm_id="99")
    assert due.submissions(timezone.now()) == [known.pk]
    submit(known, gateway)
    assert (known.refusal["code"], gateway.calls) == ("other_books", [])


def test_an_unknown_fate_waits_for_the_books_it_lies_in(known, gateway, clock):
    gateway.fail("create_invoice", LOST, done=True)
    submit(known, gateway)
    QuickBooksConnection.objects.update(realm_id="99")
    clock.move_to(known.next_attempt_at)
    submit(known, gateway)
    assert (known.submission, gateway.calls) == (Submission.UNKNOWN, ["create_invoice"])
    QuickBooksConnection.objects.update(realm_id=known.realm_id)
    clock.shift(timedelta(minutes=5))  # nobody who has come back to them waits for an hour
    submit(known, gateway)
    assert known.submission == Submission.SUCCEEDED


def test_120_lines_are_no_trouble(company, gateway):
    lines = tuple(a_line(description=f"Position {number}") for number in range(120))
    draft = a_draft(bill_to=a_bill_to(customer_id="7"), lines=lines)
    row = make_pending_invoice(company, to_json(draft), currency="GBP")
    submit(row, gateway)
    assert row.total == D("12000.00")
