"""Pipedrive's word that somebody uninstalled: believed only from Pipedrive, and done completely."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import DataError
from django.utils import timezone

from integration_settings import connections, log_context, read_budget, services, tasks
from integration_settings.errors import ServiceUnavailable
from integration_settings.models import (
    Company,
    PipedriveUser,
    QuickBooksConnection,
    ReferenceList,
    Removal,
    SignIn,
    UsedTicket,
)
from pipedrive_qb import logs
from pipedrive_qb.celery import app
from tests.factories import make_company, make_connection, make_customer_link, make_invoice, make_user
from tests.integration_settings.vendors import (
    INTUIT_REVOKE,
    INTUIT_TOKEN,
    PIPEDRIVE_TOKEN,
    add_discovery,
    intuit_answer,
    pipedrive_answer,
)

pytestmark = pytest.mark.django_db
ID, SECRET = "test-pipedrive-client", "test-pipedrive-secret-0123456789abcdef"


def basic(name=ID, secret=SECRET):
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


def uninstall(client, user=None, *, authorization=None, body=None, **changes):
    if body is None:
        body = {
            "client_id": ID,
            "company_id": user.company.pipedrive_company_id,
            "user_id": user.user_id,
            "timestamp": "2026-11-24T10:00:00Z",
        } | changes
        body = json.dumps(body)
    headers = {"Authorization": basic() if authorization is None else authorization}
    return client.delete("/pipedrive/callback", body, content_type="application/json", headers=headers)


@pytest.fixture
def intuit(vendor):
    add_discovery(vendor)
    vendor.post(INTUIT_REVOKE)
    return vendor


def revoked(vendor):
    return [json.loads(call.request.body)["token"] for call in vendor.calls if call.request.url == INTUIT_REVOKE]


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic not-base64!",
        basic(secret="wrong"),
        basic(name="other-client"),
        basic(secret=""),
        basic().replace("Basic", "Bearer"),
        basic() + "x",
    ],
)
def test_a_forged_call_removes_nothing(client, user, vendor, authorization):
    answer = uninstall(client, user, authorization=authorization)
    assert answer.status_code == 401
    assert PipedriveUser.objects.filter(pk=user.pk).exists()
    assert not vendor.calls


def test_the_log_tells_of_uninstalls_that_are_not_believed(client, user, vendor, caplog):
    """After a wrong client secret they are all Pipedrive's, and the data of who left stays."""
    assert uninstall(client, user, authorization=basic(secret="the former one")).status_code == 401
    assert "an uninstall is refused" in caplog.text


def test_what_an_uninstall_does_is_logged_under_its_company(client, user, intuit, caplog):
    caplog.set_level("INFO", "integration_settings")
    caplog.handler.addFilter(logs.Context())
    assert uninstall(client, user).status_code == 204
    assert {record.company_id for record in caplog.records} == {str(user.company.pipedrive_company_id)}
    assert "revoke" in caplog.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("[]", 400),
        ("[" * 50_000, 400),
        ("{}", 400),
        ('{"client_id": "another", "company_id": 1, "user_id": 1}', 401),
        (f'{{"client_id": "{ID}", "company_id": "1", "user_id": 1}}', 400),
        (f'{{"client_id": "{ID}", "company_id": 1, "user_id": true}}', 400),
    ],
)
def test_a_call_that_names_nobody_removes_nothing_and_is_told_by_the_log(client, user, vendor, body, status, caplog):
    assert uninstall(client, body=body).status_code == status
    assert "an uninstall is refused: it is Pipedrive's" in caplog.text
    assert PipedriveUser.objects.filter(pk=user.pk).exists()


def test_one_of_several_users_goes_alone(client, user, vendor):
    colleague = make_user(user.company)
    assert uninstall(client, user).status_code == 204
    assert not PipedriveUser.objects.filter(pk=user.pk).exists()
    assert PipedriveUser.objects.get(pk=colleague.pk).refresh_token == colleague.refresh_token
    assert user.company.quickbooks.is_connected
    assert not vendor.calls


def test_with_the_last_user_goes_everything_of_the_company(client, user, other_company, intuit):
    company = user.company
    token = company.quickbooks.refresh_token
    make_invoice(company)
    make_customer_link(company)
    ReferenceList.objects.create(company=company, kind="items", rows=[{"name": "x"}], fetched_at=timezone.now())
    SignIn.objects.create(state_digest="x", service="quickbooks", browser_digest="x", company=company)
    make_invoice(other_company)
    assert uninstall(client, user).status_code == 204
    for model in [
        *apps.get_app_config("integration_settings").get_models(),
        *apps.get_app_config("invoices").get_models(),
    ]:
        if model is Company:
            assert [row.pk for row in model.objects.all()] == [other_company.pk]
        elif any(field.name == "company" for field in model._meta.get_fields()):
            assert not model.objects.filter(company_id=company.pk).exists(), model
    assert other_company.invoices.count() == 1
    assert revoked(intuit) == [token]


def proofs():
    return [(row.pipedrive_company_id, row.why, row.revoked) for row in Removal.objects.all()]


def test_a_proof_of_it_stays_without_anything_of_the_company(client, user, intuit):
    before = timezone.now()
    uninstall(client, user)
    assert proofs() == [(user.company.pipedrive_company_id, "uninstalled", True)]
    assert before <= Removal.objects.get().removed_at <= timezone.now()
    assert {field.name for field in Removal._meta.get_fields()} == {
        "id",
        "pipedrive_company_id",
        "removed_at",
        "why",
        "revoked",
        "reads_month",
        "reads",
    }


def test_what_a_company_has_read_this_month_counts_when_it_has_left(client, user, other_company, intuit):
    for connection in QuickBooksConnection.objects.all():
        read_budget.count_each([connection.pk] * 3)
    uninstall(client, user)
    assert Company.objects.count() == 1
    assert read_budget.spent() == 6


@pytest.mark.django_db(transaction=True)
def test_what_a_process_that_ended_meanwhile_has_left_goes_within_the_hour(
    client, user, quickbooks, intuit, monkeypatch
):
    """A company of a hundred thousand invoices takes a minute, in which a newer version may be put in place."""
    make_invoice(user.company)

    def end(*_):
        raise SystemExit

    with monkeypatch.context() as ending:
        ending.setattr(services, "_remove", end)
        with pytest.raises(SystemExit):
            uninstall(client, user)
    assert Company.objects.count() == 1
    tasks.keep_installations_alive()
    assert not Company.objects.exists()
    assert proofs() == [(user.company.pipedrive_company_id, "uninstalled", True)]


def test_the_proof_says_when_intuit_did_not_take_the_revocation(client, user, vendor, no_waiting):
    uninstall(client, user)
    assert proofs() == [(user.company.pipedrive_company_id, "uninstalled", False)]


def test_the_proof_of_a_process_that_ended_before_it_could_revoke_says_that_intuit_did_not_take_it(
    user, quickbooks, monkeypatch
):
    def end(*_):
        raise SystemExit

    monkeypatch.setattr(connections, "revoke_quickbooks_quietly", end)
    with pytest.raises(SystemExit):
        services.uninstall(pipedrive_company_id=user.company.pipedrive_company_id, user_id=user.user_id)
    assert not Company.objects.exists()
    assert proofs() == [(user.company.pipedrive_company_id, "uninstalled", False)]


def test_while_somebody_is_left_there_is_no_proof_of_a_removal(client, user, vendor):
    make_user(user.company)
    uninstall(client, user)
    assert proofs() == []


def test_a_colleague_whose_grant_ended_long_ago_does_not_keep_the_company(client, user, intuit):
    make_user(user.company, state="ended")
    uninstall(client, user)
    assert not Company.objects.filter(pk=user.company_id).exists()


def test_the_data_goes_although_intuit_does_not_answer(client, user, vendor, no_waiting):
    assert uninstall(client, user).status_code == 204
    assert not Company.objects.filter(pk=user.company_id).exists()


def test_a_repeated_call_is_harmless(client, user, intuit):
    uninstall(client, user)
    assert uninstall(client, user).status_code == 204
    assert len(revoked(intuit)) == 1


def test_a_company_that_never_was_is_harmless(client, user, vendor):
    assert uninstall(client, user, company_id=1).status_code == 204
    assert uninstall(client, user, user_id=1).status_code == 204


def test_a_user_of_another_company_is_not_touched(client, user, other_company, intuit):
    twin = make_user(other_company, user_id=user.user_id)
    uninstall(client, user)
    assert PipedriveUser.objects.filter(pk=twin.pk).exists()


@pytest.mark.parametrize("method", ["post", "put", "patch"])
def test_other_methods_are_not_allowed(client, db, method):
    assert getattr(client, method)("/pipedrive/callback").status_code == 405


# By the clock


def test_idle_grants_are_refreshed_before_they_die(company, vendor):
    long_ago = timezone.now() - timedelta(days=31)
    idle_user = make_user(company, refreshed_at=long_ago)
    fresh_user = make_user(company)
    other = make_company()
    make_user(other)
    idle_books = make_connection(other, refreshed_at=long_ago)
    make_user(company, refreshed_at=long_ago, state="ended")
    add_discovery(vendor)
    vendor.post(PIPEDRIVE_TOKEN, json=pipedrive_answer())
    vendor.post(INTUIT_TOKEN, json=intuit_answer())
    tasks.keep_installations_alive()
    idle_user.refresh_from_db()
    idle_books.refresh_from_db()
    assert idle_user.refreshed_at > timezone.now() - timedelta(minutes=1)
    assert idle_books.refresh_token == "new-refresh"
    assert PipedriveUser.objects.get(pk=fresh_user.pk).access_token == fresh_user.access_token
    assert len([call for call in vendor.calls if "token" in call.request.url]) == 2


def test_one_dead_grant_does_not_keep_the_others_from_being_refreshed(company, vendor):
    long_ago = timezone.now() - timedelta(days=31)
    idle = [make_user(company, refreshed_at=long_ago).user_id for _ in range(2)]
    vendor.post(PIPEDRIVE_TOKEN, status=400, json={"error": "invalid_grant"})
    vendor.post(PIPEDRIVE_TOKEN, json=pipedrive_answer())
    tasks.keep_installations_alive()
    found = company.users.filter(refreshed_at=long_ago)
    assert [user.is_connected for user in found] == [False]
    assert company.users.get(user_id__in=idle, refreshed_at__gt=long_ago).access_token == "new-access"


def test_keeping_many_slow_grants_alive_ends_before_its_time_limit_and_goes_on_the_next_time(
    company, monkeypatch, settings
):
    """A limit that strikes within a refresh would lose its answer, and with it the grant."""
    long_ago = timezone.now() - timedelta(days=31)
    for _ in range(12):
        make_user(company, refreshed_at=long_ago)
        make_connection(make_company(), refreshed_at=long_ago)
    passed = [0.0]
    monkeypatch.setattr(services.time, "monotonic", lambda: passed[0])

    def slowly(connection):
        passed[0] += 9.5
        type(connection).objects.filter(pk=connection.pk).update(refreshed_at=timezone.now())

    monkeypatch.setattr(services.connections, "keep_alive", slowly)
    for _ in range(10):
        begun = passed[0]
        services.keep_installations_alive()
        assert passed[0] - begun < settings.CELERY_TASK_SOFT_TIME_LIMIT
    for model in (PipedriveUser, QuickBooksConnection):
        assert not model.objects.filter(refreshed_at__lte=long_ago).exists()


def test_grants_that_nobody_answers_for_keep_no_other_from_being_refreshed(company, monkeypatch):
    long_ago = timezone.now() - timedelta(days=31)
    monkeypatch.setattr(services, "KEPT_ALIVE_AT_ONCE", 3)
    for _ in range(3):
        make_user(company, refreshed_at=long_ago - timedelta(days=1), api_domain="https://silent.pipedrive.com")
    alive = make_user(company, refreshed_at=long_ago)

    def answer(connection):
        if "silent" in connection.api_domain:
            raise ServiceUnavailable("pipedrive", "503")
        PipedriveUser.objects.filter(pk=connection.pk).update(refreshed_at=timezone.now())

    monkeypatch.setattr(services.connections, "keep_alive", answer)
    for _ in range(60):
        services.keep_installations_alive()
    alive.refresh_from_db()
    assert alive.refreshed_at > long_ago


def test_twenty_thousand_grants_have_their_turn_in_the_month_before_they_die():
    """All are idle at once after a month in which nothing ran, and Pipedrive's have another month to live."""
    turns = timedelta(days=30) / app.conf.beat_schedule["keep-installations-alive"]["schedule"]
    of_half_a_second = min(services.KEPT_ALIVE_AT_ONCE, services.KEPT_ALIVE_SECONDS / 0.5)
    assert turns * of_half_a_second > 20_000


def test_a_grant_that_cannot_be_kept_alive_is_logged_under_its_company(monkeypatch, caplog):
    caplog.handler.addFilter(logs.Context())
    connection = make_connection(make_company(), refreshed_at=timezone.now() - timedelta(days=31))

    def silent(_connection):
        raise ServiceUnavailable("quickbooks", "503")

    monkeypatch.setattr(services.connections, "keep_alive", silent)
    before = log_context.company_id.get()
    services.keep_installations_alive()
    (record,) = [record for record in caplog.records if "kept alive" in record.getMessage()]
    assert record.company_id == str(connection.company.pipedrive_company_id)
    assert log_context.company_id.get() == before


@pytest.mark.parametrize("work", ["keep_alive", "_remove"])
def test_what_the_database_refuses_of_one_company_ends_the_hourly_work_for_no_other(user, intuit, monkeypatch, work):
    moment = timezone.now() - timedelta(days=100)
    of_users = [user, make_user(make_company())]
    Company.objects.update(created_at=moment)
    state = "connected" if work == "keep_alive" else "ended"
    PipedriveUser.objects.update(state=state, ended_at=moment, refreshed_at=moment)
    QuickBooksConnection.objects.update(refreshed_at=timezone.now())
    tried, module = [], connections if work == "keep_alive" else services

    def refuse(row, *_):
        tried.append(row.pk)
        raise DataError

    monkeypatch.setattr(module, work, refuse)
    tasks.keep_installations_alive()
    assert sorted(tried) == sorted(row.pk if work == "keep_alive" else row.company_id for row in of_users)


@pytest.mark.parametrize(("days", "stays"), [(29, True), (31, False)])
def test_a_company_whose_uninstall_call_was_lost_goes_after_a_month(user, intuit, days, stays):
    moment = timezone.now() - timedelta(days=days)
    Company.objects.filter(pk=user.company_id).update(created_at=moment - timedelta(days=100))
    PipedriveUser.objects.filter(pk=user.pk).update(state="ended", ended_at=moment)
    assert services.remove_abandoned_companies() == (0 if stays else 1)
    assert Company.objects.filter(pk=user.company_id).exists() is stays
    assert len(revoked(intuit)) == (0 if stays else 1)
    assert proofs() == ([] if stays else [(user.company.pipedrive_company_id, "abandoned", True)])


def test_a_company_with_one_living_grant_stays(user):
    Company.objects.filter(pk=user.company_id).update(created_at=timezone.now() - timedelta(days=400))
    make_user(user.company, state="ended", ended_at=timezone.now() - timedelta(days=300))
    assert services.remove_abandoned_companies() == 0


def test_sign_ins_and_tickets_that_are_over_are_forgotten(company):
    for hours in (1, 25):
        moment = timezone.now() - timedelta(hours=hours)
        SignIn.objects.create(state_digest=str(hours), service="pipedrive", browser_digest="x", created_at=moment)
        UsedTicket.objects.create(nonce_digest=str(hours), used_at=moment)
    tasks.forget_finished_sign_ins()
    assert [row.state_digest for row in SignIn.objects.all()] == ["1"]
    assert [row.nonce_digest for row in UsedTicket.objects.all()] == ["1"]


@pytest.mark.parametrize(
    ("access", "administrator"),
    [
        ([{"app": "global", "admin": True}], True),
        ([{"app": "account_settings", "admin": True}], True),
        ([{"app": "sales", "admin": True}, {"app": "something_new", "admin": True}], False),
        ([{"app": "global", "admin": False}], False),
        ([], False),
        (None, False),
        (["global"], False),
    ],
)
def test_an_administrator_administers_the_whole_account(access, administrator):
    assert services.is_administrator({"access": access}) is administrator


def test_a_connection_is_not_made_for_a_name_that_is_no_domain(vendor):
    me = {"id": 1, "company_id": 2, "company_domain": "evil.example/", "name": "x"}
    vendor.get("http://127.0.0.1:8010/api/v1/users/me", json={"success": True, "data": me})
    vendor.post(PIPEDRIVE_TOKEN, json=pipedrive_answer())
    from integration_settings.errors import ServiceUnavailable
    from integration_settings.oauth import exchange_pipedrive_code

    with pytest.raises(ServiceUnavailable):
        services.install(exchange_pipedrive_code("c"))
    assert not Company.objects.exists()
    assert not QuickBooksConnection.objects.exists()
