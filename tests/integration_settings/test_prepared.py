"""Queries whose statement is made once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections
from django.db.models import F, QuerySet
from django.db.models.query import QuerySet as AnyQuerySet

from integration_settings.models import PipedriveUser
from integration_settings.prepared import LARGEST, Prepared
from tests.factories import make_company, make_user

pytestmark = pytest.mark.django_db


@Prepared
def users_in(domain: str, company_id: int, user_id: int) -> QuerySet[PipedriveUser]:
    users = PipedriveUser.objects.select_related("company").annotate(where=F("company__domain"))
    return users.filter(company__domain=domain, company__pipedrive_company_id=company_id, user_id__lte=user_id)


def test_it_says_what_the_query_says_for_whatever_is_asked():
    for number in (1, 2):
        company = make_company(pipedrive_company_id=number, domain=f"company-{number}")
        for user_id in (1, 2, 3):
            make_user(company, user_id=user_id, name=f"{number}, {user_id}")
    asked = [("company-1", 1, 1), ("company-2", 2, 2), ("company-1", 2, 3), ("company-2", 2, 3), ("%s", 1, 1)]
    told = [sorted(user.name for user in users_in(*values)) for values in asked]
    assert told == [["1, 1"], ["2, 1", "2, 2"], [], ["2, 1", "2, 2", "2, 3"], []]
    assert told == [sorted(user.name for user in users_in.ask(*values)) for values in asked]


def test_rows_come_with_all_that_the_query_reads_with_them(django_assert_num_queries):
    make_user(make_company(pipedrive_company_id=1, domain="acme"), user_id=1, is_admin=True)
    with django_assert_num_queries(1):
        (user,) = users_in("acme", 1, 1)
        assert (user.is_admin, user.company.domain, user.where) == (True, "acme", "acme")


def test_a_number_that_no_column_holds_finds_nothing():
    make_user(make_company(pipedrive_company_id=1, domain="acme"), user_id=1)
    assert users_in("acme", 1, LARGEST)
    assert users_in("acme", LARGEST + 1, 1) == users_in("acme", 1, -LARGEST - 1) == []


def test_the_statement_is_made_once(monkeypatch):
    make_user(make_company(pipedrive_company_id=1, domain="acme"), user_id=1)
    users_in("acme", 1, 1)
    monkeypatch.setattr(AnyQuerySet, "filter", None)
    assert len(users_in("acme", 1, 1)) == 1


@pytest.mark.django_db(transaction=True)
def test_each_thread_asks_through_its_own_connection():
    make_user(make_company(pipedrive_company_id=1, domain="acme"), user_id=1)

    def ask() -> int:
        try:
            return len(users_in("acme", 1, 1))
        finally:
            connections.close_all()

    assert ask() == 1
    with ThreadPoolExecutor(2) as pool:
        assert [found.result() for found in [pool.submit(ask) for _ in range(8)]] == [1] * 8


@Prepared
def users_seen(company_id: int, since: datetime, until: datetime) -> QuerySet[PipedriveUser]:
    return PipedriveUser.objects.filter(company=company_id, connected_at__gt=since, connected_at__lte=until)


def test_moments_are_asked_with_too():
    company, noon = make_company(), datetime(2026, 11, 24, 12, tzinfo=UTC)
    for hours in range(4):
        make_user(company, user_id=hours + 1, connected_at=noon + timedelta(hours=hours))
    asked = [(noon, noon), (noon, noon + timedelta(hours=2)), (noon - timedelta(hours=1), noon)]
    told = [sorted(user.user_id for user in users_seen(company.pk, *times)) for times in asked]
    assert told == [[], [2, 3], [1]]
    assert told == [sorted(user.user_id for user in users_seen.ask(company.pk, *times)) for times in asked]
