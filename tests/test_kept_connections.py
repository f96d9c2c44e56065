"""Threads of the web server keep their connections to the database, until somebody finds none free."""

from __future__ import annotations

import pytest
from celery.signals import task_failure
from django.core.cache import cache
from django.core.signals import got_request_exception, request_finished
from django.db import OperationalError
from django.db import connection as database
from django.test import Client

from integration_settings.views import pages
from pipedrive_qb import kept_connections

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def web(monkeypatch):
    """web() -> whether its thread keeps the connection after a request."""
    monkeypatch.setattr(kept_connections, "keeping", kept_connections.Keeping())
    monkeypatch.setattr(kept_connections, "NEXT_LOOK", 0)
    monkeypatch.setitem(database.settings_dict, "CONN_MAX_AGE", 60)
    database.close()
    kept_connections.watch()
    end = kept_connections.keeping.end

    def keeps():
        database.ensure_connection()
        request_finished.send(sender=None)
        return database.connection is not None

    yield keeps
    got_request_exception.disconnect(kept_connections._of_request)
    request_finished.disconnect(end)


def test_a_connection_is_kept_for_the_next_request(web):
    assert web()


def test_none_is_kept_while_the_worker_finds_none_free(web):
    task_failure.send(sender=None, exception=OperationalError("sorry, too many clients already"))
    assert not web()
    cache.delete(kept_connections.SOMEBODY_FINDS_NONE)  # its time is over
    assert web()


def test_none_is_kept_while_a_page_finds_none_free(web, monkeypatch):
    def none_free(*_):
        raise OperationalError("FEHLER: alle Verbindungen sind belegt")

    monkeypatch.setattr(pages, "render", none_free)
    assert Client(raise_request_exception=False).get("/").status_code == 500
    assert not web()


def test_a_fault_of_ours_is_no_reason(web):
    task_failure.send(sender=None, exception=ValueError("no number"))
    assert web()
