"""One invoice in the books, whatever happens: over the stand-in of QuickBooks, with real processes that are killed."""

from __future__ import annotations

import subprocess
import sys
import threading
import uuid
from dataclasses import replace

import pytest
from django.db import connections
from django.utils import timezone

from invoices import actions, notes, services, submission
from invoices.domain.actions import Action
from invoices.domain.status import Submission
from invoices.models import CustomerLink, Invoice
from tests.factories import D
from tests.invoices.acting import CALLS
from tests.invoices.intents import CREATE, ask, customers_called, draft_for, in_the_books, let_time_pass, settle
from tests.servers import ROOT, environment_of_app, wait_until

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]
several_processes = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tenant(connect):
    return connect("GB")


@pytest.fixture
def draft(tenant, control):
    return draft_for(tenant, control)


@pytest.mark.parametrize("ignored", [False, True], ids=["request ids honoured", "request ids ignored"])
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "lost"},
        {"kind": "error_after", "status": 500},
        {"kind": "error_after", "status": 504},
    ],
    ids=["lost", "500 after the work", "504 after the work"],
)
def test_a_lost_answer_ends_with_one_invoice(tenant, draft, control, fault, ignored):
    invoice = ask(tenant, draft)
    if ignored:
        control.fault("ignore_requestid", company=tenant.realm)
    control.fault(**fault, **CREATE, times=1, company=tenant.realm)
    submission.submit(invoice.pk)
    invoice.refresh_from_db()
    assert invoice.submission == Submission.UNKNOWN
    settle(invoice)
    (row,) = in_the_books(control, tenant, invoice)
    assert (invoice.submission, invoice.qbo_invoice_id) == (Submission.SUCCEEDED, row["Id"])
    assert len(customers_called(control, tenant, "Once Only")) == 1


def test_three_failures_before_the_work_end_with_one_invoice_and_one_request_id(tenant, draft, control):
    invoice = ask(tenant, draft)
    control.fault("status", status=500, **CREATE, times=3, company=tenant.realm)
    submission.submit(invoice.pk)
    settle(invoice)
    assert len(in_the_books(control, tenant, invoice)) == 1
    sent = [call for call in control.requests("quickbooks", method="POST") if call["path"].endswith("/invoice")]
    assert len(sent) == 4
    assert {call["requestid"] for call in sent} == {invoice.request_id}


def test_a_lagging_index_makes_no_second_invoice(tenant, draft, control):
    """Both searches find nothing although the invoice is there; QuickBooks repeats its answer to the request id."""
    invoice = ask(tenant, draft)
    control.fault("query_lag", seconds=3600, company=tenant.realm)
    control.fault("lost", **CREATE, times=1, company=tenant.realm)
    submission.submit(invoice.pk)
    settle(invoice)
    assert len(in_the_books(control, tenant, invoice)) == 1


@pytest.mark.parametrize("code", [429, 503])
def test_a_refused_connection_or_a_limit_is_waited_out(tenant, draft, control, code):
    invoice = ask(tenant, draft)
    control.fault("status", status=code, **CREATE, times=1, company=tenant.realm)
    submission.submit(invoice.pk)
    settle(invoice)
    assert len(in_the_books(control, tenant, invoice)) == 1


def test_a_lost_answer_about_the_customer_makes_no_second_one(tenant, draft, control):
    invoice = ask(tenant, draft)
    control.fault("ignore_requestid", company=tenant.realm)
    control.fault("lost", method="POST", path="/customer$", times=1, company=tenant.realm)
    submission.submit(invoice.pk)
    settle(invoice)
    assert invoice.submission == Submission.SUCCEEDED
    assert len(customers_called(control, tenant, "Once Only")) == 1


# Processes that are killed


def submit_in_a_process(stand_ins, invoice, *, dying_at=""):
    """A process of its own that submits the intent; `dying_at` names what it dies of instead of doing it."""
    patch = f"submission.{dying_at} = lambda *a, **k: os.kill(os.getpid(), 9)\n" if dying_at else ""
    code = (
        f"import django, os\ndjango.setup()\nfrom invoices import submission\n{patch}submission.submit({invoice.pk})\n"
    )
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment_of_app(stand_ins.settings))


@several_processes
@pytest.mark.parametrize(
    ("dying_at", "exists"),
    [("customer_for", False), ("_send", False), ("_record", True)],
    ids=["before the customer", "before sending", "between answer and commit"],
)
def test_a_worker_killed_anywhere_leaves_one_invoice(tenant, draft, control, stand_ins, dying_at, exists):
    invoice = ask(tenant, draft)
    assert submit_in_a_process(stand_ins, invoice, dying_at=dying_at).wait(120) == -9
    assert len(in_the_books(control, tenant, invoice)) == exists
    invoice.refresh_from_db()
    assert not invoice.is_settled
    submission.submit(invoice.pk)
    assert len(in_the_books(control, tenant, invoice)) == exists, "its lease still holds"
    settle(invoice)
    (row,) = in_the_books(control, tenant, invoice)
    assert (invoice.submission, invoice.qbo_invoice_id) == (Submission.SUCCEEDED, row["Id"])


@several_processes
def test_a_worker_killed_while_quickbooks_is_working_leaves_one_invoice(tenant, draft, control, stand_ins):
    control.fault("ignore_requestid", company=tenant.realm)
    control.fault("hang", seconds=15, **CREATE, times=1, company=tenant.realm)
    invoice = ask(tenant, draft)
    process = submit_in_a_process(stand_ins, invoice)
    wait_until(lambda: in_the_books(control, tenant, invoice), seconds=90, what="QuickBooks has done the work")
    process.kill()
    process.wait()
    settle(invoice)
    assert len(in_the_books(control, tenant, invoice)) == 1


def test_a_worker_killed_before_the_note_leaves_one_note(tenant, draft, control):
    invoice = ask(tenant, draft)
    submission.submit(invoice.pk)
    control.fault("lost", service="pipedrive", method="POST", path="/notes$", times=1)
    notes.publish_note(invoice.pk)
    for _ in range(3):
        Invoice.objects.filter(pk=invoice.pk).update(note_due_at=timezone.now())
        notes.publish_note(invoice.pk)
    invoice.refresh_from_db()
    written = control.company(tenant.pair.pipedrive_company_id)["notes"]
    rows = written.values() if isinstance(written, dict) else written
    ours = [row for row in rows if f"txnId%3D{invoice.qbo_invoice_id}&" in row["content"].replace("&amp;", "&")]
    assert [row["id"] for row in ours] == [invoice.note_id]


# Pressed twice


def at_once(*works):
    """Runs all in threads that start together; each with a database connection of its own."""
    start = threading.Barrier(len(works))
    failures = []

    def run(work):
        start.wait()
        try:
            work()
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@several_processes
def test_two_forms_of_one_deal_sent_at_once_make_one_invoice_and_a_question(tenant, draft, control):
    """Each was opened before the other was sent: whoever comes second is told, and may mean it."""
    rows, told = [], []

    def press():
        try:
            rows.append(ask(tenant, draft, seen=services.SeenDeal(invoices=0)))
        except services.DealInvoiced as meanwhile:
            told.append(meanwhile.so_far.count)

    at_once(*[press] * 3)
    assert (len(rows), told) == (1, [1, 1])
    rows.append(ask(tenant, draft, seen=services.SeenDeal(invoices=1)))
    settle(rows[1])
    assert Invoice.objects.count() == 2


@several_processes
def test_a_form_sent_twice_at_once_makes_one_invoice(tenant, draft, control):
    key, rows = uuid.uuid4(), []
    at_once(*[lambda: rows.append(ask(tenant, draft, key))] * 3)
    assert {row.pk for row in rows} == set(Invoice.objects.values_list("pk", flat=True))
    assert Invoice.objects.count() == 1
    at_once(*[lambda: submission.submit(rows[0].pk)] * 4)
    settle(rows[0])
    assert len(in_the_books(control, tenant, rows[0])) == 1


@several_processes
def test_two_deals_of_one_organization_at_once_make_one_customer_and_two_invoices(tenant, draft, control):
    first, second = ask(tenant, draft), ask(tenant, replace(draft, memo="the other one"))
    control.fault("latency", method="POST", path="/customer$", seconds=1, company=tenant.realm)
    at_once(lambda: submission.submit(first.pk), lambda: submission.submit(second.pk))
    settle(first)
    settle(second)
    assert first.submission == second.submission == Submission.SUCCEEDED
    assert len(customers_called(control, tenant, "Once Only")) == 1
    assert len(in_the_books(control, tenant, first, second)) == 2
    assert CustomerLink.objects.filter(company=tenant.company).count() == 1


# What is done with an invoice afterwards


@pytest.mark.parametrize("ignored", [False, True], ids=["request ids honoured", "request ids ignored"])
@pytest.mark.parametrize("fault", [{"kind": "lost"}, {"kind": "error_after", "status": 504}], ids=["lost", "504"])
@pytest.mark.parametrize("kind", CALLS)
def test_a_lost_answer_about_an_action_is_settled_and_no_second_letter_is_sent(
    tenant, draft, control, kind, fault, ignored
):
    invoice = ask(tenant, draft)
    settle(invoice)
    if ignored:
        control.fault("ignore_requestid", company=tenant.realm)
    path = f"/invoice/{invoice.qbo_invoice_id}/send$" if kind == Action.SEND else "/invoice$"
    control.fault(**fault, method="POST", path=path, times=1, company=tenant.realm)
    action = actions.ask(invoice, kind, user=tenant.user, intent_key=uuid.uuid4(), to="one@once.example")
    actions.carry_out(action.pk)
    action.refresh_from_db()
    assert action.submission == Submission.UNKNOWN
    settle(action, actions.carry_out)
    assert action.submission == Submission.SUCCEEDED
    row = next((row for row in control.books(tenant.realm)["invoices"] if row["Id"] == invoice.qbo_invoice_id), None)
    letters = control.books(tenant.realm)["outbox"]
    assert (row is None) == (kind == Action.DELETE)
    assert len(letters) == (1 if kind == Action.SEND else 0)
    if kind == Action.VOID:
        assert D(str(row["TotalAmt"])) == 0


# With Celery


@pytest.mark.processes
@several_processes
def test_a_killed_celery_worker_is_succeeded_by_another_and_the_note_follows(tenant, draft, control, start_worker):
    control.fault("hang", seconds=20, **CREATE, times=1, company=tenant.realm)
    worker = start_worker()
    invoice = ask(tenant, draft)
    wait_until(lambda: in_the_books(control, tenant, invoice), seconds=90, what="QuickBooks has done the work")
    worker.kill()
    let_time_pass(invoice)
    start_worker()

    def told():
        invoice.refresh_from_db()
        return invoice.note_id

    wait_until(told, seconds=90, what="the note is written")
    assert invoice.submission == Submission.SUCCEEDED
    assert len(in_the_books(control, tenant, invoice)) == 1
    control.book(tenant.realm, "payment", id=invoice.qbo_invoice_id)

    def paid():
        invoice.refresh_from_db()
        return invoice.balance == 0 and invoice.note_due_at is None

    wait_until(paid, seconds=90, what="the payment is seen and told")
    rows = control.company(tenant.pair.pipedrive_company_id)["notes"]
    rows = rows.values() if isinstance(rows, dict) else rows
    assert "Paid" in next(row["content"] for row in rows if row["id"] == invoice.note_id)
