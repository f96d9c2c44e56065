"""The panel of a deal as its user sees it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone

from integration_settings.models import ConnectionState
from tests.invoices.fragments import Page

CONTENT, REFRESH, UNLINK = "/embed/panel/content", "/embed/panel/refresh", "/embed/panel/unlink"
DEAL = 12
QUERY = {"resource": "deal", "id": DEAL}
PARTY = 31
LATER = date(2100, 12, 7)


@pytest.fixture
def look(browse, user, seen):
    """look() -> the panel of the deal as its user sees it; Pipedrive has shown him the deal just before."""
    seen(user, DEAL, organization_id=PARTY)
    return lambda **changes: Page(browse(user, "panel").get(CONTENT, QUERY | changes))


def today():
    return timezone.now().date()


def row_of(page, number):
    return next(row for row in page.by_class("row") if row.text.startswith(number))


def end_connection(quickbooks):
    quickbooks.state = ConnectionState.ENDED
    quickbooks.last_synced_at = timezone.now() - timedelta(days=1)
    quickbooks.save()
