"""PostgreSQL restarts at any moment of what comes only once: grants that a service gives, and Pipedrive's uninstall."""

from __future__ import annotations

import json

import psycopg2
import pytest
from django.db import connection
from django.test import Client

from integration_settings import connections, patience
from integration_settings.errors import ConnectionExpired
from integration_settings.models import Company, PipedriveUser, QuickBooksConnection, Removal
from integration_settings.tickets import connect_url
from tests.dying import lives
from tests.integration_settings.browsing import Person
from tests.integration_settings.test_uninstall import uninstall
from tests.integration_settings.vendors import INTUIT_REVOKE, INTUIT_TOKEN, add_discovery, intuit_answer
from tests.invoices.meanwhile import beside

__all__ = ["beside"]

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def hardly_waiting_for_it(monkeypatch):
    monkeypatch.setattr(patience, "wait", lambda seconds: None)


def cut():
    """As a restart does it: our connection is ended, in the middle of whatever it does."""
    if connection.connection is not None:
        other = psycopg2.connect(**connection.get_connection_params())
        other.autocommit = True
        other.cursor().execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
        other.close()


def restarts():
    """One after the other, each a moment later."""
    return lives(cut, within=True)


def answered(client, url):
    """What a thread of the web server answers, which makes a new connection for the next request."""
    answer = client.get(url)
    connection.close()
    return answer


def test_whoever_has_agreed_at_pipedrive_has_installed(control, stand_ins):
    for life in restarts():
        pair = control.clone("GB")
        priya = Person(stand_ins, pair, client=Client(raise_request_exception=False))
        callback = priya.start_install()
        control.forget_requests()
        first = life.do(lambda url=callback, who=priya: answered(who, url))
        if first.status_code == 500:
            assert not control.requests("pipedrive", path="/oauth/token"), life.at
            assert answered(priya, callback).status_code == 302
        user = PipedriveUser.objects.get(company__pipedrive_company_id=pair.pipedrive_company_id)
        assert user.is_connected, life.at


def test_whoever_has_agreed_at_quickbooks_is_connected(connect, control, stand_ins):
    others = control.clone("US").realm
    for life in restarts():
        tenant = connect("GB")
        priya = Person(stand_ins, tenant.pair, client=Client(raise_request_exception=False))
        question = priya.get(connect_url(tenant.user, switch_to=others))
        consent = priya.get(question.context["go_on_url"]).headers["Location"]
        callback = priya.decide_at_quickbooks(consent, realm=others)
        control.forget_requests()
        first = life.do(lambda url=callback, who=priya: answered(who, url))
        if first.status_code == 500:
            assert not control.requests("quickbooks", path="/tokens"), life.at
        else:
            assert first.headers["Location"].endswith("/app-settings"), life.at
            row = QuickBooksConnection.objects.get(company=tenant.company)
            assert (row.realm_id, row.is_connected) == (others, True)
            assert control.requests("quickbooks", path="/tokens/revoke"), life.at
        Company.objects.all().delete()


def test_an_uninstall_is_never_lost(connect, control):
    for life in restarts():
        tenant = connect("GB")
        client = Client(raise_request_exception=False)
        assert life.do(lambda who=tenant.user, by=client: uninstall(by, who)).status_code == 204, life.at
        assert not Company.objects.exists(), life.at
        assert Removal.objects.latest("pk").revoked, life.at


def test_a_token_that_has_just_come_is_stored(company, vendor):
    quickbooks = company.quickbooks
    add_discovery(vendor)

    def answer(_request):
        cut()
        return 200, {}, json.dumps(intuit_answer())

    vendor.add_callback("POST", INTUIT_TOKEN, callback=answer)
    assert connections.refresh_after_401(quickbooks, quickbooks.access_token) == "new-access"
    stored = QuickBooksConnection.objects.get(pk=quickbooks.pk)
    assert (stored.access_token, stored.refresh_token) == ("new-access", "new-refresh")
    assert len([call for call in vendor.calls if call.request.url == INTUIT_TOKEN]) == 1


def test_a_token_that_came_late_revives_what_a_sibling_has_ended_without_it(company, vendor, beside):
    """The sibling has found the former token in the row, which is no good any more."""
    quickbooks = company.quickbooks
    add_discovery(vendor)
    calls = []

    def refresh():
        with pytest.raises(ConnectionExpired):
            connections.refresh_after_401(company.quickbooks, quickbooks.access_token)

    def answer(_request):
        calls.append(_request)
        if len(calls) > 1:
            return 400, {}, json.dumps({"error": "invalid_grant"})
        cut()
        beside(refresh).result(10)
        return 200, {}, json.dumps(intuit_answer())

    vendor.add_callback("POST", INTUIT_TOKEN, callback=answer)
    assert connections.refresh_after_401(quickbooks, quickbooks.access_token) == "new-access"
    stored = QuickBooksConnection.objects.get(pk=quickbooks.pk)
    assert (stored.is_connected, stored.refresh_token, stored.ended_at) == (True, "new-refresh", None)
    assert len(calls) == 2


def test_a_token_that_came_late_connects_nothing_that_was_disconnected(company, vendor, beside):
    quickbooks = company.quickbooks
    add_discovery(vendor)
    vendor.post(INTUIT_REVOKE)

    def answer(_request):
        cut()
        beside(connections.disconnect_quickbooks, company).result(10)
        return 200, {}, json.dumps(intuit_answer())

    vendor.add_callback("POST", INTUIT_TOKEN, callback=answer)
    with pytest.raises(ConnectionExpired):
        connections.refresh_after_401(quickbooks, quickbooks.access_token)
    assert not QuickBooksConnection.objects.get(pk=quickbooks.pk).refresh_token


def test_a_token_that_came_late_takes_no_other_ones_place(company, vendor, beside):
    """Somebody has signed in again before the database was back."""
    quickbooks = company.quickbooks
    add_discovery(vendor)

    def sign_in():
        QuickBooksConnection.objects.update(access_token="others-access", refresh_token="others-refresh")

    def answer(_request):
        cut()
        beside(sign_in).result(10)
        return 200, {}, json.dumps(intuit_answer())

    vendor.add_callback("POST", INTUIT_TOKEN, callback=answer)
    assert connections.refresh_after_401(quickbooks, quickbooks.access_token) == "others-access"
    assert QuickBooksConnection.objects.get(pk=quickbooks.pk).refresh_token == "others-refresh"
