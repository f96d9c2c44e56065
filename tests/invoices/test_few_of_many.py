"""What is asked often reads the few rows that it is about, not every invoice that there ever was."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integration_settings.metrics import as_text
from invoices import attention, pacing
from invoices.models import Invoice
from tests.conftest import visitor_of
from tests.factories import an_invoice, make_user

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]


@pytest.fixture
def many(company):
    realm = company.quickbooks.realm_id
    Invoice.objects.bulk_create(an_invoice(company, realm, balance=0) for _ in range(3000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE invoices_invoice")
    return company


def plans_of(call):
    with CaptureQueriesContext(connection) as captured:
        call()
    with connection.cursor() as cursor:
        for query in captured.captured_queries:
            if 'FROM "invoices_' in query["sql"]:
                cursor.execute("EXPLAIN " + query["sql"])
                yield "\n".join(row[0] for row in cursor.fetchall())


def test_the_figures_count_what_is_under_way(many):
    (invoices, *_rest) = plans_of(as_text)
    assert "invoices_unsettled" in invoices


def test_the_next_look_goes_by_what_is_unpaid_or_under_way(many):
    (plan,) = plans_of(lambda: pacing.pace([many.quickbooks]))
    assert "invoices_unpaid" in plan
    assert "invoices_unsettled" in plan


def test_the_desk_reads_what_needs_somebody(many):
    visitor = visitor_of(make_user(many, is_admin=True), "settings")
    plans = "\n".join(plans_of(lambda: attention.desk_of(visitor)))
    for index in ("invoices_unsettled", "refused_to_fix", "notes_not_written"):
        assert index in plans
