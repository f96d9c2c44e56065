"""A connection that is ended or changed while lists of its books are being written: one waits for the other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings import connections, kept_lists, services
from integration_settings.models import Company, ReferenceList
from integration_settings.oauth import Grant
from invoices import following
from invoices.following import Finding
from invoices.news import News
from tests.invoices.meanwhile import beside, meanwhile, start

__all__ = ["beside", "meanwhile", "start"]

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("vendor"),
]


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
    meanwhile(at, lambda: end(company), lambda: outdated(quickbooks))
    assert not ReferenceList.objects.exists()


@pytest.mark.parametrize("end", [disconnect, connect_others])
def test_a_list_is_being_read(company, quickbooks, meanwhile, end):
    def read():
        return kept_lists.kept(company, "items", lambda: [{"id": "1"}], dict, timedelta(0), books=quickbooks)

    meanwhile('FROM "integration_settings_quickbooksconnection"', lambda: end(company), read)
    assert not ReferenceList.objects.exists()


def test_a_list_has_been_read_when_the_company_leaves(company, user, quickbooks, items, meanwhile):
    def read():
        kept_lists.kept(company, "items", lambda: [{"id": "1"}], dict, timedelta(0), books=quickbooks)

    at = 'UPDATE "integration_settings_referencelist"'
    meanwhile(at, lambda: uninstall(company), read)
    assert not Company.objects.exists()
