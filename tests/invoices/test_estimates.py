"""The worker and an estimate: read again before anything is sent, invoiced once, and the link is looked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from integration_settings.errors import ServiceUnavailable
from invoices.domain.draft import FromEstimate, to_json
from invoices.domain.status import Submission
from invoices.invoice_bodies import invoice_body
from invoices.reports import apply_report, zone
from tests.factories import D, a_bill_to, a_draft, make_pending_invoice
from tests.invoices.domain.books import books
from tests.invoices.submitting import BROKEN, LOST, clock, gateway, settle, submit

__all__ = ["clock", "gateway"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def offered(gateway):
    return gateway.add_estimate("7")


@pytest.fixture
def quoted(company, offered):
    """An intent that is made from the estimate."""
    chosen = FromEstimate(offered.id, offered.number, "7", "GBP", D("120.00"), D("20.00"))
    draft = a_draft(bill_to=a_bill_to(customer_id="7"), estimate=chosen)
    return make_pending_invoice(company, to_json(draft), currency="GBP", estimate_id=offered.id)


def test_the_body_names_the_estimate_and_no_other_body_a_link():
    chosen = FromEstimate("41", "1001", "7", "GBP", D("120.00"), D("20.00"))
    body = invoice_body(a_draft(estimate=chosen), "7", books("GB"), mark="")
    assert body["LinkedTxn"] == [{"TxnId": "41", "TxnType": "Estimate"}]
    assert "LinkedTxn" not in invoice_body(a_draft(), "7", books("GB"), mark="")


def test_one_read_before_the_one_write(quoted, gateway, offered):
    submit(quoted, gateway)
    assert gateway.calls == ["read_estimate", "create_invoice"]
    assert (quoted.submission, quoted.estimate_kept) == (Submission.SUCCEEDED, True)
    assert gateway.estimates[offered.id].status == "Closed"


@pytest.mark.parametrize(
    ("now", "code"),
    [
        ({"status": "Closed"}, "estimate_gone"),
        ({"status": "Rejected"}, "estimate_gone"),
        ({"status": "Converted"}, "estimate_gone"),
        ({"total": D("130.00")}, "estimate_changed"),
        ({"currency": "EUR"}, "estimate_changed"),
        ({"customer_id": "8"}, "estimate_changed"),
        (None, "estimate_gone"),
    ],
)
def test_nothing_is_sent_of_one_that_is_another_one_by_now(quoted, gateway, offered, now, code):
    gateway.estimates.pop(offered.id)
    if now is not None:
        gateway.estimates[offered.id] = replace(offered, **now)
    submit(quoted, gateway)
    assert (quoted.submission, quoted.refusal["code"], quoted.refusal["field"]) == ("rejected", code, "estimate")
    assert (quoted.sent_at, gateway.invoices) == (None, {})


def test_while_quickbooks_does_not_tell_the_invoice_waits(quoted, gateway):
    gateway.fail("read_estimate", ServiceUnavailable("quickbooks", "down"))
    submit(quoted, gateway)
    assert quoted.submission == Submission.PENDING
    assert gateway.invoices == {}


@pytest.mark.parametrize("blind", [False, True], ids=["found by its mark", "no search finds it yet"])
@pytest.mark.parametrize("honours", [True, False], ids=["request ids count", "request ids are forgotten"])
def test_a_lost_answer_ends_with_one_invoice(quoted, gateway, clock, blind, honours):
    """Also where QuickBooks refuses the second sending because the first has closed the estimate."""
    gateway.honours_request_ids, gateway.blind = honours, blind
    gateway.fail("create_invoice", LOST, done=True)
    settle(quoted, gateway, clock)
    assert (quoted.submission, len(gateway.invoices)) == (Submission.SUCCEEDED, 1)
    assert quoted.qbo_invoice_id in gateway.invoices


def test_a_broken_answer_before_anything_was_done_is_sent_again(quoted, gateway, clock):
    gateway.fail("create_invoice", BROKEN)
    settle(quoted, gateway, clock)
    assert (quoted.submission, len(gateway.invoices)) == (Submission.SUCCEEDED, 1)


def test_a_row_that_a_backup_has_lost_finds_the_invoice_that_closed_its_estimate(quoted, gateway, company, offered):
    """The same form is pressed again: its invoice is the one that QuickBooks has."""
    submit(quoted, gateway)
    draft, request_id, first = quoted.draft, quoted.request_id, quoted.qbo_invoice_id
    quoted.delete()
    again = make_pending_invoice(company, draft, currency="GBP", estimate_id=offered.id, request_id=request_id)
    submit(again, gateway)
    assert (again.submission, again.qbo_invoice_id, len(gateway.invoices)) == (Submission.SUCCEEDED, first, 1)


def test_an_invoice_that_quickbooks_took_without_the_link_says_so(quoted, gateway, caplog):
    create = gateway.create_invoice

    def without_link(draft, customer_id, *, request_id):
        return replace(create(draft, customer_id, request_id=request_id), estimate_ids=())

    gateway.create_invoice = without_link
    submit(quoted, gateway)
    assert (quoted.submission, quoted.estimate_kept) == (Submission.SUCCEEDED, False)
    assert "does not tell that it is made from an estimate" in caplog.text


def test_a_repeated_look_without_a_word_of_links_changes_nothing(quoted, gateway):
    submit(quoted, gateway)
    issued = gateway.change(quoted.qbo_invoice_id, estimate_ids=None)
    apply_report(quoted, issued, place=zone("Europe/London"))
    quoted.refresh_from_db()
    assert quoted.estimate_kept is True
    apply_report(quoted, gateway.change(quoted.qbo_invoice_id, estimate_ids=()), place=zone("Europe/London"))
    quoted.refresh_from_db()
    assert quoted.estimate_kept is False
