"""What former books still answer after others were connected, or after everybody has left, is told to nobody."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings import connections, kept_lists, reference
from integration_settings.errors import ConnectionExpired
from integration_settings.models import Company, QuickBooksConnection, ReferenceList
from integration_settings.oauth import Grant
from integration_settings.pipedrive import PipedriveClient
from integration_settings.profile import current_profile, profile_of, refresh_profile
from integration_settings.quickbooks import QuickBooksClient
from integration_settings.reference import Item

pytestmark = pytest.mark.django_db
OTHERS = "9130350000009999"


def connect_others(company):
    grant = Grant("others-access", "others-refresh", timezone.now() + timedelta(hours=1), None)
    return connections.connect_quickbooks(company, realm_id=OTHERS, grant=grant, connected_by="Tom Hale")


def leave(company):
    Company.objects.filter(pk=company.pk).delete()


def while_asked(monkeypatch, happens, *calls):
    """QuickBooks answers these calls, and it happens before its answer is here."""

    def slow(original):
        def call(*args, **kwargs):
            answer = original(*args, **kwargs)
            happens()
            return answer

        return call

    for name in calls:
        monkeypatch.setattr(QuickBooksClient, name, slow(getattr(QuickBooksClient, name)))


def test_a_worker_that_still_works_for_the_former_books_gets_no_token_of_the_others(quickbooks, vendor):
    former = QuickBooksConnection.objects.get(pk=quickbooks.pk)
    connect_others(quickbooks.company)
    for ask in (lambda: connections.refresh_after_401(former, former.access_token), lambda: expired(former)):
        with pytest.raises(ConnectionExpired):
            ask()
    assert former.access_token != "others-access"
    assert QuickBooksConnection.objects.get(pk=quickbooks.pk).is_connected
    assert not vendor.calls


def expired(connection):
    connection.access_expires_at = timezone.now()
    return connections.fresh_access_token(connection)


def test_a_pause_of_the_former_books_is_not_one_of_the_others(quickbooks):
    former = QuickBooksConnection.objects.get(pk=quickbooks.pk)
    connect_others(quickbooks.company)
    connections.pause(former, 600)
    assert QuickBooksConnection.objects.get(pk=quickbooks.pk).paused_until is None


@pytest.mark.parametrize("read", [reference.items, reference.terms, reference.tax_codes])
def test_a_list_of_the_former_books_is_not_kept_for_the_others(connect, monkeypatch, read):
    tenant = connect("GB")
    former = QuickBooksConnection.objects.select_related("company").get(pk=tenant.quickbooks.pk)
    while_asked(monkeypatch, lambda: connect_others(tenant.company), "query_all")
    assert read(former.company)  # for whoever has asked, whose page knows its books
    assert not ReferenceList.objects.exclude(kind__startswith="pipedrive").exists()


@pytest.mark.parametrize("read", [reference.items, reference.terms])
def test_a_list_that_is_read_while_its_books_are_disconnected_is_not_kept(connect, monkeypatch, read):
    tenant = connect("GB")
    while_asked(monkeypatch, lambda: connections.disconnect_quickbooks(tenant.company), "query_all")
    assert read(tenant.company)
    assert not ReferenceList.objects.exclude(kind__startswith="pipedrive").exists()


def test_the_profile_of_the_former_books_is_not_that_of_the_others(connect, monkeypatch):
    tenant = connect("GB")
    former = QuickBooksConnection.objects.get(pk=tenant.quickbooks.pk)
    while_asked(monkeypatch, lambda: connect_others(tenant.company), "preferences")
    refresh_profile(former)
    now = QuickBooksConnection.objects.get(pk=former.pk)
    assert (now.name, now.country, now.home_currency, now.profile) == ("", "", "", {})


def test_a_doubt_about_the_former_books_says_nothing_of_the_others(connect):
    tenant = connect("GB")
    former = QuickBooksConnection.objects.get(pk=tenant.quickbooks.pk)
    connect_others(tenant.company)
    reference.doubt(former)
    assert QuickBooksConnection.objects.get(pk=former.pk).profile == {}


def test_settings_that_change_while_they_are_read_are_read_once_more(connect, control, monkeypatch):
    """The two answers may be from before the change, and QuickBooks tells of it once."""
    tenant = connect("GB")

    def told():
        reference.doubt(QuickBooksConnection.objects.get(pk=tenant.quickbooks.pk))

    with monkeypatch.context() as patched:
        while_asked(patched, told, "preferences")
        refresh_profile(QuickBooksConnection.objects.get(pk=tenant.quickbooks.pk))
    control.forget_requests()
    for _ in range(2):
        current_profile(QuickBooksConnection.objects.get(pk=tenant.quickbooks.pk))
    assert len(control.requests("quickbooks", path="preferences")) == 1


def test_a_doubt_takes_nothing_away_that_was_read_since(connect):
    tenant = connect("GB")
    doubting = QuickBooksConnection.objects.get(pk=tenant.quickbooks.pk)
    QuickBooksConnection.objects.update(profile=doubting.profile | {"location_word": "Shop"})
    reference.doubt(doubting)
    assert profile_of(QuickBooksConnection.objects.get(pk=doubting.pk)).location_word == "Shop"


def test_an_item_of_the_former_books_is_not_offered_in_the_others(connect):
    tenant = connect("GB")
    former = QuickBooksConnection.objects.select_related("company").get(pk=tenant.quickbooks.pk)
    item = reference.items(former.company)[0]
    connect_others(tenant.company)
    ReferenceList.objects.create(company=tenant.company, kind="items", rows=[], fetched_at=timezone.now())
    reference.keep_items(former, [item])
    assert ReferenceList.objects.get(kind="items").rows == []


def test_who_leaves_while_pipedrive_is_asked_about_him_is_nobody(client, connect, page_token, monkeypatch):
    tenant = connect("GB")
    headers = page_token(tenant.user, "settings")
    asked = PipedriveClient.me

    def me(pipedrive):
        answer = asked(pipedrive)
        leave(tenant.company)
        return answer

    monkeypatch.setattr(PipedriveClient, "me", me)
    answer = client.get("/embed/settings/content", headers=headers)
    assert (answer.status_code, answer["X-Page-Token"]) == (401, "expired")


def test_what_is_read_while_the_company_leaves_is_kept_nowhere(connect, monkeypatch):
    tenant = connect("GB")
    former = QuickBooksConnection.objects.select_related("company").get(pk=tenant.quickbooks.pk)
    while_asked(monkeypatch, lambda: leave(tenant.company), "query_all", "preferences")
    with suppress(ConnectionExpired):
        reference.items(former.company)
    refresh_profile(former)
    assert not ReferenceList.objects.exists()
    assert not QuickBooksConnection.objects.exists()


@pytest.mark.parametrize("age", [timedelta(hours=2), None, kept_lists.OUTDATED], ids=["old", "new", "outdated"])
@pytest.mark.parametrize(
    "read, reported",
    [
        (reference.items, lambda tenant: reference.keep_items(tenant.quickbooks, [an_item("Delivery by night")])),
        (reference.terms, lambda tenant: kept_lists.outdate(tenant.company.pk, ["terms"])),
    ],
)
def test_what_is_reported_while_a_list_is_read_is_in_the_next_one(connect, control, monkeypatch, read, reported, age):
    """The answer may be older than the report, and the report comes once. Lists of which something was reported before,
    and those that were never read, show no other time afterwards.
    """
    tenant = connect("GB")
    if age:
        read(tenant.company)
        ReferenceList.objects.update(fetched_at=timezone.now() - age if isinstance(age, timedelta) else age)
    with monkeypatch.context() as patched:
        while_asked(patched, lambda: reported(tenant), "query_all")
        read(tenant.company)
    control.forget_requests()
    for _ in range(2):
        read(tenant.company)
    assert len(control.requests("quickbooks", path="query")) == 1


def test_an_answer_that_comes_late_takes_no_younger_list_away(connect, monkeypatch):
    """Somebody else has begun later, and was quicker."""
    tenant = connect("GB")
    reference.terms(tenant.company)
    kept_lists.outdate(tenant.company.pk, ["terms"])

    def read_by_somebody_else():
        younger = {"rows": [], "fetched_at": timezone.now()}
        ReferenceList.objects.filter(kind="terms").update(**younger)

    with monkeypatch.context() as patched:
        while_asked(patched, read_by_somebody_else, "query_all")
        assert reference.terms(tenant.company)
    assert reference.terms(tenant.company) == []


def test_a_list_that_somebody_died_reading_is_read_by_the_next(connect, monkeypatch):
    tenant = connect("GB")

    def die():
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        while_asked(patched, die, "query_all")
        reference.terms(tenant.company)
    reference.keep_items(tenant.quickbooks, [an_item("Delivery by night")])
    assert reference.terms(tenant.company)


def an_item(name):
    return Item("990", name, "", "Service", active=True, price=None, tax_code_id="", taxable=False)
