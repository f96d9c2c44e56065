"""An uninstall that comes while something is being written waits for it, or it for the uninstall, never both."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone

from integration_settings import services
from integration_settings.deal_rules import WON, Outcome
from integration_settings.models import Company
from invoices import actions, automatic, customers, following, submission, unsent_forms
from invoices.domain.actions import Action
from invoices.domain.draft import to_json
from invoices.domain.matching import CustomerCandidate
from invoices.models import ReadyDeal
from tests.conftest import visitor_of
from tests.factories import D, a_bill_to, a_draft, a_line, make_customer_link, make_invoice, make_pending_invoice
from tests.invoices.meanwhile import beside, meanwhile, start
from tests.invoices.selling import SHELVES, sales
from tests.invoices.submitting import gateway

__all__ = ["beside", "gateway", "meanwhile", "sales", "start"]

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def uninstalled_after(user, vendor, meanwhile):
    """uninstalled_after(statement, work): the app is uninstalled while `work` has just made that statement."""

    def uninstall():
        services.uninstall(pipedrive_company_id=user.company.pipedrive_company_id, user_id=user.user_id)

    def run(statement, work):
        meanwhile(statement, uninstall, work)
        assert not Company.objects.exists()

    return run


@pytest.fixture
def intent(company):
    return make_pending_invoice(company, to_json(a_draft(bill_to=a_bill_to(customer_id="7"))), currency="GBP")


@pytest.fixture
def created(intent, gateway):
    submission.submit(intent.pk, lambda connection: gateway)
    intent.refresh_from_db()
    return intent


def void(invoice, user):
    return actions.ask(invoice, Action.VOID, user=user, intent_key=uuid.uuid4())


def test_while_an_invoice_is_recorded(intent, gateway, uninstalled_after):
    at = 'UPDATE "invoices_invoice" SET "lease_until" = NULL'
    uninstalled_after(at, lambda: submission.submit(intent.pk, lambda connection: gateway))


def test_while_a_new_customer_is_recorded(company, gateway, uninstalled_after):
    draft = to_json(a_draft(bill_to=a_bill_to(name="Moss & Co")))
    intent = make_pending_invoice(company, draft, currency="GBP", organization_id=31, customer_request_id="customer-1")
    at = 'UPDATE "invoices_invoice" SET "customer_id"'
    uninstalled_after(at, lambda: submission.submit(intent.pk, lambda connection: gateway))


def test_while_a_new_item_is_recorded(company, gateway, uninstalled_after):
    line = a_line(item_id="", new_item="Gadget", income_account_id="79", product_id=5)
    draft = to_json(a_draft(bill_to=a_bill_to(customer_id="7"), lines=(line,)))
    intent = make_pending_invoice(company, draft, currency="GBP", item_request_ids={"5": "item-1"})
    at = 'INSERT INTO "integration_settings_itemlink"'
    uninstalled_after(at, lambda: submission.submit(intent.pk, lambda connection: gateway))


def test_while_an_action_is_recorded(created, user, gateway, uninstalled_after):
    action = void(created, user)
    created.company.quickbooks.row().update(next_sync_at=None)
    at = 'UPDATE "invoices_invoiceaction" SET "lease_until" = NULL'
    uninstalled_after(at, lambda: actions.carry_out(action.pk, lambda connection: gateway))


def test_while_an_action_finds_its_invoice_gone(created, user, gateway, uninstalled_after):
    action = void(created, user)
    gateway.deleted.append(gateway.invoices.pop(created.qbo_invoice_id))
    at = 'UPDATE "invoices_invoiceaction" SET "lease_until" = NULL'
    uninstalled_after(at, lambda: actions.carry_out(action.pk, lambda connection: gateway))


def test_while_an_action_is_asked_for_again(created, user, gateway, uninstalled_after):
    gateway.deleted.append(gateway.invoices.pop(created.qbo_invoice_id))
    actions.carry_out(void(created, user).pk, lambda connection: gateway)
    uninstalled_after('SET "put_away_at"', lambda: void(created, user))


def test_while_news_are_taken_over(company, created, gateway, uninstalled_after):
    issued = gateway.invoices[created.qbo_invoice_id]
    paid = replace(issued, balance=D(0), sync_token="5", updated_at=timezone.now())
    gateway.invoices[created.qbo_invoice_id] = paid
    books = company.quickbooks
    books.row().update(changes_cursor=timezone.now() - timedelta(minutes=1))
    uninstalled_after('UPDATE "invoices_invoice"', lambda: following.catch_up(books, lambda connection: gateway))


def test_between_the_claim_of_a_look_and_the_look(company, gateway, uninstalled_after):
    at = 'UPDATE "integration_settings_quickbooksconnection" SET "sync_lease_until"'
    uninstalled_after(at, lambda: following.catch_up(company.quickbooks, lambda connection: gateway))


def test_while_a_customer_is_chosen(company, uninstalled_after):
    party = ("organization", make_customer_link(company, party_id=31).party_id)
    chosen = CustomerCandidate("8", "Moss & Co", currency="")
    choose = {"company": company, "realm_id": company.quickbooks.realm_id, "party": party, "customer": chosen}
    uninstalled_after('DELETE FROM "invoices_customerlink"', lambda: customers.link(**choose, by="Priya Nair"))


def test_while_the_settings_are_saved(company, user, uninstalled_after):
    people = {user.pk: {"may_send": True}}
    uninstalled_after(
        'UPDATE "integration_settings_companysettings"',
        lambda: services.save_settings(company, by=user, values={"due_days": 7}, people=people),
    )


def test_while_a_field_of_the_deal_is_chosen(company, user, uninstalled_after):
    make_invoice(company, note_id=501)
    chosen = {"deal_status_field": f"deal.{'a' * 40}"}
    uninstalled_after(
        'UPDATE "invoices_invoice" SET "note_due_at"',
        lambda: services.save_settings(company, by=user, values=chosen),
    )


def test_while_a_form_is_kept(user, uninstalled_after):
    left = {"deal_id": 12, "intent_key": uuid.uuid4(), "fields": QueryDict("memo=Hello"), "locale": "en_GB"}
    uninstalled_after(
        'INSERT INTO "invoices_unsentform"', lambda: unsent_forms.keep(visitor_of(user, "invoice"), **left)
    )


def test_while_a_rule_prepares_the_invoice_of_its_deal(sales, harbour, meanwhile):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    (ready_id,) = sales.look()
    leave = {"pipedrive_company_id": sales.company_id, "user_id": harbour.user.user_id}
    at = 'FROM "integration_settings_itemlink"'
    meanwhile(at, lambda: services.uninstall(**leave), lambda: automatic.carry_out(ready_id))
    assert not Company.objects.exists()


def test_an_uninstall_while_a_rule_notes_down_the_invoice_of_its_deal(company, user, vendor, meanwhile):
    columns = {"value": 1, "when": WON, "outcome": Outcome.CREATE, "next_attempt_at": timezone.now()}
    row = ReadyDeal.objects.create(company=company, deal_id=12, **columns)
    invoice = make_pending_invoice(company, to_json(a_draft()), deal_id=12)
    leave = {"pipedrive_company_id": company.pipedrive_company_id, "user_id": user.user_id}
    at = 'FROM "invoices_invoice"'  # whose rows it holds from then on
    meanwhile(at, lambda: automatic._asked(row, invoice), lambda: services.uninstall(**leave))
    assert not Company.objects.exists()
