"""A connection that is ended or changed while lists of its books are being written: one waits for the other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection as database
from django.db import connections as databases
from django.utils import timezone

from integration_settings import connections, kept_lists, oauth, services
from integration_settings.models import Company, QuickBooksConnection, ReferenceList
from integration_settings.oauth import Grant
from invoices import following
from invoices.following import Finding
from invoices.news import News
from tests.servers import wait_until

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


@pytest.fixture
def meanwhile(monkeypatch):
    """meanwhile(statement, begin, work): `begin` begins when `work` has just made that statement."""
    monkeypatch.setattr(oauth, "revoke_quickbooks", lambda token: None)
    pool, begun = ThreadPoolExecutor(1), []

    def closing(begin):
        try:
            begin()
        finally:
            databases.close_all()

    def somebody_waits():
        with database.cursor() as cursor:
            cursor.execute(WAITING)
            return begun[0].done() or cursor.fetchone()[0]

    def run(statement, begin, work):
        def wrapper(execute, sql, parameters, many, context):
            answer = execute(sql, parameters, many, context)
            if statement(sql) and not begun:
                begun.append(pool.submit(closing, begin))
                wait_until(somebody_waits, seconds=10, what="it has begun")
            return answer

        with database.execute_wrapper(wrapper):
            work()
        begun[0].result(20)

    yield run
    pool.shutdown()


@pytest.fixture
def items(company):
    return ReferenceList.objects.create(company=company, kind="items", rows=[], fetched_at=timezone.now())


def outdated(connection):
    now = timezone.now()
    return following.finish([Finding(connection, News(now, outdated=frozenset({"items"})), now)])


def connect_others(company):
    now = timezone.now()
    grant = Grant("access", "refresh", now + timedelta(hours=1), None)
    services.connect_books(company, realm_id="999", grant=grant, by="Priya Nair", switch_to="999")


def disconnect(company):
    connections.disconnect_quickbooks(company)


def uninstall(company):
    user = company.users.get()
    services.uninstall(pipedrive_company_id=company.pipedrive_company_id, user_id=user.user_id)


@pytest.mark.parametrize("end", [disconnect, connect_others, uninstall])
def test_a_list_is_outdated(company, user, quickbooks, items, meanwhile, end):
    at = 'UPDATE "integration_settings_referencelist"'
    meanwhile(lambda sql: sql.startswith(at), lambda: end(company), lambda: outdated(quickbooks))
    assert not ReferenceList.objects.exists()


def test_a_list_of_the_former_books_has_just_been_read(company, quickbooks, meanwhile):
    def read():
        return kept_lists.kept(company, "items", lambda: [{"id": "1"}], dict, timedelta(0), books=quickbooks)

    meanwhile(
        lambda sql: sql.startswith("SELECT") and "quickbooksconnection" in sql, lambda: connect_others(company), read
    )
    assert QuickBooksConnection.objects.get().realm_id == "999"
    assert not ReferenceList.objects.exists()


def test_a_list_has_been_read_when_the_company_leaves(company, user, quickbooks, items, meanwhile):
    def read():
        kept_lists.kept(company, "items", lambda: [{"id": "1"}], dict, timedelta(0), books=quickbooks)

    at = 'UPDATE "integration_settings_referencelist"'
    meanwhile(lambda sql: sql.startswith(at), lambda: uninstall(company), read)
    assert not Company.objects.exists()
