"""What was asked for and is not settled is counted, with how long the oldest has been waiting."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings import deal_rules
from integration_settings.deal_rules import WON, Choice, Outcome
from integration_settings.metrics import as_text
from integration_settings.models import ConnectionState, DealRules
from invoices.domain.status import Submission
from invoices.models import ReadyDeal
from tests.factories import make_invoice, make_pending_invoice

pytestmark = pytest.mark.django_db


def figure(name):
    return next(float(line.rpartition(" ")[2]) for line in as_text().splitlines() if line.startswith(f"{name} "))


def test_what_waits_is_counted_and_what_is_settled_is_not(company):
    make_invoice(company)
    make_invoice(company, submission=Submission.REJECTED)
    assert figure('invoicing_waiting{kind="invoice"}') == 0
    assert figure("invoicing_waiting_seconds") == 0
    now = timezone.now()
    make_pending_invoice(company, created_at=now - timedelta(minutes=3))
    make_pending_invoice(company, submission=Submission.UNKNOWN, created_at=now - timedelta(minutes=1))
    assert figure('invoicing_waiting{kind="invoice"}') == 2
    assert figure('invoicing_waiting{kind="action"}') == 0
    assert 180 <= figure("invoicing_waiting_seconds") < 240


def test_what_waits_for_somebody_to_sign_in_hides_nothing_and_rings_no_alarm(company, other_company):
    """It may do so for two weeks, beside a worker that is well."""
    now = timezone.now()
    hours_ago = {"created_at": now - timedelta(hours=5), "next_attempt_at": now - timedelta(hours=4)}
    make_pending_invoice(other_company, **hours_ago)
    make_pending_invoice(company, realm_id="9130359999999999", submission=Submission.UNKNOWN, created_at=now)
    other_company.quickbooks.row().update(state=ConnectionState.ENDED)
    assert figure('invoicing_waiting{kind="invoice"}') == 2
    assert figure("invoicing_waiting_seconds") == 0
    assert figure("invoicing_overdue_seconds") < 1
    make_pending_invoice(company, created_at=now - timedelta(minutes=2))
    assert 120 <= figure("invoicing_waiting_seconds") < 180


def test_it_is_told_for_how_long_no_worker_has_taken_up_what_is_due(company):
    now = timezone.now()
    created = {"created_at": now - timedelta(hours=1)}
    make_pending_invoice(company, next_attempt_at=now + timedelta(minutes=4), **created)  # QuickBooks makes it wait
    make_pending_invoice(company, next_attempt_at=now - timedelta(minutes=9), lease_until=now + timedelta(1), **created)
    assert figure("invoicing_overdue_seconds") == 0
    killed = now - timedelta(minutes=1)
    make_pending_invoice(company, next_attempt_at=now - timedelta(minutes=9), lease_until=killed, **created)
    assert 60 <= figure("invoicing_overdue_seconds") < 120
    make_pending_invoice(company, next_attempt_at=now - timedelta(minutes=3), **created)
    assert 180 <= figure("invoicing_overdue_seconds") < 240


def test_it_is_told_for_how_long_no_worker_has_looked_at_deals_that_rules_are_for(company, user, other_company):
    assert figure("invoicing_deal_looks_lateness_seconds") == 0
    deal_rules.store(company, {1: Choice(WON, Outcome.CREATE)}, user)
    DealRules.objects.update(next_look_at=timezone.now() + timedelta(minutes=4))
    assert figure("invoicing_deal_looks_lateness_seconds") == 0
    DealRules.objects.update(next_look_at=timezone.now() - timedelta(minutes=10))
    assert 600 <= figure("invoicing_deal_looks_lateness_seconds") < 660


def test_deals_that_wait_for_a_person_are_counted(company):
    of_deal = {
        "company": company,
        "title": "Racking",
        "value": 1,
        "currency": "GBP",
        "when": "won",
        "outcome": "create",
    }
    ReadyDeal.objects.create(deal_id=1, why="checks", **of_deal)
    ReadyDeal.objects.create(deal_id=2, **of_deal)
    ReadyDeal.objects.create(deal_id=3, why="checks", put_away_at=timezone.now(), **of_deal)
    assert figure("invoicing_ready_deals") == 1


def test_companies_whose_changes_no_notice_tells_any_more_are_counted(company, other_company):
    """All of them at once: the verifier token is another one at Intuit, or notices do not reach us."""
    now = timezone.now()
    other_company.quickbooks.row().update(last_notice_at=now, notice_missed_at=now - timedelta(days=1))
    company.quickbooks.row().update(last_notice_at=now - timedelta(days=1))
    assert figure("invoicing_notices_missed") == 0
    company.quickbooks.row().update(notice_missed_at=now)
    assert figure("invoicing_notices_missed") == 1
