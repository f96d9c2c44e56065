"""What is left of a sign-in, a disconnection, an uninstall or a reading whose process is killed at any moment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings import connections, kept_lists, reference, services
from integration_settings.kept_lists import NotKept, only_kept
from integration_settings.models import (
    Company,
    ConnectionState,
    PipedriveUser,
    QuickBooksConnection,
    ReferenceList,
    Removal,
)
from integration_settings.tickets import connect_url
from tests.dying import lives
from tests.factories import make_user
from tests.integration_settings.browsing import Person
from tests.integration_settings.test_uninstall import uninstall

pytestmark = pytest.mark.django_db(transaction=True)


def of_quickbooks(company):
    return ReferenceList.objects.filter(company=company).exclude(kind__startswith="pipedrive")


def test_a_switch_of_books_has_happened_or_not_and_can_be_made_again(connect, control, stand_ins):
    others = control.clone("US").realm

    def agreed(person):
        question = person.get(connect_url(tenant.user, switch_to=others))
        consent = person.get(question.context["go_on_url"]).headers["Location"]
        return person.decide_at_quickbooks(consent, realm=others)

    for life in lives():
        tenant = connect("GB")
        priya = Person(stand_ins, tenant.pair)
        formers = {item.name for item in reference.items(tenant.company)}
        callback = agreed(priya)
        life.do(lambda who=priya, url=callback: who.get(url))
        row = QuickBooksConnection.objects.get(company=tenant.company)
        assert row.is_connected, life.at
        assert of_quickbooks(tenant.company).exists() == (row.realm_id == tenant.realm), life.at
        once_more = priya.get(callback)
        if life.moments > 2 and life.died:  # else the round was not used up yet
            assert "quickbooks-link-used" in once_more.headers["Location"], life.at
            assert priya.get(agreed(priya)).headers["Location"].endswith("/app-settings"), life.at
        row.refresh_from_db()
        assert (row.realm_id, row.country) == (others, "US"), life.at
        found = {item.name for item in reference.items(Company.objects.get(pk=tenant.company.pk))}
        assert found != formers, life.at
        Company.objects.all().delete()


def test_an_install_is_there_or_not_and_can_be_made_again(control, stand_ins):
    for life in lives():
        pair = control.clone("GB")
        priya = Person(stand_ins, pair)
        callback = priya.start_install()
        life.do(lambda who=priya, url=callback: who.get(url))
        if "pipedrive-link-used" in priya.get(callback).headers["Location"]:
            priya.install()
        user = PipedriveUser.objects.get(company__pipedrive_company_id=pair.pipedrive_company_id)
        assert user.is_connected, life.at
        services.refresh_user(user)  # with a token that works


def test_of_a_disconnection_nothing_stays_half_done(connect):
    for life in lives():
        tenant = connect("GB")
        reference.items(tenant.company)
        life.do(lambda company=tenant.company: connections.disconnect_quickbooks(company))
        row = QuickBooksConnection.objects.get(company=tenant.company)
        assert of_quickbooks(tenant.company).exists() == row.is_connected == bool(row.refresh_token), life.at
        connections.disconnect_quickbooks(tenant.company)
        assert not of_quickbooks(tenant.company).exists(), life.at
        assert not QuickBooksConnection.objects.get(company=tenant.company).is_connected, life.at


@pytest.mark.parametrize("colleague", [False, True], ids=["alone", "beside a colleague whose grant has ended"])
def test_what_an_uninstall_has_begun_ends_within_the_hour(client, connect, colleague):
    for life in lives():
        tenant = connect("GB")
        if colleague:
            make_user(tenant.company, state=ConnectionState.ENDED, ended_at=timezone.now())
        life.do(lambda user=tenant.user: uninstall(client, user))
        if PipedriveUser.objects.filter(state=ConnectionState.CONNECTED).exists():
            assert QuickBooksConnection.objects.get().is_connected, life.at
            uninstall(client, tenant.user)
        else:
            services.remove_abandoned_companies()
        assert not Company.objects.exists(), life.at
        assert Removal.objects.latest("pk").pipedrive_company_id == tenant.company.pipedrive_company_id, life.at


@pytest.mark.parametrize("read", [reference.items, reference.tax_codes, reference.terms])
@pytest.mark.parametrize("since", [timedelta(0), timedelta(weeks=3), None], ids=["new", "old", "outdated"])
def test_a_list_is_whole_or_not_kept(connect, read, since):
    tenant = connect("GB")
    whole = read(tenant.company)
    for life in lives():
        if since == timedelta(0):
            ReferenceList.objects.all().delete()
        else:
            ReferenceList.objects.update(fetched_at=timezone.now() - since if since else kept_lists.OUTDATED)
        life.do(lambda: read(tenant.company))
        with only_kept():
            try:
                assert read(tenant.company) == whole, life.at
            except NotKept:
                assert life.died, life.at
        assert read(tenant.company) == whole, life.at
        with only_kept():
            assert read(tenant.company) == whole, life.at
