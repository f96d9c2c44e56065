"""What is read and written of a company is its own, also where another company's rows stand before in every table."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings import connections, reference, services
from integration_settings.models import Company, CompanySettings, PipedriveUser, ReferenceList
from integration_settings.oauth import Grant
from integration_settings.profile import refresh_profile
from integration_settings.quickbooks import QuickBooksClient
from integration_settings.rights import people_of
from integration_settings.selectors import administrators_of, company_user, quickbooks_of, settings_of
from tests.factories import make_user
from tests.integration_settings.test_product_items import an_item

pytestmark = pytest.mark.django_db


def test_settings_and_connection_are_the_companys_own(other_company, company):
    CompanySettings.objects.filter(company=company).update(due_days=5)
    assert settings_of(company).due_days == 5
    assert quickbooks_of(company).company_id == company.pk


def test_its_users_are_its_own_whatever_their_numbers_are(other_company, company, user):
    other_company.users.update(user_id=user.user_id)
    assert company_user(company, user.user_id) == user
    assert administrators_of(company) == [user]
    PipedriveUser.objects.update(is_admin=False)
    assert people_of(company) == [user]


def test_its_lists_are_those_of_its_own_books(other_company, company):
    for owner, name in ((other_company, "Theirs"), (company, "Ours")):
        rows = [an_item("1", name)]
        ReferenceList.objects.create(company=owner, kind="items", rows=rows, fetched_at=timezone.now())
    assert [item.name for item in reference.items(Company.objects.get(pk=company.pk))] == ["Ours"]


def test_books_that_tell_no_time_zone_have_that_of_its_own_people(other_company, company, monkeypatch):
    other_company.users.update(timezone="America/Chicago")
    company.users.update(timezone="Australia/Sydney", is_admin=False)
    for asked in ("company_info", "preferences"):
        monkeypatch.setattr(QuickBooksClient, asked, lambda client: {})
    refresh_profile(company.quickbooks)
    assert quickbooks_of(company).timezone == "Australia/Sydney"


def test_books_that_another_company_has_had_are_not_those_it_switches_from(other_company, company, monkeypatch):
    company.quickbooks.delete()
    monkeypatch.setattr(services, "refresh_profile", lambda connection: None)
    later = timezone.now() + timedelta(days=1)
    grant = Grant("access", "refresh", later, later)
    done = services.connect_books(Company.objects.get(pk=company.pk), realm_id="99", grant=grant, by="Priya Nair")
    assert (done.company_id, done.realm_id) == (company.pk, "99")


def test_rights_are_given_and_taken_within_it_alone(other_company, company, user):
    stranger, bystander = other_company.users.get(), make_user(other_company)
    PipedriveUser.objects.update(may_void=True)
    services.save_settings(company, by=user, values={}, people={stranger.pk: {"may_send": True}})
    rights = PipedriveUser.objects.in_bulk()
    assert (rights[stranger.pk].may_void, rights[stranger.pk].may_send) == (True, False)
    assert (rights[bystander.pk].may_void, rights[user.pk].may_void) == (True, False)


def test_when_it_leaves_its_own_grant_is_ended_at_intuit(other_company, company, user, monkeypatch):
    ended = []
    monkeypatch.setattr(connections, "revoke_quickbooks_quietly", lambda *grant: ended.append(grant))
    own = (company.quickbooks.refresh_token, company.quickbooks.realm_id)
    services.uninstall(pipedrive_company_id=company.pipedrive_company_id, user_id=user.user_id)
    assert ended == [own]
