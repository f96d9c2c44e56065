"""The token store: one refresh at a time, saved before use, ended only when the service says so."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
import requests
from django.db import connection as database
from django.db import connections as databases
from django.db import transaction
from django.utils import timezone

from integration_settings import connections, services
from integration_settings.errors import ConnectionExpired, ServiceUnavailable
from integration_settings.models import PipedriveUser, QuickBooksConnection, ReferenceList
from integration_settings.oauth import Grant
from invoices import following
from invoices.models import Invoice
from tests.factories import D, an_issued, make_company, make_connection, make_invoice, make_user
from tests.fakes.invoice_gateway import FakeInvoiceGateway
from tests.integration_settings.vendors import (
    INTUIT_REVOKE,
    INTUIT_TOKEN,
    PIPEDRIVE_TOKEN,
    add_discovery,
    intuit_answer,
    pipedrive_answer,
)

pytestmark = pytest.mark.django_db


def expire(row):
    row.access_expires_at = timezone.now() + timedelta(minutes=4)  # less than the margin
    row.save()


def token_calls(vendor, url=INTUIT_TOKEN):
    return [call for call in vendor.calls if call.request.url == url]


def grant(**changes):
    values = {
        "access_token": "a",
        "refresh_token": "r",
        "access_expires_at": timezone.now() + timedelta(hours=1),
        "refresh_expires_at": timezone.now() + timedelta(days=100),
        "hard_expires_at": timezone.now() + timedelta(days=1800),
        "api_domain": "http://127.0.0.1:8010",
    } | changes
    return Grant(**values)


def test_a_token_that_is_good_for_long_is_handed_out_without_a_call(quickbooks, vendor):
    assert connections.fresh_access_token(quickbooks) == quickbooks.access_token
    assert not vendor.calls


def test_a_token_is_refreshed_five_minutes_early_and_saved_before_use(quickbooks, vendor):
    expire(quickbooks)
    add_discovery(vendor)
    vendor.post(INTUIT_TOKEN, json=intuit_answer())
    assert connections.fresh_access_token(quickbooks) == "new-access"
    stored = QuickBooksConnection.objects.get(pk=quickbooks.pk)
    assert (stored.access_token, stored.refresh_token) == ("new-access", "new-refresh")
    assert (quickbooks.access_token, quickbooks.refresh_token) == ("new-access", "new-refresh")
    assert stored.refresh_expires_at > timezone.now() + timedelta(days=99)
    assert stored.hard_expires_at > timezone.now() + timedelta(days=1800)


def test_a_pipedrive_user_is_refreshed_with_pipedrive(user, vendor):
    expire(user)
    vendor.post(PIPEDRIVE_TOKEN, json=pipedrive_answer())
    assert connections.fresh_access_token(user) == "new-access"
    assert PipedriveUser.objects.get(pk=user.pk).refresh_token == "new-refresh"


def test_a_token_that_a_sibling_has_refreshed_is_taken_without_a_call(quickbooks, vendor):
    stale = QuickBooksConnection.objects.get(pk=quickbooks.pk)
    stale.access_expires_at = timezone.now()
    assert connections.fresh_access_token(stale) == quickbooks.access_token
    assert not vendor.calls


def test_after_a_401_another_token_is_fetched(quickbooks, vendor):
    add_discovery(vendor)
    vendor.post(INTUIT_TOKEN, json=intuit_answer())
    assert connections.refresh_after_401(quickbooks, quickbooks.access_token) == "new-access"


def test_after_a_401_a_siblings_new_token_will_do(quickbooks, vendor):
    assert connections.refresh_after_401(quickbooks, "the-old-one") == quickbooks.access_token
    assert not vendor.calls


def test_invalid_grant_ends_the_connection_once_and_forgets_the_tokens(quickbooks, vendor):
    expire(quickbooks)
    add_discovery(vendor)
    vendor.post(INTUIT_TOKEN, status=400, json={"error": "invalid_grant"})
    for _ in range(3):
        with pytest.raises(ConnectionExpired):
            connections.fresh_access_token(quickbooks)
    assert len(token_calls(vendor)) == 1
    stored = QuickBooksConnection.objects.get(pk=quickbooks.pk)
    assert (stored.state, stored.ended_why) == ("ended", "invalid_grant")
    assert (stored.access_token, stored.refresh_token) == ("", "")
    assert stored.ended_at is not None


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500},
        {"status": 429},
        {"body": requests.ReadTimeout()},
        {"body": requests.ConnectionError()},
        {"json": intuit_answer(access_token="")},
        {"json": intuit_answer(refresh_token=7)},
        {"status": 401, "json": {"error": "invalid_client"}},
    ],
)
def test_any_other_failure_leaves_the_connection_as_it_is(quickbooks, vendor, answer):
    expire(quickbooks)
    before = QuickBooksConnection.objects.values().get(pk=quickbooks.pk)
    add_discovery(vendor)
    vendor.post(INTUIT_TOKEN, **answer)
    with pytest.raises(ServiceUnavailable):
        connections.fresh_access_token(quickbooks)
    assert QuickBooksConnection.objects.values().get(pk=quickbooks.pk) == before


def test_a_client_secret_that_is_wrong_is_told_by_the_status_of_the_refresh(quickbooks, user, vendor):
    """For the log: one of QuickBooks that is down and one that does not know us looked the same there."""
    add_discovery(vendor)
    for connection, address in ((quickbooks, INTUIT_TOKEN), (user, PIPEDRIVE_TOKEN)):
        expire(connection)
        vendor.post(address, status=401, json={"error": "invalid_client"})
        with pytest.raises(ServiceUnavailable, match="token call 401"):
            connections.fresh_access_token(connection)


def test_a_lost_answer_is_asked_again_with_the_old_token(quickbooks, vendor):
    """Intuit may have rotated the token already; within its grace period the old one still works."""
    old = quickbooks.refresh_token
    expire(quickbooks)
    add_discovery(vendor)
    vendor.post(INTUIT_TOKEN, body=requests.ReadTimeout())
    vendor.post(INTUIT_TOKEN, json=intuit_answer())
    with pytest.raises(ServiceUnavailable):
        connections.fresh_access_token(quickbooks)
    assert connections.fresh_access_token(quickbooks) == "new-access"
    assert all(f"refresh_token={old}" in call.request.body for call in token_calls(vendor))


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_database_that_ends_idle_transactions_soon_loses_no_token(vendor):
    """An operator may have set such a limit, shorter than a service that is busy takes to answer."""
    quickbooks = make_connection(make_company())
    expire(quickbooks)
    add_discovery(vendor)

    def answer(request):
        time.sleep(0.6)  # how long Intuit takes is the fault
        return 200, {}, json.dumps(intuit_answer())

    vendor.add_callback("POST", INTUIT_TOKEN, callback=answer)
    with database.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = '200ms'")
    try:
        assert connections.fresh_access_token(quickbooks) == "new-access"
    finally:
        database.close()
    assert QuickBooksConnection.objects.get(pk=quickbooks.pk).access_token == "new-access"


def test_a_lost_answer_whose_old_token_is_dead_ends_the_connection_without_asking_again(quickbooks, vendor):
    """Without a grace period nothing can be saved: somebody has to sign in again, and nobody asks Intuit meanwhile."""
    expire(quickbooks)
    add_discovery(vendor)
    vendor.post(INTUIT_TOKEN, body=requests.ReadTimeout())
    vendor.post(INTUIT_TOKEN, status=400, json={"error": "invalid_grant"})
    with pytest.raises(ServiceUnavailable):
        connections.fresh_access_token(quickbooks)
    for _ in range(2):
        with pytest.raises(ConnectionExpired):
            connections.fresh_access_token(quickbooks)
    assert len(token_calls(vendor)) == 2
    assert not QuickBooksConnection.objects.get(pk=quickbooks.pk).is_connected


def test_a_removed_connection_is_ended(quickbooks, vendor):
    stale = QuickBooksConnection.objects.get(pk=quickbooks.pk)
    stale.access_expires_at = timezone.now()
    quickbooks.delete()
    with pytest.raises(ConnectionExpired):
        connections.fresh_access_token(stale)


@pytest.mark.django_db(transaction=True)
def test_a_refresh_is_refused_within_a_transaction_that_could_lose_it(quickbooks, vendor):
    expire(quickbooks)
    add_discovery(vendor)
    vendor.post(INTUIT_TOKEN, json=intuit_answer())
    with pytest.raises(RuntimeError), transaction.atomic():
        connections.fresh_access_token(quickbooks)
    assert not token_calls(vendor)


class TestManyAtOnce:
    @staticmethod
    def at_once(count, work):
        gate = threading.Barrier(count)

        def run(number):
            try:
                gate.wait(20)
                return work(number)
            finally:
                databases.close_all()

        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(run, range(count)))

    @staticmethod
    def slow_tokens(vendor):
        """Each call gets another pair, after a moment in which others could come in."""
        add_discovery(vendor)
        given = []

        def answer(request):
            given.append(len(given) + 1)
            number = len(given)
            time.sleep(0.2)
            return (
                200,
                {},
                json.dumps(intuit_answer(access_token=f"access-{number}", refresh_token=f"refresh-{number}")),
            )

        vendor.add_callback("POST", INTUIT_TOKEN, answer)
        return given

    @pytest.mark.django_db(transaction=True)
    def test_twenty_workers_that_find_the_token_expired_make_one_refresh(self, quickbooks, vendor):
        expire(quickbooks)
        given = self.slow_tokens(vendor)

        def work(number):
            return connections.fresh_access_token(QuickBooksConnection.objects.get(pk=quickbooks.pk))

        assert set(self.at_once(20, work)) == {"access-1"}
        assert given == [1]
        assert QuickBooksConnection.objects.get(pk=quickbooks.pk).refresh_token == "refresh-1"

    @pytest.mark.django_db(transaction=True)
    def test_twenty_workers_with_the_same_rejected_token_make_one_refresh(self, quickbooks, vendor):
        given = self.slow_tokens(vendor)
        rejected = quickbooks.access_token

        def work(number):
            return connections.refresh_after_401(QuickBooksConnection.objects.get(pk=quickbooks.pk), rejected)

        assert set(self.at_once(20, work)) == {"access-1"}
        assert given == [1]

    @pytest.mark.postgres
    @pytest.mark.django_db(transaction=True)
    def test_a_slow_refresh_of_one_company_holds_up_no_other(self, vendor):
        assert database.vendor == "postgresql"
        add_discovery(vendor)
        slow, quick = (make_connection(make_company()) for _ in range(2))
        expire(slow)
        expire(quick)
        released = threading.Event()

        def answer(request):
            if slow.refresh_token in request.body:
                released.wait(10)
            return 200, {}, json.dumps(intuit_answer())

        vendor.add_callback("POST", INTUIT_TOKEN, answer)

        def work(number):
            if number == 0:
                return connections.fresh_access_token(QuickBooksConnection.objects.get(pk=slow.pk))
            try:
                return connections.fresh_access_token(QuickBooksConnection.objects.get(pk=quick.pk))
            finally:
                released.set()

        begun = time.monotonic()
        self.at_once(2, work)
        assert time.monotonic() - begun < 5


def test_connecting_the_same_books_again_keeps_the_cursor(quickbooks, vendor):
    cursor = quickbooks.changes_cursor
    add_discovery(vendor)
    vendor.post(INTUIT_TOKEN, status=400, json={"error": "invalid_grant"})
    with pytest.raises(ConnectionExpired):
        connections.keep_alive(quickbooks)
    again = connections.connect_quickbooks(
        quickbooks.company, realm_id=quickbooks.realm_id, grant=grant(), connected_by="Tom Hale"
    )
    assert again.pk == quickbooks.pk
    assert again.is_connected
    assert (again.changes_cursor, again.ended_why, again.connected_by) == (cursor, "", "Tom Hale")
    assert again.next_sync_at <= timezone.now()


def test_a_new_sign_in_to_the_same_books_is_not_said_to_end_when_the_old_one_would(quickbooks):
    quickbooks.hard_expires_at = timezone.now() + timedelta(days=6)
    quickbooks.save()
    again = connections.connect_quickbooks(
        quickbooks.company, realm_id=quickbooks.realm_id, grant=grant(hard_expires_at=None), connected_by="Tom Hale"
    )
    assert not again.ends_soon


def test_connecting_other_books_starts_afresh(quickbooks):
    ReferenceList.objects.create(company=quickbooks.company, kind="items", rows=[], fetched_at=timezone.now())
    ReferenceList.objects.create(
        company=quickbooks.company, kind="pipedrive_deal_fields", rows=[], fetched_at=timezone.now()
    )
    before = quickbooks.changes_cursor
    other = connections.connect_quickbooks(quickbooks.company, realm_id="99", grant=grant(), connected_by="Tom Hale")
    assert (other.realm_id, other.name, other.country, other.profile) == ("99", "", "", {})
    assert other.changes_cursor > before
    assert [kept.kind for kept in ReferenceList.objects.all()] == ["pipedrive_deal_fields"]


def test_going_back_to_former_books_reads_what_changed_there_meanwhile(quickbooks):
    former = quickbooks.realm_id
    invoice = make_invoice(quickbooks.company, realm_id=former)
    now = timezone.now()
    other = connections.connect_quickbooks(quickbooks.company, realm_id="99", grant=grant(), connected_by="Tom Hale")
    QuickBooksConnection.objects.filter(pk=other.pk).update(last_notice_at=now, last_synced_at=now, paused_until=now)
    back = connections.connect_quickbooks(quickbooks.company, realm_id=former, grant=grant(), connected_by="Tom Hale")
    assert not back.is_told_of_changes
    assert (back.last_synced_at, back.paused_until) == (None, None)

    gateway = FakeInvoiceGateway()
    gateway.invoices[invoice.qbo_invoice_id] = an_issued(invoice, balance=D(0), updated_at=now - timedelta(days=3))
    Invoice.objects.update(qbo_updated_at=now - timedelta(days=9))
    following.catch_up(back, lambda _: gateway)
    invoice.refresh_from_db()
    assert invoice.balance == 0


def test_disconnecting_forgets_tokens_and_lists_then_revokes(quickbooks, vendor):
    token = quickbooks.refresh_token
    ReferenceList.objects.create(company=quickbooks.company, kind="items", rows=[], fetched_at=timezone.now())
    add_discovery(vendor)
    vendor.post(INTUIT_REVOKE)
    connections.disconnect_quickbooks(quickbooks.company)
    quickbooks.refresh_from_db()
    assert (quickbooks.state, quickbooks.ended_why, quickbooks.refresh_token) == ("ended", "disconnected", "")
    assert json.loads(vendor.calls[-1].request.body) == {"token": token}
    assert not ReferenceList.objects.exists()


def test_disconnecting_works_although_intuit_does_not_answer(quickbooks, vendor, no_waiting):
    connections.disconnect_quickbooks(quickbooks.company)
    quickbooks.refresh_from_db()
    assert not quickbooks.is_connected


def test_disconnecting_twice_revokes_once(quickbooks, vendor):
    add_discovery(vendor)
    vendor.post(INTUIT_REVOKE)
    connections.disconnect_quickbooks(quickbooks.company)
    connections.disconnect_quickbooks(quickbooks.company)
    assert len([call for call in vendor.calls if call.request.url == INTUIT_REVOKE]) == 1


def test_books_that_another_company_is_connected_to_are_not_taken_from_it(quickbooks, vendor, other_company):
    add_discovery(vendor)
    vendor.post(INTUIT_REVOKE)
    other_company.quickbooks.realm_id = quickbooks.realm_id
    other_company.quickbooks.save()
    connections.disconnect_quickbooks(quickbooks.company)
    assert [call for call in vendor.calls if call.request.url == INTUIT_REVOKE] == []
    quickbooks.refresh_from_db()
    assert (quickbooks.state, quickbooks.refresh_token) == ("ended", "")
    connections.disconnect_quickbooks(other_company)
    assert len([call for call in vendor.calls if call.request.url == INTUIT_REVOKE]) == 1


def test_a_revocation_is_not_repeated_once_the_books_are_connected_anew(quickbooks, vendor, other_company, no_waiting):
    """The first answer was lost; meanwhile the company is back, or another one has come to these books."""

    def connect_and_fail(request):
        QuickBooksConnection.objects.filter(company=other_company).update(realm_id=quickbooks.realm_id)
        return (500, {}, "")

    add_discovery(vendor)
    vendor.add_callback("POST", INTUIT_REVOKE, connect_and_fail)
    connections.disconnect_quickbooks(quickbooks.company)
    assert len([call for call in vendor.calls if call.request.url == INTUIT_REVOKE]) == 1


def test_tokens_are_ciphertext_in_the_database(user):
    with database.cursor() as cursor:
        cursor.execute("SELECT access_token, refresh_token FROM integration_settings_pipedriveuser")
        stored = cursor.fetchall()
    assert all(text.startswith("gAAAA") and "pipedrive-" not in text for row in stored for text in row)


def test_a_new_key_in_front_still_reads_what_the_old_one_wrote(user, settings):
    from cryptography.fernet import Fernet

    settings.TOKEN_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.TOKEN_ENCRYPTION_KEYS]
    again = PipedriveUser.objects.get(pk=user.pk)
    assert again.refresh_token == user.refresh_token
    again.save()
    settings.TOKEN_ENCRYPTION_KEYS = settings.TOKEN_ENCRYPTION_KEYS[:1]
    assert PipedriveUser.objects.get(pk=user.pk).refresh_token == user.refresh_token


def test_after_the_keys_were_rotated_the_new_one_is_enough(user, quickbooks, settings, capsys):
    from cryptography.fernet import Fernet
    from django.core.management import call_command

    new = Fernet.generate_key().decode()
    settings.TOKEN_ENCRYPTION_KEYS = [new, *settings.TOKEN_ENCRYPTION_KEYS]
    call_command("rotate_keys")
    assert capsys.readouterr().out.startswith("Rows encrypted with the first key: 2. The other keys may")
    settings.TOKEN_ENCRYPTION_KEYS = [new]
    for connection in (user, quickbooks):
        again = type(connection).objects.get(pk=connection.pk)
        assert (again.access_token, again.refresh_token) == (connection.access_token, connection.refresh_token)


def test_one_users_end_is_not_anothers(company, vendor, caplog):
    one, two = make_user(company), make_user(company)
    vendor.post(PIPEDRIVE_TOKEN, status=400, json={"error": "invalid_grant"})
    with pytest.raises(ConnectionExpired):
        connections.keep_alive(one)
    assert not one.is_connected
    assert PipedriveUser.objects.get(pk=two.pk).is_connected
    assert f"pipedrive connection of {one.user_id} is ended (invalid_grant)" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_of_two_administrators_who_connect_different_books_in_the_same_moment_the_second_is_told(vendor, monkeypatch):
    company = make_company()
    both = threading.Barrier(2)
    connect = connections.connect_quickbooks

    def together(*arguments, **named):
        with suppress(threading.BrokenBarrierError):
            both.wait(1)
        return connect(*arguments, **named)

    monkeypatch.setattr(connections, "connect_quickbooks", together)
    monkeypatch.setattr(connections, "revoke_quickbooks_quietly", lambda token, realm_id: revoked.append(realm_id))
    monkeypatch.setattr(services, "refresh_profile", lambda connection: None)
    monkeypatch.setattr(services, "_name_of_books", lambda *_: "Other books")
    revoked = []

    def work(realm_id):
        try:
            return services.connect_books(company, realm_id=realm_id, grant=grant(), by="Somebody")
        finally:
            databases.close_all()

    with ThreadPoolExecutor(2) as pool:
        first, second = sorted(pool.map(work, ("1", "2")), key=lambda found: isinstance(found, services.OtherBooks))
    assert isinstance(second, services.OtherBooks)
    assert QuickBooksConnection.objects.get().realm_id == first.realm_id
    assert revoked == [second.realm_id]


def test_books_of_a_company_that_has_just_left_are_not_connected_and_the_grant_is_ended(user, vendor):
    add_discovery(vendor)
    vendor.post(INTUIT_REVOKE)
    company = user.company
    services.uninstall(pipedrive_company_id=company.pipedrive_company_id, user_id=user.user_id)
    with pytest.raises(ConnectionExpired):
        services.connect_books(company, realm_id="77", grant=grant(refresh_token="r-77"), by="Somebody")
    assert "r-77" in str(vendor.calls[-1].request.body)
    assert not QuickBooksConnection.objects.exists()
