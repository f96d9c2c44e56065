"""An invoice in a foreign currency is booked at the rate of its own day, whatever was changed in its form."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from integration_settings.errors import Rejected, ServiceUnavailable
from invoices import exchange_rates, submission
from invoices.domain.draft import AmountsAre, to_json
from invoices.domain.status import Submission
from invoices.invoice_bodies import customer_body, invoice_body
from invoices.invoice_gateway import QuickBooksGateway
from invoices.models import Invoice
from tests.factories import D, a_bill_to, a_draft, a_line, make_pending_invoice
from tests.fakes.invoice_gateway import FakeInvoiceGateway
from tests.invoices.domain.books import books as books_like
from tests.invoices.form_answers import CREATE, PREVIEW
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db
FOREIGN = a_draft(bill_to=a_bill_to(customer_id="7"), currency="EUR")


@pytest.fixture
def gateway(quickbooks):
    quickbooks.profile = {"multicurrency": True}
    quickbooks.save()
    made = FakeInvoiceGateway()
    made.add_customer("Rheingold", customer_id="7", currency="EUR")
    made.rates = {FOREIGN.invoice_date: D("0.81")}
    return made


@pytest.fixture
def intent(company):
    return make_pending_invoice(company, to_json(FOREIGN), currency="EUR")


def submit(invoice, gateway):
    submission.submit(invoice.pk, lambda connection: gateway)
    invoice.refresh_from_db()
    return invoice


def test_the_rate_is_that_of_the_invoice_s_day_and_stays_over_all_tries(intent, gateway):
    gateway.fail("create_invoice", ServiceUnavailable("quickbooks", "down"))
    assert submit(intent, gateway).submission == Submission.PENDING
    assert intent.draft["exchange_rate"] == "0.81"
    Invoice.objects.update(next_attempt_at=intent.created_at)
    assert submit(intent, gateway).submission == Submission.SUCCEEDED
    assert gateway.calls == ["exchange_rate", "create_invoice", "create_invoice"]


def test_without_an_answer_quickbooks_uses_its_own_rate(intent, gateway):
    gateway.fail("exchange_rate", ServiceUnavailable("quickbooks", "down"))
    assert submit(intent, gateway).submission == Submission.SUCCEEDED
    assert intent.draft["exchange_rate"] is None


def test_a_rate_of_the_former_books_is_not_one_of_the_others(quickbooks, gateway, monkeypatch):
    """Their home currency may be another one."""
    monkeypatch.setattr(exchange_rates, "QuickBooksGateway", lambda connection: gateway)
    assert exchange_rates.ask(quickbooks, "EUR", FOREIGN.invoice_date) == D("0.81")
    assert exchange_rates.home_rate(quickbooks, "EUR", FOREIGN.invoice_date).rate == D("0.81")
    quickbooks.realm_id = "99"
    assert not exchange_rates.home_rate(quickbooks, "EUR", FOREIGN.invoice_date).asked


def test_in_the_home_currency_nobody_is_asked(company, gateway):
    gateway.add_customer("Moss & Co", customer_id="8")
    home = make_pending_invoice(company, to_json(a_draft(bill_to=a_bill_to(customer_id="8"))), currency="GBP")
    submit(home, gateway)
    assert gateway.calls == ["create_invoice"]


def test_a_date_that_was_changed_in_the_form_has_its_own_rate(harbour, fill_in, control):
    browser, fields = fill_in(harbour, "Rheingold – Küchenlager Köln", over_deal="yes")
    earlier = harbour.quickbooks.connected_at.date() - timedelta(days=20)
    answer = browser.post(CREATE, fields | {"invoice_date": earlier.isoformat()})
    assert answer.status_code == 200
    control.forget_requests()
    submission.submit(Invoice.objects.get().pk)
    assert Invoice.objects.get().submission == Submission.SUCCEEDED
    (asked,) = [call for call in control.requests("quickbooks") if "exchangerate" in call["path"]]
    assert f"asofdate={earlier.isoformat()}" in str(asked)


def test_the_result_tells_what_the_books_count_and_the_rate(harbour, fill_in, control):
    browser, fields = fill_in(harbour, "Rheingold – Küchenlager Köln", over_deal="yes")
    browser.post(CREATE, fields)
    invoice = Invoice.objects.get()
    submission.submit(invoice.pk)
    invoice.refresh_from_db()
    (there,) = [row for row in control.books(harbour.realm)["invoices"] if row["Id"] == invoice.qbo_invoice_id]
    page = Page(browser.get(f"/embed/invoice/{invoice.public_id}/result"))
    assert f"In GBP £{there['HomeTotalAmt']:,.2f} · 1 EUR = {there['ExchangeRate']} GBP" in page.text


# In the form


def asked_for_rates(control):
    return [call for call in control.requests("quickbooks") if "exchangerate" in call["path"]]


def total_of(page):
    """What stands in the rail below “Total”."""
    text = page.text
    return text[text.index("Total") : text.index("Before you create")]


def test_a_foreign_form_says_what_the_books_count_its_total_as(harbour, fill_in, control):
    browser, fields = fill_in(harbour, "Rheingold – Küchenlager Köln", over_deal="yes")
    first = browser.post(PREVIEW, fields)
    assert "In GBP" not in Page(first).text
    assert 'hx-vals=\'{"rate":"ask"}\'' in first.text
    assert asked_for_rates(control) == []
    told = browser.post(PREVIEW, fields | {"rate": "ask"})
    (asked,) = asked_for_rates(control)
    assert "sourcecurrencycode=EUR" in str(asked)
    assert re.search(r"In GBP £[\d,.]+", total_of(Page(told)))
    assert re.search(r"1 EUR = 0\.\d+ GBP, \d+ \w+ 20\d\d", total_of(Page(told)))
    assert '"rate":"ask"' not in told.text


def test_the_rate_is_asked_once_and_stands_in_every_form_of_the_hour(harbour, fill_in, control):
    browser, fields = fill_in(harbour, "Rheingold – Küchenlager Köln", over_deal="yes")
    browser.post(PREVIEW, fields | {"rate": "ask"})
    control.forget_requests()
    assert "In GBP" in total_of(Page(browser.post(PREVIEW, fields | {"rate": "ask"})))
    deal = fields["deal"]
    assert "In GBP" in total_of(Page(browser.get(f"/embed/invoice/form?deal={deal}")))
    assert asked_for_rates(control) == []


def test_a_quickbooks_that_does_not_answer_is_left_in_peace_and_nothing_is_missing(harbour, fill_in, control):
    browser, fields = fill_in(harbour, "Rheingold – Küchenlager Köln", over_deal="yes")
    control.fault("status", path="exchangerate", status=503)
    for entries in (fields | {"rate": "ask"}, fields):
        answer = browser.post(PREVIEW, entries)
        assert answer.status_code == 200
        assert "Total" in Page(answer).text
        assert '"rate":"ask"' not in answer.text


def test_a_form_in_the_currency_of_the_books_asks_for_no_rate(harbour, fill_in, control):
    browser, fields = fill_in(harbour, "Bramley Foods – warehouse racking, phase 2", over_deal="yes")
    answer = browser.post(PREVIEW, fields | {"rate": "ask"})
    assert "In GBP" not in Page(answer).text
    assert '"rate":"ask"' not in answer.text
    assert asked_for_rates(control) == []


def test_books_that_name_no_currency_are_told_the_deals_and_refuse_another():
    """Untold, QuickBooks would book euros as so many dollars."""
    silent = books_like("US", home_currency="")
    assert invoice_body(a_draft(currency="EUR"), "7", silent, mark="m")["CurrencyRef"] == {"value": "EUR"}
    assert customer_body(a_bill_to(), "EUR", silent, mark="m")["CurrencyRef"] == {"value": "EUR"}
    assert "CurrencyRef" not in invoice_body(a_draft(currency="USD"), "7", books_like("US"), mark="m")


def test_euros_are_never_booked_as_dollars_where_the_settings_name_no_currency(connect, control):
    tenant = connect("US")
    tenant.quickbooks.profile["home_currency"] = ""
    books = control.books(tenant.realm)
    line = a_line(item_id=next(item["Id"] for item in books["items"] if item["Type"] == "Service"), tax_code_id="NON")
    draft = a_draft(currency="EUR", lines=(line,), amounts_are=AmountsAre.WITHOUT_TAX_SETTING)
    with pytest.raises(Rejected):
        QuickBooksGateway(tenant.quickbooks).create_invoice(draft, books["customers"][0]["Id"], request_id="1")
    made = QuickBooksGateway(tenant.quickbooks).create_invoice(
        replace(draft, currency="USD"), books["customers"][0]["Id"], request_id="2"
    )
    assert made.currency == "USD"
