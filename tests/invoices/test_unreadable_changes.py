"""Something among QuickBooks' changes is no object: the others are taken over, and nothing is passed by."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.utils import timezone

from integration_settings.errors import ServiceUnavailable
from integration_settings.models import QuickBooksConnection
from invoices import following
from invoices.models import Invoice
from invoices.sweep import Sweep
from tests.factories import D, make_invoice

pytestmark = pytest.mark.django_db

NO_OBJECTS = [None, "no object", [], [{"Id": "7"}], 7, {"SyncToken": "1"}]


@pytest.fixture
def due(company, quickbooks):
    """The company's turn is now; its last look was an hour ago."""
    long_ago = timezone.now() - timedelta(hours=1)
    quickbooks.row().update(changes_cursor=long_ago, next_sync_at=long_ago)
    quickbooks.refresh_from_db()
    return quickbooks


@pytest.fixture
def books(vendor, due):
    """books(changes, found) answers a question for changes, and those for invoices."""
    base = f"{settings.QUICKBOOKS_API_URL}/v3/company/{due.realm_id}"

    def answer(changes, found=(), status=200):
        group = {"QueryResponse": [{entity: rows} for entity, rows in changes.items()]}
        told = {"CDCResponse": [group], "time": timezone.now().isoformat()}
        vendor.get(f"{base}/cdc", json=told)
        vendor.post(f"{base}/query", json={"QueryResponse": {"Invoice": list(found)}}, status=status)

    return answer


def report(row, balance, **more):
    changed = {"LastUpdatedTime": timezone.now().isoformat()}
    return {"Id": row.qbo_invoice_id, "TotalAmt": 120, "Balance": balance, "SyncToken": "9", "MetaData": changed} | more


def asked(vendor):
    return [urlsplit(call.request.url).path.rpartition("/")[2] for call in vendor.calls]


@pytest.mark.parametrize("odd", NO_OBJECTS, ids=json.dumps)
def test_the_others_are_taken_over_and_what_it_may_have_been_is_read_by_its_id(company, due, books, vendor, odd):
    told, untold = make_invoice(company), make_invoice(company)
    books({"Invoice": [odd, report(told, 20)]}, [report(untold, 30)])
    before = due.changes_cursor
    assert following.catch_up(due) == 2
    assert [row.balance for row in Invoice.objects.order_by("pk")] == [D(20), D(30)]
    due.refresh_from_db()
    assert due.changes_cursor > before
    assert asked(vendor) == ["cdc", "query"]


@pytest.mark.parametrize("entity", ["Payment", "CreditMemo", "Item", "Term"])
def test_whatever_it_is_among(company, due, books, entity):
    untold = make_invoice(company)
    books({entity: [None]}, [report(untold, 30)])
    assert following.catch_up(due) == 1


def test_the_next_look_begins_where_this_one_did_while_nobody_answers_for_them(company, due, books):
    told = make_invoice(company)
    make_invoice(company)
    books({"Invoice": [None, report(told, 20)]}, status=503)
    before = due.changes_cursor
    with pytest.raises(ServiceUnavailable):
        following.catch_up(due)
    due.refresh_from_db()
    told.refresh_from_db()
    assert (due.changes_cursor, due.sync_lease_until, told.balance) == (before, None, D(20))


def test_whoever_looks_at_many_companies_leaves_such_a_one_to_somebody_who_has_time(due, books, company):
    books({"Invoice": ["no object"]})
    handed = []
    Sweep(handed.append).run(0)
    assert handed == [due.pk]
    assert QuickBooksConnection.objects.get(pk=due.pk).last_sync_problem == ""


def test_the_log_tells_of_what_they_were_and_nothing_of_what_was_in_them(due, books, caplog):
    books({"Invoice": ["Orchard House", None], "Item": [[]]})
    with caplog.at_level(logging.WARNING):
        following.catch_up(due)
    (line,) = [record.getMessage() for record in caplog.records if "no objects" in record.getMessage()]
    assert "{'Invoice': 2, 'Item': 1}" in line
    assert "Orchard" not in caplog.text
