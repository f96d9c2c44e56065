"""Exactly one invoice, whatever dies on the way: real worker processes, a real Redis, a real database."""

from __future__ import annotations

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from django.db import connection, transaction

from invoices.domain.status import Submission
from invoices.models import Invoice
from tests.processes.conftest import customers_named, invoices_for, settled
from tests.servers import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600), pytest.mark.django_db(transaction=True)]

INVOICE = "/invoice$"


def sent_ids(control, realm):
    """The request ids under which invoices were sent to this company."""
    calls = control.requests("quickbooks", method="POST", path=f"/company/{realm}/invoice")
    return [call["requestid"] for call in calls]


def assert_exactly_one(control, tenant, invoice, customer):
    found = invoices_for(control, tenant.realm, customer)
    assert len(found) == 1
    assert len(customers_named(control, tenant.realm, customer)) == 1
    assert invoice.submission == Submission.SUCCEEDED
    assert invoice.qbo_invoice_id == found[0]["Id"]
    assert invoice.number == found[0]["DocNumber"]
    # A call that QuickBooks still holds is listed when it ends; the invoice may be found before that.
    wait_until(lambda: sent_ids(control, tenant.realm), what="the call is listed")
    assert len(set(sent_ids(control, tenant.realm))) == 1


def test_one_invoice_when_the_worker_dies_between_the_answer_and_our_commit(
    start_worker, connect, control, fill_in, press_create
):
    tenant = connect("GB")
    draft = fill_in(tenant)
    control.fault("hang", method="POST", path=INVOICE, seconds=8, times=1, company=tenant.realm)
    worker = start_worker()
    invoice = press_create(tenant, draft)

    # QuickBooks has saved the invoice and is about to answer.
    wait_until(lambda: invoices_for(control, tenant.realm, draft.bill_to.name), what="QuickBooks saved the invoice")
    with hold_the_row(invoice):
        wait_until(lambda: sent_ids(control, tenant.realm), what="QuickBooks answered")
        time.sleep(0.5)  # the answer is with the worker now, which waits for the row in order to record it
        worker.kill()

    invoice.refresh_from_db()
    assert invoice.qbo_invoice_id == ""
    start_worker()
    assert_exactly_one(control, tenant, settled(invoice, seconds=150), draft.bill_to.name)


class hold_the_row:  # noqa: N801 (reads as a sentence)
    """Keeps another connection's lock on an invoice, so that nobody can write to it meanwhile."""

    def __init__(self, invoice):
        self.invoice = invoice
        self.held, self.free = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.hold)

    def hold(self):
        try:
            with transaction.atomic():
                Invoice.objects.select_for_update().get(pk=self.invoice.pk)
                self.held.set()
                self.free.wait(60)
        finally:
            connection.close()

    def __enter__(self):
        self.thread.start()
        assert self.held.wait(30)

    def __exit__(self, *_):
        self.free.set()
        self.thread.join()


def test_one_customer_and_one_invoice_when_the_worker_dies_while_quickbooks_works(
    start_worker, connect, control, fill_in, press_create
):
    at_invoice, at_customer = connect("GB"), connect("US")
    drafts = {at_invoice: fill_in(at_invoice), at_customer: fill_in(at_customer)}
    control.fault("hang", method="POST", path=INVOICE, seconds=6, times=1, company=at_invoice.realm)
    control.fault("hang", method="POST", path="/customer$", seconds=6, times=1, company=at_customer.realm)
    worker = start_worker()
    invoices = {tenant: press_create(tenant, draft) for tenant, draft in drafts.items()}

    def both_saved():
        invoice = invoices_for(control, at_invoice.realm, drafts[at_invoice].bill_to.name)
        return invoice and customers_named(control, at_customer.realm, drafts[at_customer].bill_to.name)

    wait_until(both_saved, what="QuickBooks saved the one's invoice and the other's customer")
    worker.kill()
    start_worker()
    for tenant, invoice in invoices.items():
        assert_exactly_one(control, tenant, settled(invoice, seconds=150), drafts[tenant].bill_to.name)


LOSSES = {
    "nothing": [],
    "the answer is lost": [{"kind": "lost"}],
    "it answers 500 after the work": [{"kind": "error_after", "status": 500}],
    "it is down before the work": [{"kind": "status", "status": 503}],
    "lost, and request ids are forgotten": [{"kind": "lost"}, {"kind": "ignore_requestid"}],
    "lost, forgotten, and the search is late": [
        {"kind": "lost"},
        {"kind": "ignore_requestid"},
        {"kind": "query_lag", "seconds": 3},
    ],
}
LASTING = ("ignore_requestid", "query_lag")


def test_one_invoice_whatever_becomes_of_the_answer(worker, connect, control, fill_in, press_create):
    tenants = {loss: connect("GB") for loss in LOSSES}
    drafts = {loss: fill_in(tenant) for loss, tenant in tenants.items()}
    for loss, faults in LOSSES.items():
        for fault in faults:
            once = {} if fault["kind"] in LASTING else {"method": "POST", "path": INVOICE, "times": 1}
            control.fault(company=tenants[loss].realm, **once, **fault)
    invoices = {loss: press_create(tenant, drafts[loss]) for loss, tenant in tenants.items()}
    for loss, invoice in invoices.items():
        assert_exactly_one(control, tenants[loss], settled(invoice, seconds=120), drafts[loss].bill_to.name)


def test_one_invoice_of_many_presses_with_two_workers_and_a_broker_that_lost_every_message(
    start_worker, connect, control, fill_in, press_create, redis_url
):
    tenant = connect("GB")
    draft = fill_in(tenant)
    key = uuid.uuid4()
    together = threading.Barrier(6)

    def press(_):
        try:
            together.wait(10)
            return press_create(tenant, draft, key).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        rows = set(pool.map(press, range(6)))
    assert len(rows) == 1
    assert Invoice.objects.count() == 1
    client = redis.Redis.from_url(redis_url)
    client.flushall()
    client.close()
    start_worker()
    start_worker()
    invoice = settled(Invoice.objects.get(pk=rows.pop()))
    time.sleep(3)  # a tick of both workers
    assert_exactly_one(control, tenant, invoice, draft.bill_to.name)
    assert len(sent_ids(control, tenant.realm)) == 1
