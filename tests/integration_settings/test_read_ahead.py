"""The lists of a company that has just connected QuickBooks are there before its first form."""

from __future__ import annotations

import logging

import pytest
from django.conf import settings

from integration_settings.tasks import read_ahead_soon
from pipedrive_qb import logs
from pipedrive_qb.celery import app
from tests.integration_settings.test_quickbooks_sign_in import connect_url, go_on_url, priya, tenant

__all__ = ["priya", "tenant"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def queue():
    with app.connection_for_read() as broker:
        waiting = broker.SimpleQueue(settings.CELERY_TASK_DEFAULT_QUEUE)
        waiting.clear()
        yield waiting
        waiting.close()


def carry_out(queue) -> None:
    """What a worker does with the message that waits."""
    message = queue.get(block=False)
    message.ack()
    arguments, named, _ = message.payload
    app.tasks[message.headers["task"]](*arguments, **named)


def reads(control) -> list[str]:
    return [call["path"].rpartition("/")[2] for call in control.requests("quickbooks", path="/v3/")]


def test_after_connecting_a_worker_reads_what_every_form_needs(
    priya, tenant, queue, control, client, page_token, caplog
):
    priya.connect(go_on_url(priya, connect_url(tenant.user)))
    control.forget_requests()
    caplog.set_level(logging.INFO, "integration_settings.http")
    caplog.handler.addFilter(logs.Context())
    caplog.clear()
    carry_out(queue)
    assert {record.company_id for record in caplog.records} == {str(tenant.company.pipedrive_company_id)}
    assert reads(control) == ["query"] * 5  # tax codes and their rates, items, currencies, locations
    control.forget_requests()
    deals = control.company(tenant.pair.pipedrive_company_id)["deals"].values()
    deal = next(deal["id"] for deal in deals if deal["title"].startswith("Bramley Foods"))
    answer = client.get("/embed/invoice/form", {"deal": deal}, headers=page_token(tenant.user, "invoice"))
    assert answer.status_code == 200
    assert reads(control) == ["query"] * 2  # customers by the e-mail's domain, and by name


def test_what_quickbooks_does_not_tell_then_is_read_by_the_form(priya, tenant, queue, control):
    priya.connect(go_on_url(priya, connect_url(tenant.user)))
    control.fault("status", status=503, path="/query")
    carry_out(queue)  # no complaint
    assert reads(control)


def test_a_company_that_is_gone_meanwhile_is_nobodys(priya, tenant, queue, control):
    priya.connect(go_on_url(priya, connect_url(tenant.user)))
    tenant.company.delete()
    control.forget_requests()
    carry_out(queue)
    assert reads(control) == []


def test_without_a_broker_nobody_is_told(tenant, monkeypatch, caplog):
    monkeypatch.setattr(app.amqp.producer_pool, "acquire", _no_broker)
    read_ahead_soon(tenant.company)
    assert "the broker takes no messages" in caplog.text


def _no_broker(*_args, **_named):
    from kombu.exceptions import OperationalError

    raise OperationalError("down")
