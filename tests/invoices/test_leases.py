"""A worker's hold on an intent: what may be claimed, cancelled or hurried, and how long it waits for its next try."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings.errors import AccessDenied, ConnectionExpired, RateLimited, Rejected, ServiceUnavailable
from integration_settings.selectors import quickbooks_of
from invoices.claims import claimed
from invoices.domain.draft import to_json
from invoices.domain.status import Submission
from invoices.leases import LONG_WAITS, WAITS, bring_forward, cancel, claim, release, renew, usable, wait_for
from invoices.models import CreationClaim, Invoice
from tests.factories import a_draft, make_pending_invoice
from tests.invoices.submitting import START, clock

__all__ = ["clock"]

SOON, LATER = timedelta(seconds=1), timedelta(minutes=5)


@pytest.fixture
def pending(company):
    """pending(**columns) -> an intent that is due now"""
    return lambda **columns: make_pending_invoice(company, to_json(a_draft()), currency="GBP", **columns)


def test_what_is_not_due_yet_is_nobodys_to_claim(pending, clock):
    row = pending(next_attempt_at=START + LATER)
    assert claim(Invoice, row.pk) is None
    clock.shift(LATER)
    assert claim(Invoice, row.pk)


def test_a_worker_whose_claim_on_an_item_was_taken_over_leaves_it_to_the_next_one(pending):
    row = claim(Invoice, pending().pk)
    with claimed(row, "product", 501):
        CreationClaim.objects.update(token="of the next one")
    assert CreationClaim.objects.exists()


def test_a_claim_takes_one_row_and_no_other(pending):
    row, other = pending(), pending()
    assert claim(Invoice, row.pk).pk == row.pk
    other.refresh_from_db()
    assert (other.lease_until, other.lease_token, other.attempts) == (None, "", 0)


def test_a_cancelled_intent_takes_no_other_one_with_it(pending):
    row, other = pending(), pending()
    assert cancel(row, "Priya Nair")
    row.refresh_from_db()
    assert row.submission == Submission.REJECTED
    assert (row.refusal["code"], row.refusal["by"], row.refusal["message"]) == ("cancelled", "Priya Nair", "")
    assert (row.settled_at, row.put_away_at, row.next_attempt_at) == (START, START, None)
    other.refresh_from_db()
    assert other.submission == Submission.PENDING


@pytest.mark.parametrize(
    "columns",
    [
        {"sent_at": START},
        {"submission": Submission.UNKNOWN},
        {"submission": Submission.SUCCEEDED},
        {"lease_until": START + SOON, "lease_token": "x"},
    ],
    ids=["sent", "unknown", "created", "in hand"],
)
def test_what_may_have_been_done_is_not_cancelled(pending, columns):
    assert not cancel(pending(**columns), "Priya Nair")


def test_a_dead_workers_row_is_cancelled_like_any_other(pending):
    assert cancel(pending(lease_until=START - SOON, lease_token="x"), "Priya Nair")


def test_what_waits_is_hurried_and_nothing_else(pending):
    waits, abandoned = (
        pending(next_attempt_at=START + LATER, **columns)
        for columns in ({}, {"lease_until": START - SOON, "lease_token": "x"})
    )
    in_hand = pending(next_attempt_at=START + LATER, lease_until=START + SOON, lease_token="y")
    done = pending(next_attempt_at=None)
    settled = pending(next_attempt_at=START + LATER, submission=Submission.SUCCEEDED)
    unasked = pending(next_attempt_at=START + LATER)
    asked = [row.pk for row in (waits, abandoned, in_hand, done, settled)]
    assert bring_forward(Invoice, asked) == [waits.pk, abandoned.pk]
    due = Invoice.objects.filter(next_attempt_at__lte=timezone.now()).order_by("pk")
    assert list(due) == [waits, abandoned]
    unasked.refresh_from_db()
    assert unasked.next_attempt_at == START + LATER


def test_a_lease_is_renewed_and_let_go_for_its_own_row_alone(pending):
    first, second = (claim(Invoice, pending().pk) for _ in range(2))
    renew(first, customer_id="7")
    release(first)
    second.refresh_from_db()
    assert second.customer_id == ""
    assert second.lease_until == START + timedelta(seconds=32)


def test_the_connection_is_the_companys_own_whoever_connected_first(other_company, pending):
    row = pending()
    found = usable(quickbooks_of(row.company), claim(Invoice, row.pk), row, give_up_at=timezone.now() + LATER)
    assert found.company == row.company


@pytest.mark.parametrize(
    ("error", "attempts", "waits", "seconds"),
    [
        (RateLimited("quickbooks", "slow down", retry_after=37, status=429), 1, WAITS, 37),
        (ConnectionExpired("quickbooks", "ended"), 6, WAITS, 10),
        (ConnectionExpired("quickbooks", "a fresh token refused", status=401), 99, WAITS, 600),
        (ServiceUnavailable("quickbooks", "away"), 1, WAITS, 2),
        (ServiceUnavailable("quickbooks", "away"), 2, WAITS, 5),
        (ServiceUnavailable("quickbooks", "away"), 99, WAITS, 60),
        (ServiceUnavailable("quickbooks", "away"), 99, LONG_WAITS, 300),
        (AccessDenied("quickbooks", "no rights"), 99, WAITS, 600),
        (Rejected("quickbooks", "unpaid"), 99, WAITS, 600),
    ],
)
def test_a_wait_is_what_the_error_asks_for_or_grows_with_the_tries(pending, error, attempts, waits, seconds):
    asked = wait_for(error, pending(attempts=attempts), waits).total_seconds()
    assert seconds * 0.9 <= asked <= seconds * 1.1
