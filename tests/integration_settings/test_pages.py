"""Public pages, pages for faults, and what the operator asks."""

from __future__ import annotations

import logging
import socket
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from celery import Celery
from django.db import connection
from django.test import Client
from django.urls import path
from django.utils import timezone
from redis import Redis

from integration_settings import services
from integration_settings import urls as our_urls
from integration_settings.metrics import as_text
from integration_settings.models import ConnectionState, InvoicePreset, QuickBooksConnection
from invoices import deal_gateway
from invoices.models import CustomerUpdate, InvoiceAction
from pipedrive_qb import health
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/", "Install in Pipedrive"),
        ("/privacy", "What is kept"),
        ("/terms", "What the service does"),
        ("/support", "Where to write"),
        ("/quickbooks/launch", "Your invoices are in Pipedrive"),
        ("/quickbooks/reconnect", "Sign in to QuickBooks again"),
        ("/quickbooks/disconnected", "QuickBooks is disconnected"),
    ],
)
def test_public_pages_are_there_and_set_no_cookie(client, address, words):
    answer = client.get(address)
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not answer.cookies
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert client.post(address).status_code == 405


def test_the_privacy_page_tells_of_a_service_that_is_told_of_faults_where_there_is_one(client, settings):
    words = "faults of the program are reported"
    assert words not in client.get("/privacy").content.decode()
    settings.SENTRY_DSN = "https://key@sentry.example.com/1"
    assert words in client.get("/privacy").content.decode()


def test_the_privacy_page_tells_how_long_a_company_is_kept_that_left_without_an_uninstall(client):
    """That the last sign-in has ended is noticed when it is renewed, which may be a month after it did."""
    assert timedelta(days=30) == services.ABANDONED_AFTER == services.IDLE_LIMIT
    shown = client.get("/privacy").content.decode()
    assert "we notice thirty days later at the latest" in shown
    assert "delete everything another thirty days after that" in shown


def test_the_privacy_page_names_what_is_kept_of_updates_e_mails_and_presets_and_what_outlives_a_company(client):
    kept = {
        field.name for model in (CustomerUpdate, InvoiceAction, InvoicePreset) for field in model._meta.get_fields()
    }
    assert kept >= {"changes", "to", "cc", "bcc"}
    shown = client.get("/privacy").content.decode()
    for words in (
        "what stood in QuickBooks and what was to stand there, and the addresses of the e-mail",
        "presets with their texts and e-mail addresses",
        "unless another Pipedrive company uses the same QuickBooks company",
        "whether an uninstall had reached us, whether Intuit ended the sign-in, and how often",
    ):
        assert words in shown


def test_the_privacy_page_says_how_long_memory_outlives_a_company(client):
    assert max(deal_gateway.PRODUCT_SECONDS, deal_gateway.REMEMBERED_SECONDS) == 60 * 60
    assert "are gone an hour later" in client.get("/privacy").content.decode()


def test_the_support_page_names_an_address_to_write_to_where_there_is_one(client, settings):
    """Both reviews look for it; who came from QuickBooks has no Marketplace page that would tell."""
    without = client.get("/support").content.decode()
    assert "Write to whoever runs this service" in without
    assert "mailto:" not in without
    settings.SUPPORT_EMAIL = "help@example.com"
    named = client.get("/support").content.decode()
    assert '<a href="mailto:help@example.com">help@example.com</a>' in named
    assert "Write to whoever runs this service" not in named


def test_who_opens_the_app_in_quickbooks_and_has_not_installed_it_is_led_there(client):
    assert 'href="/pipedrive/install"' in client.get("/quickbooks/launch").content.decode()


def test_the_first_page_asks_an_administrator_for_the_first_connection_alone(client):
    """Every user installs the app; most are no administrators."""
    shown = client.get("/").content.decode()
    assert "for the first connection, an administrator’s account" in shown


def test_the_first_page_leads_to_the_others(client):
    shown = client.get("/").content.decode()
    for address in ("/pipedrive/install", "/privacy", "/terms", "/support"):
        assert f'href="{address}"' in shown


def fails(request):
    raise RuntimeError("customer Bramley's data")


class Broken:
    """Addresses of a service in which one page fails."""

    urlpatterns = (*our_urls.urlpatterns, path("broken", fails), path("embed/broken", fails))
    handler404 = "integration_settings.views.faults.page_not_found"
    handler500 = "integration_settings.views.faults.server_error"


@pytest.fixture
def broken(settings):
    settings.ROOT_URLCONF = Broken
    return Client(raise_request_exception=False)


@pytest.mark.parametrize(
    ("address", "headers"),
    [("/broken", {}), ("/embed/broken", {}), ("/embed/broken", {"HX-Request": "true"})],
)
def test_a_fault_of_ours_shows_a_code_that_the_log_has_too(broken, address, headers, caplog):
    logging.getLogger("django.request").propagate = True
    answer = broken.get(address, headers=headers)
    shown = answer.content.decode()
    code = answer.headers["X-Request-Id"]
    assert answer.status_code == 500
    assert "This page could not be shown" in shown
    assert "Nothing was sent to QuickBooks by this page." in shown
    assert f'<b class="nowrap">{code}</b>' in shown
    assert "Bramley" not in shown
    assert len(code) == 9
    assert ("<html" in shown) is (not headers)


def test_trying_again_asks_for_the_very_same_page(broken):
    shown = broken.get("/broken?ticket=abc&confirmed=1").content.decode()
    assert 'href="/broken?ticket=abc&amp;confirmed=1"' in shown


@pytest.mark.parametrize(
    ("language", "moment"), [("en-GB", "7 Dec 2026, 09:05"), ("fr", "7 déc. 2026, 09:05"), ("de", "07.12.2026, 09:05")]
)
def test_a_fault_tells_its_moment_as_the_reader_writes_it(broken, language, moment):
    with time_machine.travel(datetime(2026, 12, 7, 9, 5, tzinfo=UTC), tick=False):
        shown = broken.get("/nowhere", headers={"Accept-Language": language}).content.decode()
    assert f"{moment} UTC" in shown


@pytest.mark.parametrize("address", ["/nowhere", "/embed/nowhere", "/.git/config", "/admin/", "/static/../manage.py"])
def test_an_address_that_does_not_exist_says_so(broken, address):
    answer = broken.get(address)
    assert answer.status_code == 404
    assert "This page does not exist" in answer.content.decode()
    assert "urlpatterns" not in answer.content.decode()


def test_a_code_from_the_proxy_is_taken_if_it_looks_like_one(client):
    assert client.get("/healthz", headers={"X-Request-Id": "abc-12345678"}).headers["X-Request-Id"] == "abc-12345678"
    assert client.get("/healthz", headers={"X-Request-Id": "<script>"}).headers["X-Request-Id"] != "<script>"


# The operator


def test_alive(client):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_ready(client):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"database": "ok", "broker": "ok"})


@pytest.mark.parametrize("part", ["database", "broker"])
def test_not_ready_says_what_is_missing_and_nothing_more(client, monkeypatch, part):
    def fail():
        raise OSError("secret-host:5432 refused")

    monkeypatch.setattr(health, f"_ask_{part}", fail)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()[part] == "unreachable"
    assert "secret-host" not in answer.content.decode()


@pytest.mark.timeout(20)
def test_a_broker_that_takes_the_call_and_says_nothing_is_not_ready(client, monkeypatch):
    """Whoever asks waits for a few seconds himself, and has to be told by then."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        app = Celery(broker=f"redis://127.0.0.1:{server.getsockname()[1]}", set_as_current=False)
        app.conf.broker_transport_options = {"socket_timeout": 60, "retry_on_timeout": True}
        monkeypatch.setattr(health, "app", app)
        monkeypatch.setattr(health, "BROKER_SECONDS", 0.1)
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"database": "ok", "broker": "unreachable"})


def test_a_redis_that_takes_nothing_is_not_ready(client, redis_url, monkeypatch):
    """It answers, and no press is carried out: nobody gets a message through."""
    monkeypatch.setattr(health, "app", Celery(broker=redis_url, set_as_current=False))
    assert client.get("/readyz").json()["broker"] == "ok"
    with Redis.from_url(redis_url) as full:
        full.config_set("maxmemory", 1)
        answer = client.get("/readyz")
        full.config_set("maxmemory", 0)
    assert (answer.status_code, answer.json()) == (503, {"database": "ok", "broker": "read only"})


@pytest.mark.postgres
def test_a_database_that_takes_nothing_is_not_ready(client):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_read_only = on")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"database": "read only", "broker": "ok"})


@pytest.mark.parametrize(
    ("token", "authorization", "status"),
    [
        ("", "", 404),
        ("", "Bearer ", 404),
        ("t0ken", "", 404),
        ("t0ken", "Bearer wrong", 404),
        ("t0ken", "Basic t0ken", 404),
        ("t0ken", "Bearer t0ken", 200),
    ],
)
def test_figures_are_for_the_operator(client, settings, token, authorization, status):
    settings.METRICS_TOKEN = token
    assert client.get("/metrics", headers={"Authorization": authorization}).status_code == status


def test_figures_count_companies_and_grants(client, settings, company, other_company):
    make_user(company, state="ended")
    settings.METRICS_TOKEN = "t0ken"
    lines = client.get("/metrics", headers={"Authorization": "Bearer t0ken"}).content.decode().splitlines()
    assert "invoicing_companies 2" in lines
    assert 'invoicing_grants{service="pipedrive",state="connected"} 2' in lines
    assert 'invoicing_grants{service="pipedrive",state="ended"} 1' in lines
    assert lines.count("# TYPE invoicing_grants gauge") == 1
    assert any(line.startswith("invoicing_sync_lateness_seconds ") for line in lines)
    assert not any(company.name in line for line in lines)


def figure(name):
    return next(line.rpartition(" ")[2] for line in as_text().splitlines() if line.startswith(f"{name} "))


def test_a_look_is_late_only_once_quickbooks_may_be_asked_again(quickbooks):
    now = timezone.now()

    def lateness(**minutes):
        moments = {name: now + timedelta(minutes=number) for name, number in minutes.items()}
        QuickBooksConnection.objects.update(**moments)
        return round(float(figure("invoicing_sync_lateness_seconds")), -1)

    assert lateness(next_sync_at=-90) == 90 * 60
    assert lateness(paused_until=600) == 0
    assert lateness(paused_until=-10) == 10 * 60
    assert lateness(next_sync_at=5) == 0
    QuickBooksConnection.objects.update(next_sync_at=now - timedelta(hours=9), state=ConnectionState.ENDED)
    assert figure("invoicing_sync_lateness_seconds") == "0"


def test_large_figures_keep_all_their_digits(settings):
    settings.QUICKBOOKS_MONTHLY_READ_BUDGET = 10_000_001
    assert figure("invoicing_quickbooks_read_budget") == "10000001"
