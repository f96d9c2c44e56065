"""QuickBooks' notices: only signed ones count, and all they do is make a company due."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from contextlib import ExitStack
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from integration_settings import shares
from integration_settings.models import ConnectionState, QuickBooksConnection
from invoices import pacing
from tests.factories import make_company, make_connection

pytestmark = pytest.mark.django_db
PATH = "/webhooks/quickbooks"
VERIFIER = "verifier-0123456789"


@pytest.fixture(autouse=True)
def verifier(settings):
    settings.QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN = VERIFIER


def signature(body, verifier=VERIFIER):
    return base64.b64encode(hmac.new(verifier.encode(), body, hashlib.sha256).digest()).decode()


@pytest.fixture
def notify(client):
    def send(content, *, signed=None, method="post"):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        headers = {"intuit-signature": signature(body) if signed is None else signed}
        return getattr(client, method)(PATH, body, content_type="application/json", headers=headers)

    return send


@pytest.fixture
def later():
    return timezone.now() + timedelta(hours=1)


@pytest.fixture
def connected(later):
    return lambda **fields: make_connection(make_company(), **({"next_sync_at": later} | fields))


def event(realm, kind="qbo.invoice.updated.v1"):
    return {"specversion": "1.0", "id": "1", "type": kind, "intuitentityid": "7", "intuitaccountid": realm, "data": {}}


def legacy(realm, name="Invoice"):
    entities = [{"name": name, "id": "7", "operation": "Update", "lastUpdated": "2026-11-23T09:14:00Z"}]
    return {"eventNotifications": [{"realmId": realm, "dataChangeEvent": {"entities": entities}}]}


def is_due(connection):
    connection.refresh_from_db()
    return connection.next_sync_at is not None and connection.next_sync_at <= timezone.now() + pacing.SILENCE


def test_a_cloud_event_makes_its_company_due(notify, connected):
    mine, other = connected(), connected()
    assert notify([event(mine.realm_id)]).status_code == 200
    assert (is_due(mine), is_due(other)) == (True, False)


def test_the_older_body_does_too(notify, connected):
    mine = connected()
    assert notify(legacy(mine.realm_id)).status_code == 200
    assert is_due(mine)


@pytest.mark.parametrize("of_settings", [lambda realm: [event(realm, "qbo.preferences.updated.v1")],
                                         lambda realm: legacy(realm, "Preferences")])  # fmt: skip
def test_changed_settings_of_a_company_are_read_by_its_next_form(notify, connected, of_settings):
    """No look at what has changed tells of them."""
    profile = {"country": "GB", "read_at": timezone.now().isoformat()}
    mine, other = connected(profile=profile), connected(profile=profile)
    notify([event(mine.realm_id), event(other.realm_id)])
    assert notify(of_settings(mine.realm_id)).status_code == 200
    for each in (mine, other):
        each.refresh_from_db()
    assert (mine.profile["country"], mine.profile["read_at"], other.profile) == ("GB", "", profile)


def test_settings_that_were_never_read_are_not_there_for_a_notice_either(notify, connected):
    mine = connected(profile={})
    notify([event(mine.realm_id, "qbo.preferences.updated.v1")])
    mine.refresh_from_db()
    assert mine.profile == {}


def test_a_single_event_outside_a_list_is_understood(notify, connected):
    mine = connected(next_sync_at=None)
    assert notify(event(mine.realm_id)).status_code == 200
    assert is_due(mine)


def test_several_companies_in_one_notice_each_become_due(notify, connected):
    first, second, unnamed, ended = connected(), connected(), connected(), connected(state=ConnectionState.ENDED)
    content = [event(first.realm_id), event("9999"), event(ended.realm_id), event(second.realm_id, "qbo.unheard.of.v9")]
    assert notify(content).status_code == 200
    assert [is_due(each) for each in (first, second, unnamed, ended)] == [True, True, False, False]


@pytest.mark.parametrize("in_a_burst", [False, True])
def test_a_notice_of_one_company_says_the_same_of_it_as_one_of_several(notify, connected, in_a_burst):
    """The first has a statement that is made once: a moment that is not put into it would stand there for ever."""
    names = [field.name for field in QuickBooksConnection._meta.concrete_fields]
    moments = [name for name in names if name.endswith(("_at", "_since"))]
    with time_machine.travel(timezone.now(), tick=False) as clock:
        alone, beside, third = connected(), connected(), connected()
        everyone = QuickBooksConnection.objects.filter(pk__in=[alone.pk, beside.pk])
        everyone.update(unread_since=timezone.now() if in_a_burst else None)
        for _ in range(2):
            clock.shift(3)
            notify([event(alone.realm_id)])
            notify([event(beside.realm_id), event(third.realm_id)])
        one, other = everyone.order_by("pk").values(*moments)
    assert one == other
    assert one["last_notice_at"] is not None


def test_a_burst_is_answered_by_one_look_after_its_end_and_kept_waiting_ten_seconds_at_most(notify, connected):
    mine = connected()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        begun = timezone.now()
        for _ in range(60):
            notify([event(mine.realm_id)] * 100)
            mine.refresh_from_db()
            assert mine.next_sync_at == min(timezone.now() + pacing.SILENCE, begun + pacing.LONGEST_BURST)
            clock.shift(timedelta(seconds=0.2))
    assert (mine.unread_since, mine.last_notice_at) == (begun, begun + timedelta(seconds=59 * 0.2))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"{}",
        b"[]",
        b"null",
        b"[1, null, {}]",
        b'{"eventNotifications": {"realmId": 1}}',
        b'"text"',
        b"\xff",
        b"[" * 50_000,
        rb'[{"intuitaccountid": "913\u0000"}]',
        rb'[{"intuitaccountid": "913\ud800"}, {"intuitaccountid": "914"}]',
    ],
)
def test_well_signed_nonsense_is_accepted_and_ignored(notify, connected, content):
    mine = connected()
    assert notify(content).status_code == 200
    assert not is_due(mine)


@pytest.mark.parametrize(
    "signed",
    [
        lambda body: "",
        lambda body: "AAAA",
        lambda body: signature(body, "of-another-app"),
        lambda body: signature(body, ""),
        lambda body: signature(json.dumps(json.loads(body), indent=1).encode()),
        lambda body: "ü",
    ],
)
def test_what_is_not_signed_with_our_token_changes_nothing(notify, connected, signed):
    mine = connected()
    body = json.dumps([event(mine.realm_id)]).encode()
    assert notify(body, signed=signed(body)).status_code == 401
    assert not is_due(mine)


def test_the_log_tells_of_notices_that_are_signed_with_another_token(notify, connected, caplog):
    """One that was changed at Intuit and not here: nobody would notice, as statuses only come later."""
    body = json.dumps([event(connected().realm_id)]).encode()
    assert notify(body, signed=signature(body, "the former one")).status_code == 401
    assert "a notice is refused" in caplog.text


def test_without_a_verifier_token_the_address_does_not_exist(notify, connected, settings):
    settings.QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN = ""
    mine = connected()
    body = json.dumps([event(mine.realm_id)]).encode()
    assert notify(body, signed=signature(body, "")).status_code == 404
    assert not is_due(mine)


def test_of_very_many_companies_in_one_notice_none_is_left_out(notify, connected):
    mine = connected(realm_id="~ sorted last")
    assert notify([event(f"{number}") for number in range(5000)] + [event(mine.realm_id)]).status_code == 200
    assert is_due(mine)


def test_a_company_whose_notices_wait_holds_four_threads_and_more_are_told_to_come_again(
    notify, connected, monkeypatch
):
    """They wait for as long as a new token does, say, and a company may have many."""
    monkeypatch.setattr(shares, "HELD", 0)
    waits, other = connected(realm_id="4711"), connected()
    with ExitStack() as stack:
        for _ in range(shares.MOST_HELD):
            stack.enter_context(shares.notice_of("4711"))
        answer = notify([event("4711")])
        assert (answer.status_code, answer["Retry-After"]) == (503, "10")
        assert not is_due(waits)
        assert notify([event(other.realm_id)]).status_code == 200
        assert is_due(other)
    assert notify([event("4711")]).status_code == 200
    assert is_due(waits)


def test_only_post_is_taken(notify):
    assert notify([], method="put").status_code == 405


def test_one_update_serves_a_notice_of_any_length(notify, connected, django_assert_num_queries):
    realms = [connected().realm_id for _ in range(3)]
    with django_assert_num_queries(5):  # a savepoint, the rows in order, the update; whether one is held
        notify([event(realm) for realm in realms * 100])
    assert QuickBooksConnection.objects.filter(next_sync_at__lte=timezone.now() + pacing.SILENCE).count() == 3
