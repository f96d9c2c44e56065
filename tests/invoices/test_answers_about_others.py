"""An answer of QuickBooks about another customer or invoice than was asked for is not taken for that one."""

from __future__ import annotations

import pytest

from integration_settings.errors import OutcomeUnknown, ServiceUnavailable
from integration_settings.quickbooks import QuickBooksClient
from invoices.invoice_gateway import QuickBooksGateway
from tests.factories import a_draft

pytestmark = pytest.mark.django_db
INVOICE = {"SyncToken": "1", "TotalAmt": 5, "Balance": 5, "InvoiceLink": "https://pay.example/1"}


@pytest.fixture
def gateway(quickbooks):
    return QuickBooksGateway(quickbooks)


@pytest.fixture
def answers(vendor, quickbooks):
    """answers("customer/7", Customer={…}): whatever is asked or posted there is answered so."""

    def make(path, **answer):
        for method in ("GET", "POST"):
            vendor.add(method, f"http://127.0.0.1:8020/v3/company/{quickbooks.realm_id}/{path}", json=answer)

    return make


def test_another_customer_than_the_one_asked_for_is_not_there(gateway, answers):
    answers("customer/7", Customer={"Id": "8", "DisplayName": "Successor Ltd", "Active": True})
    assert gateway.read_customer("7") is None


def test_a_customer_without_an_id_is_asked_for_again(gateway, answers):
    answers("customer/7", Customer={"DisplayName": "Successor Ltd"})
    with pytest.raises(ServiceUnavailable):
        gateway.read_customer("7")


@pytest.mark.parametrize("told", [{"Id": "8"}, {}])
def test_another_invoice_than_the_one_asked_for_is_neither_it_nor_a_sign_that_it_is_gone(gateway, answers, told):
    answers("invoice/7", Invoice=INVOICE | told)
    for ask in (gateway.read_invoice, gateway.payment_link):
        with pytest.raises(ServiceUnavailable):
            ask("7")


@pytest.mark.parametrize("told", [{"Id": "8"}, {}])
def test_a_void_or_an_email_answered_with_another_invoice_is_looked_at_again(gateway, answers, told):
    answers("invoice", Invoice=INVOICE | told)
    answers("invoice/7/send", Invoice=INVOICE | told)
    with pytest.raises(OutcomeUnknown):
        gateway.void_invoice("7", "0", request_id="r1")
    with pytest.raises(OutcomeUnknown):
        gateway.send_invoice("7", "a@b.example", request_id="r2")


@pytest.mark.parametrize("told", [{}, {"Id": None}, {"Id": ""}])
def test_a_new_invoice_that_is_answered_without_its_id_is_searched_for(gateway, answers, told):
    answers("invoice", Invoice=INVOICE | told)
    with pytest.raises(OutcomeUnknown):
        gateway.create_invoice(a_draft(), "7", request_id="r1")


def test_an_id_may_come_as_a_number(quickbooks, gateway, answers):
    answers("customer/7", Customer={"Id": 7, "DisplayName": "Bramley Foods Ltd"})
    answers("customer", Customer={"Id": 7, "DisplayName": "Bramley Foods Ltd"})
    assert gateway.read_customer("7").name == "Bramley Foods Ltd"
    assert QuickBooksClient(quickbooks).create("Customer", {"DisplayName": "x"}, request_id="r1")["Id"] == 7
