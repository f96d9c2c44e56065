"""One worker at a time takes an intent further: whoever comes second, is killed, or was stopped for too long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings import http
from integration_settings.models import Company
from invoices import due, submission
from invoices.claims import CLAIM
from invoices.domain.draft import to_json
from invoices.domain.status import Submission
from invoices.leases import LEASE, claim
from invoices.models import CustomerLink, Invoice
from tests.factories import a_bill_to, a_draft
from tests.invoices.submitting import START, Killed, clock, gateway, known, new, submit

__all__ = ["clock", "gateway", "known", "new"]


def test_two_workers_at_once_make_one_call(known, gateway):
    first, second = claim(Invoice, known.pk), claim(Invoice, known.pk)
    assert first is not None
    assert second is None


def test_a_lease_outlasts_any_call_and_ends_soon_enough_for_the_answer_within_a_minute():
    assert LEASE.total_seconds() > http.TOTAL_SECONDS
    assert CLAIM.total_seconds() > http.TOTAL_SECONDS
    at_worst = LEASE + submission.SEARCH_GAP
    assert at_worst < timedelta(seconds=55)


def test_a_worker_killed_before_sending_leaves_nothing_behind(known, gateway, clock):
    claim(Invoice, known.pk)
    clock.shift(LEASE + timedelta(seconds=1))
    assert due.submissions(timezone.now()) == [known.pk]
    submit(known, gateway)
    assert gateway.calls == ["create_invoice"]


@pytest.mark.parametrize("call", ["create_customer", "create_invoice"])
def test_an_uninstall_while_quickbooks_works_leaves_nothing_behind(new, gateway, monkeypatch, call):
    real = getattr(gateway, call)

    def uninstalled_meanwhile(*args, **kwargs):
        answer = real(*args, **kwargs)
        Company.objects.all().delete()
        return answer

    monkeypatch.setattr(gateway, call, uninstalled_meanwhile)
    submission.submit(new.pk, lambda connection: gateway)
    assert gateway.calls[-1] == call
    assert not CustomerLink.objects.exists()
    assert not Invoice.objects.exists()


def test_a_worker_killed_after_the_answer_is_succeeded_by_one_that_looks_first(known, gateway, clock, monkeypatch):
    def die(*_args, **_kwargs):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(submission, "_record", die)
        with pytest.raises(Killed):
            submit(known, gateway)
    known.refresh_from_db()
    assert (known.submission, known.sent_at) == (Submission.PENDING, START)
    assert due.submissions(timezone.now()) == []
    clock.shift(LEASE + timedelta(seconds=1))
    submit(known, gateway)
    assert gateway.calls == ["create_invoice", "find_invoice"]
    assert (known.submission, len(gateway.invoices)) == (Submission.SUCCEEDED, 1)


def test_a_worker_that_was_stopped_too_long_finds_the_door_closed(known, gateway, clock):
    """It wakes up after its lease with QuickBooks' answer in hand, when another one has settled the row."""
    real = gateway.create_invoice

    def stopped(draft, customer_id, *, request_id):
        answer = real(draft, customer_id, request_id=request_id)
        clock.shift(LEASE + timedelta(seconds=1))
        gateway.create_invoice = real
        submission.submit(known.pk, lambda connection: gateway)
        return answer

    gateway.create_invoice = stopped
    submit(known, gateway)
    assert known.submission == Submission.SUCCEEDED
    assert len(gateway.invoices) == 1
    assert gateway.calls == ["create_invoice", "find_invoice"]


def test_a_result_is_recorded_only_under_the_lease_that_it_was_found_with(known, gateway, clock):
    """Another worker has the row in hand when this one wakes up: it must not let go of the other's lease."""
    real, others = gateway.create_invoice, []

    def stopped(draft, customer_id, *, request_id):
        answer = real(draft, customer_id, request_id=request_id)
        clock.shift(LEASE + timedelta(seconds=1))
        others.append(claim(Invoice, known.pk))
        return answer

    gateway.create_invoice = stopped
    submit(known, gateway)
    assert known.lease_token == others[0].lease_token
    assert not known.is_settled
    gateway.create_invoice = real
    clock.shift(LEASE + timedelta(seconds=1))
    submit(known, gateway)
    assert (known.submission, len(gateway.invoices)) == (Submission.SUCCEEDED, 1)


def test_a_worker_without_its_lease_sends_nothing(known, gateway, clock):
    """Stopped between the customer and the invoice: the second worker has done the work already."""
    Invoice.objects.filter(pk=known.pk).update(
        draft=to_json(a_draft(bill_to=a_bill_to(name="Moss & Co"))), organization_id=31, customer_request_id="c"
    )
    real = gateway.create_customer

    def stopped(*args, **kwargs):
        answer = real(*args, **kwargs)
        gateway.create_customer = real
        clock.shift(LEASE + timedelta(seconds=1))
        submission.submit(known.pk, lambda connection: gateway)
        return answer

    gateway.create_customer = stopped
    submit(known, gateway)
    assert gateway.calls.count("create_invoice") == 1
    assert len(gateway.customers) == 2
