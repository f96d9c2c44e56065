"""Errors go to whoever SENTRY_DSN names, without anything of a request, of a person or of an invoice."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sentry_sdk
from celery import shared_task
from django.http import HttpResponse
from django.test import Client
from django.urls import path
from sentry_sdk.transport import Transport

from pipedrive_qb import error_reports
from tests.settings import ENVIRONMENT

ROOT = Path(__file__).resolve().parent.parent
DSN = "https://0123456789abcdef@sentry.example.com/1"
TOKEN, EMAIL, PAGE_TOKEN, NAME = "canary-access-token", "canary@example.com", "canary-page-token", "Canary Foods Ltd"
CANARIES = (TOKEN, EMAIL, PAGE_TOKEN, NAME)


class Collecting(Transport):
    """In place of the network."""

    def __init__(self, options):
        super().__init__(options)
        self.sent = []

    def capture_envelope(self, envelope):
        self.sent.append(envelope)

    @property
    def text(self):
        return b"\n".join(envelope.serialize() for envelope in self.sent).decode()


@pytest.fixture
def reports():
    error_reports.switch_on(DSN, transport=Collecting)
    yield sentry_sdk.get_client().transport
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)


def breaks_on_purpose(request):
    token = TOKEN  # a local variable
    secret = {"customer": NAME, "token": token}
    raise ValueError(f"Key (email)=({EMAIL}) already exists, {secret}")


class Broken:
    urlpatterns = (path("embed/invoice/create", breaks_on_purpose),)
    handler500 = staticmethod(lambda request: HttpResponse(status=500))


@shared_task
def a_task_that_breaks(name):
    raise LookupError(f"no customer {name}")


def test_a_fault_in_a_page_is_reported_with_its_place_and_nothing_of_the_request(reports, settings):
    settings.ROOT_URLCONF = Broken
    client = Client(raise_request_exception=False)
    client.cookies["operator"] = TOKEN
    answer = client.post(
        f"/embed/invoice/create?token={PAGE_TOKEN}",
        {"name": NAME, "email": EMAIL},
        headers={"Authorization": f"Bearer {PAGE_TOKEN}", "X-Request-Id": "7F3C-29AD"},
    )
    assert answer.status_code == 500
    assert len(reports.sent) == 1
    for told in ("ValueError", "breaks_on_purpose", "tests.test_error_reports", "7F3C-29AD", "django.request"):
        assert told in reports.text
    for kept in (*CANARIES, "/embed/invoice/create", "Bearer", "cookie", "query_string", "vars"):
        assert kept not in reports.text


def test_a_fault_in_a_task_is_reported_without_what_it_was_about(reports):
    a_task_that_breaks.apply((NAME,))
    assert len(reports.sent) == 1
    assert "LookupError" in reports.text
    assert NAME not in reports.text


def test_an_error_that_is_only_logged_comes_without_what_it_names(reports):
    logging.getLogger("invoices.notes").error("the note of %s is refused", NAME)
    logging.getLogger("somebody.else").error(f"{EMAIL} is wrong")  # noqa: G004 (others write so)
    logging.getLogger("invoices.notes").warning("%s will be tried again", NAME)
    assert len(reports.sent) == 2
    assert "the note of %s is refused" in reports.text
    assert not [canary for canary in CANARIES if canary in reports.text]


def test_who_asks_by_another_name_is_no_fault_of_ours(reports):
    assert Client(HTTP_HOST=f"{TOKEN}.example.com").get("/healthz").status_code == 400
    assert reports.sent == []


def start(**more):
    """What the web server imports, in a process of its own; the names of the modules that are there then."""
    command = "import pipedrive_qb.wsgi, pipedrive_qb.celery, sys; print(*sys.modules)"
    environment = {
        "PATH": os.environ["PATH"],
        **ENVIRONMENT,
        "DATABASE_URL": "sqlite://:memory:",
        "DEBUG": "on",
        **more,
    }
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_without_the_variable_the_sdk_is_not_even_imported():
    assert "sentry_sdk" not in start()
    assert "sentry_sdk" in start(SENTRY_DSN=DSN)
