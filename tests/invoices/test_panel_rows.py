"""Settled rows are kept as they were drawn; each reader sees his own all the same."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from invoices.models import Invoice
from tests.factories import D, make_invoice, make_user
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db
DEAL = 12


@pytest.fixture
def row(browse, seen):
    """row(user) -> the one row of the deal as that user sees it."""

    def look(user):
        seen(user, DEAL)
        page = Page(browse(user, "panel").get("/embed/panel/content", {"resource": "deal", "id": DEAL}))
        (found,) = page.by_class("row")
        return found.text

    return look


@pytest.mark.parametrize(
    ("other", "own"),
    [
        ({"language": "de"}, "Fällig"),
        ({"locale": "en_US"}, "£120.00"),
        ({"is_admin": False}, "Due"),
    ],
    ids=["language", "locale", "rights"],
)
def test_a_colleague_sees_his_own_row_before_and_after(company, user, row, other, own):
    make_invoice(company, deal_id=DEAL, number="1042")
    colleague = make_user(company, **({"language": "en", "locale": "en_GB"} | other))
    first = row(user)
    assert own in row(colleague)
    assert row(colleague) != first or other.get("locale") == "en_US"
    assert row(user) == first


def test_what_changed_in_the_row_shows_at_once(company, user, row):
    invoice = make_invoice(company, deal_id=DEAL, number="1042")
    assert "£120.00" in row(user)
    Invoice.objects.filter(pk=invoice.pk).update(total=99, balance=99)
    assert "£99.00" in row(user)


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        ({"due_date": date(2026, 11, 3)}, "Former company · as of 20 Nov 2026"),
        ({"balance": D(0), "paid_on": date(2026, 11, 3)}, "Paid 3 Nov 2026"),
    ],
    ids=["may change", "paid"],
)
def test_a_status_that_nobody_follows_any_more_says_how_old_it_is(company, user, row, columns, line):
    make_invoice(company, deal_id=DEAL, checked_at=datetime(2026, 11, 20, 9, tzinfo=UTC), **columns)
    assert "as of" not in row(user)
    company.quickbooks.row().update(realm_id="9130350000009999")
    assert line in row(user)


def test_a_free_invoice_says_so(company, user, row):
    make_invoice(company, deal_id=DEAL, number="1042", total=0, tax=0, balance=0)
    assert row(user).startswith("1042 Paid £0.00")
