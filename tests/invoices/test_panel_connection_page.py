"""The panel before QuickBooks is connected, when that ends soon, and after it has ended."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings.models import PipedriveUser
from invoices.domain.draft import to_json
from tests.factories import (
    a_draft,
    make_invoice,
    make_pending_invoice,
    make_user,
)
from tests.invoices.conftest import RACKING
from tests.invoices.fragments import Page
from tests.invoices.panels import (
    CONTENT,
    DEAL,
    QUERY,
    REFRESH,
    end_connection,
    look,
    row_of,
)

__all__ = ["look"]
pytestmark = pytest.mark.django_db


def test_an_administrator_is_offered_the_connection(look, quickbooks):
    quickbooks.delete()
    page = look()
    assert "Connect QuickBooks to start" in page.text
    assert page.by_id("panel-connect").attributes["href"].startswith("/quickbooks/connect?ticket=")


def test_others_learn_whom_to_ask(browse, seen, company, quickbooks):
    quickbooks.delete()
    tom = make_user(company, name="Tom Hale", is_admin=False)
    seen(tom, DEAL)
    page = Page(browse(tom, "panel").get(CONTENT, QUERY))
    assert "QuickBooks is not connected" in page.text
    assert "In your company that is Priya Nair." in page.text
    assert not page.has_id("panel-connect")
    assert page.by_id("panel-copy").attributes["data-copy"]


@pytest.mark.parametrize(
    ("days", "is_admin", "told"), [(31, True, False), (29, True, True), (29, False, False), (6, False, True)]
)
def test_a_sign_in_that_ends_soon_is_told_to_administrators_first(look, user, quickbooks, days, is_admin, told):
    PipedriveUser.objects.filter(pk=user.pk).update(is_admin=is_admin)
    quickbooks.hard_expires_at = timezone.now() + timedelta(days=days, hours=1)
    quickbooks.save()
    page = look()
    assert ("Sign in to QuickBooks again by" in page.text) == told
    links = [
        element for element in page.elements if "/quickbooks/connect?ticket=" in element.attributes.get("href", "")
    ]
    assert [link.text for link in links] == (["Sign in now"] if told and is_admin else [])


def test_who_may_not_sign_in_again_is_told_who_may(look, user, quickbooks, company):
    make_user(company, name="Priya Nair", is_admin=True)
    PipedriveUser.objects.filter(pk=user.pk).update(is_admin=False)
    end_connection(quickbooks)
    banner = look().by_class("banner")[0]
    assert "Signing in is for Pipedrive administrators: Priya Nair." in banner.text
    assert "Reconnect" not in banner.text


def test_who_finds_out_by_a_refresh_that_it_ended_is_told_at_once_who_may_sign_in(
    browse, harbour, control, deal_id, colleague
):
    browser = browse(colleague(harbour), "panel")
    query = {"resource": "deal", "id": deal_id(harbour, RACKING)}
    browser.get(CONTENT, query)
    control.expire_tokens("quickbooks", harbour.realm)
    page = Page(browser.post(f"{REFRESH}?resource=deal&id={query['id']}"))
    assert f"Signing in is for Pipedrive administrators: {harbour.user.name}." in page.by_class("banner")[0].text


def test_when_the_connection_ended_the_list_stays_and_says_its_age(look, company, quickbooks):
    make_invoice(company, deal_id=DEAL, number="1053", checked_at=None)
    make_pending_invoice(company, to_json(a_draft(deal_id=DEAL)), deal_id=DEAL)
    end_connection(quickbooks)
    page = look()
    banner = page.by_class("banner")[0].text
    assert "QuickBooks ended the connection" in banner
    assert "Statuses below are from yesterday," in banner
    assert "1 invoice waits; it is created once somebody signs in again." in banner
    assert "Reconnect" in banner
    assert row_of(page, "1053")
    assert page.by_class("panel__checked--old")[0].text.startswith("Last checked yesterday,")


def test_a_disconnect_of_our_own_is_called_so(look, quickbooks):
    quickbooks.ended_why = "disconnected"
    end_connection(quickbooks)
    assert "QuickBooks is disconnected" in look().by_class("banner")[0].text


@pytest.mark.parametrize(
    ("why", "told", "sign_in"),
    [
        ("AccessDenied", "QuickBooks refused to answer", ["Reconnect"]),
        ("SubscriptionEnded", "subscription has ended", []),
    ],
)
def test_while_quickbooks_lets_nobody_in_the_panel_says_why_its_statuses_are_old(
    look, company, quickbooks, why, told, sign_in
):
    quickbooks.last_synced_at, quickbooks.last_sync_problem = timezone.now() - timedelta(days=1), why
    quickbooks.save()
    make_invoice(company, deal_id=DEAL, checked_at=quickbooks.last_synced_at)
    (banner,) = look().by_class("banner")
    assert told in banner.text
    assert "Statuses below are from yesterday" in banner.text
    assert [link.text for link in look().elements if "ticket=" in link.attributes.get("href", "")] == sign_in


def test_a_panel_names_the_time_zone_of_its_check_to_whoever_works_in_another_one(look, user, company, quickbooks):
    quickbooks.last_synced_at = timezone.now()
    quickbooks.save()
    make_invoice(company, deal_id=DEAL, checked_at=quickbooks.last_synced_at)
    assert not look().by_class("panel__checked")[0].text.endswith(("GMT", "BST"))
    user.timezone = "Asia/Tokyo"
    user.save()
    assert look().by_class("panel__checked")[0].text.endswith(("GMT", "BST"))
