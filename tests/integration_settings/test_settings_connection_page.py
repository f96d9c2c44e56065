"""The connection's card in the settings: its states, asking QuickBooks now, disconnecting."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from integration_settings import read_budget
from integration_settings.models import CompanySettings
from tests.factories import make_invoice, make_pending_invoice
from tests.integration_settings.settings_pages import CONTENT, text_of

pytestmark = pytest.mark.django_db


def test_disconnecting_keeps_the_settings_and_tells_intuit(client, tenant, headers, control):
    tenant.company.settings.due_days = 33
    tenant.company.settings.save()
    control.forget_requests()
    answer = client.post("/embed/settings/disconnect", headers=headers)
    shown = text_of(answer)
    assert "QuickBooks was disconnected here" in shown
    assert "Connect QuickBooks" in shown
    tenant.quickbooks.refresh_from_db()
    assert not tenant.quickbooks.is_connected
    assert CompanySettings.objects.get(company=tenant.company).due_days == 33
    assert len(control.requests("quickbooks", path="revoke")) == 1


def test_disconnecting_asks_first_in_the_agreed_words(client, tenant, headers):
    shown = text_of(client.get(CONTENT, headers=headers))
    assert 'data-confirm-title="Disconnect QuickBooks?"' in shown
    assert "For everyone in your Pipedrive: no new invoices and no new statuses." in shown


def test_an_ended_connection_says_since_when_and_what_waits(client, tenant, headers):
    make_invoice(tenant.company)
    make_pending_invoice(tenant.company)
    make_pending_invoice(tenant.company, submission="unknown", sent_at=timezone.now())  # it may be there already
    make_pending_invoice(tenant.company, realm_id="of the former company")  # that sign-in does not let it run
    tenant.quickbooks.state, tenant.quickbooks.ended_why = "ended", "invalid_grant"
    tenant.quickbooks.ended_at = timezone.now()
    tenant.quickbooks.save()
    shown = text_of(client.get(CONTENT, headers=headers))
    assert "Sign-in needed" in shown
    assert "QuickBooks ended the connection" in shown
    assert "Sign in to QuickBooks" in shown
    assert "1 invoice waits and runs after the sign-in." in shown


def test_before_the_first_connection_an_administrator_is_led_to_it(client, connect, page_token):
    tenant = connect("GB", quickbooks=False)
    shown = text_of(client.get(CONTENT, headers=page_token(tenant.user, "settings")))
    assert "Not connected" in shown
    assert "Connect QuickBooks" in shown  # the words of the panel, which Intuit's review looks for
    assert "Tax ID" in shown


def test_a_sign_in_that_ends_soon_is_announced(client, tenant, headers):
    tenant.quickbooks.hard_expires_at = timezone.now() + timedelta(days=10, hours=1)
    tenant.quickbooks.save()
    assert "10 days left" in text_of(client.get(CONTENT, headers=headers))


def test_check_now_asks_quickbooks_and_shows_the_new_time(client, tenant, headers, control):
    control.forget_requests()
    answer = client.post("/embed/settings/check", headers=headers)
    assert answer.status_code == 200
    assert len(control.requests("quickbooks", path="preferences")) == 1
    assert "Last answer" in text_of(answer)


def test_check_now_says_when_quickbooks_does_not_answer(client, tenant, headers, control, no_waiting):
    control.fault("status", path="companyinfo", status=503)
    shown = text_of(client.post("/embed/settings/check", headers=headers))
    assert "QuickBooks does not answer right now." in shown
    assert "Connected" in shown


def test_check_now_waits_for_the_next_month_once_its_reads_are_used_up(client, tenant, headers, control, settings):
    """Whoever presses it again and again would use up those that are left to the other companies."""
    settings.QUICKBOOKS_MONTHLY_READ_BUDGET = 1
    read_budget.count(tenant.quickbooks.pk)
    cache.clear()
    control.forget_requests()
    shown = text_of(client.post("/embed/settings/check", headers=headers))
    assert control.requests("quickbooks") == []
    assert "QuickBooks takes no more requests from your company for a while." in shown


def test_a_check_that_finds_the_grant_dead_shows_the_ended_connection(client, tenant, headers, control):
    version = client.get(CONTENT, headers=headers).context["card"].version
    control.expire_tokens("quickbooks", tenant.realm, kind="all")
    answer = client.post("/embed/settings/check", {"version": version}, headers=headers)
    assert "QuickBooks ended the connection" in text_of(answer)
    assert answer.headers["HX-Trigger"] == "settings-changed"


def test_a_check_that_finds_a_new_own_field_of_the_books_brings_it_onto_the_page(client, tenant, headers, control):
    version = client.get(CONTENT, headers=headers).context["card"].version
    seeded = control.books(tenant.realm)["preferences"]["SalesFormsPrefs"]["CustomField"]
    more = [{"Name": "SalesFormsPrefs.UseSalesCustom2", "Type": "BooleanType", "BooleanValue": True}]
    more += [{"Name": "SalesFormsPrefs.SalesCustomName2", "Type": "StringType", "StringValue": 'Bob’s "code"'}]
    fields = [*seeded, {"CustomField": more}]
    control.book(tenant.realm, "set_preferences", set={"SalesFormsPrefs": {"CustomField": fields}})
    answer = client.post("/embed/settings/check", {"version": version}, headers=headers)
    assert answer.headers["HX-Trigger"] == "settings-changed"
    page = client.get(CONTENT, headers=headers)
    assert page.context["form"]["own_field_2"].label == 'Bob’s "code"'
    again = client.post("/embed/settings/check", {"version": page.context["card"].version}, headers=headers)
    assert "HX-Trigger" not in again.headers


def test_the_connection_card_comes_alone_when_only_it_is_asked_for(client, tenant, headers):
    answer = client.get(CONTENT, {"part": "connection"}, headers=headers)
    assert "<table" not in answer.content.decode()
    assert "HX-Trigger" not in answer.headers
