"""Invoices with so many lines that a thousand of them are more than an answer may hold."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings import http
from integration_settings.models import QuickBooksConnection
from invoices import following
from invoices.models import Invoice
from invoices.sweep import Sweep
from tests.factories import make_invoice

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid(harbour, control, monkeypatch):
    """Invoices of ours that were paid; what changed with them is several times what an answer may hold."""
    made = control.call("POST", "/quickbooks/bulk", {"realm": harbour.realm, "invoices": 60, "changed": 60})
    first, last = map(int, made["ids"])
    for number in range(first, last + 1):
        make_invoice(harbour.company, qbo_invoice_id=str(number), qbo_updated_at=timezone.now() - timedelta(days=2))
    due = timezone.now() - timedelta(hours=1)
    QuickBooksConnection.objects.filter(pk=harbour.quickbooks.pk).update(changes_cursor=due, next_sync_at=due)
    harbour.quickbooks.refresh_from_db()
    monkeypatch.setattr(http, "LARGEST_BODY", 30_000)
    return Invoice.objects.filter(qbo_invoice_id__in=map(str, range(first, last + 1)))


def test_they_are_read_in_parts(harbour, paid, control):
    control.forget_requests()
    assert following.catch_up(harbour.quickbooks) == 60
    assert not paid.filter(balance=120).exists(), "each has a payment"
    assert not paid.exclude(deleted_on=None).exists()
    assert len(control.requests("quickbooks", path="/cdc")) == 1, "the same again would bring the same"
    harbour.quickbooks.refresh_from_db()
    assert harbour.quickbooks.last_sync_problem == ""


def test_the_sweep_hands_them_over(harbour, paid):
    handed = []
    Sweep(handed.append).run(0)
    assert handed == [harbour.quickbooks.pk]
