"""What a customer owes, in the panel: all that QuickBooks has of it, for whoever may bill it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from integration_settings import reference
from integration_settings.models import CompanySettings, ConnectionState, QuickBooksConnection
from invoices import customer_account
from invoices.invoice_gateway import QuickBooksGateway
from invoices.models import CustomerLink
from tests.factories import D, a_bill_to, a_draft, a_line, make_customer_link
from tests.invoices.conftest import RACKING
from tests.invoices.desk import item_id
from tests.invoices.fragments import Page
from tests.invoices.gateway_cases import new_id

pytestmark = pytest.mark.django_db
ACCOUNT, CONTENT = "/embed/panel/account", "/embed/panel/content"
TODAY = timezone.now().date()


@pytest.fixture
def owing(harbour, control, deal_id):
    """A customer that somebody has chosen for the deal's organization; owing.owes("120.00", due) makes an invoice."""

    class Owing:
        def __init__(self):
            gateway = QuickBooksGateway(harbour.quickbooks)
            made = gateway.create_customer(a_bill_to(name="Slow Payer Ltd"), "GBP", mark="x", request_id=new_id())
            deal = control.company(harbour.pair.pipedrive_company_id)["deals"][str(deal_id(harbour, RACKING))]
            link = {"realm_id": harbour.realm, "customer_id": made.customer_id, "name": "Slow Payer Ltd"}
            make_customer_link(harbour.company, party_id=deal["org_id"], **link)
            self.gateway, self.customer_id = gateway, made.customer_id

        def owes(self, amount, due):
            code = next(code for code in reference.tax_codes(harbour.company) if code.name == "0.0% Z")
            line = a_line(
                item_id=item_id(harbour, "Delivery"), tax_code_id=code.id, tax_percentage=D(0), unit_price=D(amount),
                quantity=D(1),
            )  # fmt: skip
            draft = a_draft(lines=(line,), invoice_date=due - timedelta(days=14), due_date=due)
            return self.gateway.create_invoice(draft, self.customer_id, request_id=new_id())

    return Owing()


@pytest.fixture
def look(harbour, browse, deal_id):
    """look() -> what the panel's menu unfolds, for the administrator or another user"""

    def make(user=None, path=ACCOUNT):
        query = {"resource": "deal", "id": deal_id(harbour, RACKING)}
        return Page(browse(user or harbour.user, "panel").get(path, query))

    return make


def test_it_tells_what_is_open_and_what_of_it_is_overdue(owing, look):
    owing.owes("100.00", TODAY + timedelta(days=9))
    owing.owes("20.50", TODAY - timedelta(days=40))
    owing.owes("3.25", TODAY - timedelta(days=2))
    text = look().text
    assert "What Slow Payer Ltd owes £123.75 · 3 open invoices" in text
    assert "£23.75 of it is overdue, the oldest since" in text


def test_what_is_due_today_is_not_overdue(owing, look):
    owing.owes("100.00", TODAY + timedelta(days=1))
    text = look().text
    assert "£100.00 · 1 open invoice" in text
    assert "overdue" not in text


def test_whoever_owes_nothing_is_told_so(owing, look):
    assert "£0.00 · 0 open invoices" in look().text


def test_it_is_one_read_and_none_within_the_minute(owing, look, control):
    owing.owes("100.00", TODAY + timedelta(days=9))
    control.forget_requests()
    look()
    look()
    assert len(control.requests("quickbooks")) == 1
    cache.clear()
    look()
    assert len(control.requests("quickbooks")) == 2


def test_more_than_were_read_is_told_as_at_least(owing, look, monkeypatch):
    monkeypatch.setattr(customer_account, "MOST_OPEN", 1)
    owing.owes("100.00", TODAY + timedelta(days=9))
    assert "1 open invoice or more" in look().text


def test_the_menu_names_the_customer_where_one_was_chosen(owing, look):
    assert "What Slow Payer Ltd owes" in look(path=CONTENT).text
    CustomerLink.objects.all().delete()
    assert " owes" not in look(path=CONTENT).text
    assert "No QuickBooks customer linked yet" in look().text


def test_it_is_for_whoever_may_bill_the_customer(owing, look, harbour, colleague):
    owing.owes("100.00", TODAY + timedelta(days=9))
    tom = colleague(harbour)
    CompanySettings.objects.update(everyone_creates=False)
    assert "100.00" not in look(tom).text
    assert "Creating invoices is switched off for you." in look(tom).text
    assert " owes" not in look(tom, CONTENT).text


def test_it_is_for_whoever_sees_the_deal(owing, look, harbour, colleague, control, deal_id):
    owing.owes("100.00", TODAY + timedelta(days=9))
    ewa = colleague(harbour, 1)
    hidden = {str(deal_id(harbour, RACKING)): {"visible_to": 1, "owner_id": harbour.user.user_id}}
    control.change_company(harbour.pair.pipedrive_company_id, {"deals": hidden})
    assert "100.00" not in look(ewa).text


def test_while_quickbooks_does_not_answer_that_is_said(owing, look, control, harbour):
    control.fault("status", status=503, path="/query", times=None)
    assert "QuickBooks" in look().by_class("banner--error")[0].text
    control.clear_faults()
    QuickBooksConnection.objects.update(state=ConnectionState.ENDED)
    assert look().by_class("banner--error")
