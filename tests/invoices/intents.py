"""Intents over the stand-in of QuickBooks: asked for, and taken on until their outcome is known."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.core.cache import cache
from django.db.models import F
from django.utils import timezone

from integration_settings import reference
from integration_settings.models import QuickBooksConnection
from invoices import services, submission
from invoices.invoice_bodies import mark_of
from invoices.models import CreationClaim, CustomerUpdate, Invoice, InvoiceAction
from tests.conftest import visitor_of
from tests.factories import a_bill_to, a_draft, a_line
from tests.invoices.test_deal_gateway import deal_called

CREATE = {"method": "POST", "path": "/invoice$"}


def draft_for(tenant, control):
    """What a form of the company of Great Britain may hold, for a new customer."""
    item = next(item for item in reference.items(tenant.company) if item.active)
    code = next(code for code in reference.tax_codes(tenant.company) if code.name == "20.0% S")
    line = a_line(item_id=item.id, tax_code_id=code.id)
    deal_id = deal_called(control, tenant.pair, "Bramley Foods – warehouse racking, phase 2")
    return a_draft(deal_id=deal_id, lines=(line,), bill_to=a_bill_to(name="Once Only Ltd"))


def ask(tenant, draft, key=None, **more):
    requested = services.request_invoice(
        visitor=visitor_of(tenant.user, "invoice"), draft=draft, intent_key=key or uuid.uuid4(), **more
    )
    return requested.invoice


def let_time_pass(row):
    """Everything an invoice or an action waits for is over: the lease, the pause, the time between two searches."""
    earlier = timedelta(minutes=2)
    QuickBooksConnection.objects.update(paused_until=None)
    type(row).objects.filter(pk=row.pk).update(
        next_attempt_at=timezone.now(),
        lease_until=F("lease_until") - earlier,
        absent_since=F("absent_since") - earlier,
    )


def let_all_time_pass():
    """Every lease and pause is over."""
    earlier, now = timedelta(minutes=3), timezone.now()
    QuickBooksConnection.objects.update(paused_until=None, sync_lease_until=None)
    CreationClaim.objects.update(until=F("until") - earlier)
    for kind in (Invoice, InvoiceAction, CustomerUpdate):
        kind.objects.update(lease_until=F("lease_until") - earlier, absent_since=F("absent_since") - earlier)
        kind.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=now)
    Invoice.objects.update(note_lease_until=F("note_lease_until") - earlier)
    Invoice.objects.filter(note_due_at__lt=now + timedelta(hours=1)).update(note_due_at=now)  # not that of tomorrow
    cache.clear()


def settle(row, carry_out=submission.submit):
    for _ in range(20):
        let_time_pass(row)
        carry_out(row.pk)
        row.refresh_from_db()
        if row.is_settled:
            return
    raise AssertionError(f"still {row.submission}")


def in_the_books(control, tenant, *intents):
    marks = [mark_of(intent.request_id) for intent in intents]
    rows = control.books(tenant.realm)["invoices"]
    return [row for row in rows if any(mark in row.get("PrivateNote", "") for mark in marks)]


def notes_of(control, tenant, invoice):
    told = control.company(tenant.pair.pipedrive_company_id)["notes"]
    written = told.values() if isinstance(told, dict) else told
    link = f"txnId%3D{invoice.qbo_invoice_id}&"
    return [row["id"] for row in written if link in row["content"].replace("&amp;", "&")]


def customers_called(control, tenant, name):
    return [row for row in control.books(tenant.realm)["customers"] if row["DisplayName"].startswith(name)]
