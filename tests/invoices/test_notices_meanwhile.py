"""Notices of several companies that come while these are being written wait for it, or it for them, never both."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from integration_settings import read_budget
from integration_settings.models import QuickBooksConnection
from invoices import following, webhooks
from invoices.following import Finding
from invoices.news import News
from tests.factories import make_company, make_connection
from tests.invoices.meanwhile import beside, meanwhile, start
from tests.servers import wait_until

__all__ = ["beside", "meanwhile", "start"]

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def books():
    return [make_connection(make_company(), next_sync_at=timezone.now()) for _ in range(3)]


def test_while_reads_are_counted(books, start):
    first, second, third = books
    first.row().update(name="Moved behind the others in the table")
    with database.cursor() as cursor:
        cursor.execute("ANALYZE integration_settings_quickbooksconnection")  # so short that it is read as it lies there
    with transaction.atomic():
        second.row().select_for_update().get()
        notices = start(webhooks.mark, {each.realm_id for each in books})
        counted = start(read_budget.count_each, [first.pk, third.pk])
    assert notices.result(20) == 3
    counted.result(20)
    assert list(QuickBooksConnection.objects.order_by("pk").values_list("reads", flat=True)) == [1, 0, 1]


def test_while_a_change_is_taken_over_that_none_had_told(books, meanwhile):
    first, *_, last = books
    now = timezone.now()
    last.last_notice_at = last.changes_cursor = now - timedelta(days=2)
    untold = News(now, outdated=frozenset({"items"}), changed_earlier=now - timedelta(hours=1))

    def notices():
        return webhooks.mark({first.realm_id, last.realm_id})

    def work():
        following.finish([Finding(last, untold, now), Finding(first, News(now), now)])

    assert meanwhile('SET "notice_missed_at"', notices, work) == 2
    assert last.row().get().notice_missed_at == now


def test_while_one_of_them_is_held_for_long_the_others_are_told(books, start):
    """As during a refresh of its token that takes its time. The others' rows are held for nobody."""
    _, held, _ = books
    with transaction.atomic():
        held.row().select_for_update().get()
        notices = start(webhooks.mark, {each.realm_id for each in books})
        told = QuickBooksConnection.objects.filter(last_notice_at__isnull=False)
        wait_until(lambda: told.count() == 2, seconds=20, what="the others are told")
        assert not notices.done()
    assert notices.result(20) == 3
    assert told.count() == 3
