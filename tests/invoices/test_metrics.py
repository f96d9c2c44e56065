"""What was asked for and is not settled is counted, with how long the oldest has been waiting."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings.metrics import as_text
from invoices.domain.status import Submission
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
