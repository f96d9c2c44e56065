"""Deals that a rule of their company turns into invoices, over the stand-ins of Pipedrive and QuickBooks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings import deal_rules
from integration_settings.deal_rules import WON, Choice, Outcome
from integration_settings.models import CompanySettings, ConnectionState, DealRules, PipedriveUser, QuickBooksConnection
from invoices import actions, automatic, due, ready_deals
from invoices.domain.status import Submission
from invoices.domain.unattended import Why
from invoices.models import Invoice, InvoiceAction, ReadyDeal
from tests.conftest import visitor_of
from tests.factories import make_invoice
from tests.invoices.conftest import RACKING
from tests.invoices.intents import ask, draft_for, in_the_books, settle
from tests.invoices.selling import EARLIER, GARAGE, LATER, QUOTED, SALES, SECRET, SHELVES, sales
from tests.invoices.test_exactly_once import at_once, several_processes

__all__ = ["sales"]
pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]


# What a rule is for


def test_a_deal_that_is_won_becomes_one_invoice(sales, harbour, control):
    sales.set_rule(Outcome.CREATE)
    deal_id = sales.win(SHELVES)
    (invoice,) = sales.invoice_by_rule()
    assert (invoice.deal_id, invoice.created_by_id) == (deal_id, harbour.user.user_id)
    settle(invoice)
    assert invoice.submission == Submission.SUCCEEDED
    assert len(in_the_books(control, harbour, invoice)) == 1
    assert sales.invoice_by_rule() == [invoice]
    assert sales.row(SHELVES).invoice == invoice


def test_a_deal_that_reaches_its_stage_becomes_an_invoice(sales):
    sales.set_rule(Outcome.CREATE, when="4")
    sales.move(SHELVES, 3)
    assert sales.invoice_by_rule() == []
    sales.move(SHELVES, 4)
    assert len(sales.invoice_by_rule()) == 1


def test_without_a_rule_nobody_looks(sales, harbour, control):
    sales.win(SHELVES)
    assert due.deal_looks(timezone.now() + timedelta(days=1)) == []
    sales.set_rule(Outcome.CREATE)
    assert due.deal_looks(timezone.now() + timedelta(days=1))
    deal_rules.store(harbour.company, {}, harbour.user)
    assert due.deal_looks(timezone.now() + timedelta(days=1)) == []


def test_what_was_won_before_the_rule_is_left_alone(sales):
    sales.win(SHELVES)
    sales.set_rule(Outcome.CREATE, since=LATER)
    DealRules.objects.update(read_until=timezone.now() + EARLIER)
    sales.change(SHELVES, title=SHELVES)
    assert sales.invoice_by_rule() == []
    assert not ReadyDeal.objects.exists()


def test_a_deal_of_another_pipeline_is_left_alone(sales):
    sales.set_rule(Outcome.CREATE)
    sales.win("Moss & Co – inspection plan")
    assert sales.invoice_by_rule() == []


def test_a_deal_that_has_an_invoice_is_left_alone(sales, harbour, deal_id):
    sales.set_rule(Outcome.CREATE)
    make_invoice(harbour.company, deal_id=deal_id(harbour, SHELVES), realm_id=harbour.realm)
    sales.win(SHELVES)
    assert len(sales.invoice_by_rule()) == 1
    assert not ReadyDeal.objects.exists()


def test_a_deal_that_is_not_won_any_more_by_then_is_left_alone_and_may_be_won_again(sales):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    sales.look()
    sales.change(SHELVES, status="open", won_time=None)
    assert sales.carry_out() == []
    sales.win(SHELVES)
    assert len(sales.invoice_by_rule()) == 1


@pytest.mark.parametrize("gone", [{"status": "lost"}, {"is_deleted": True}, {"pipeline_id": 2}])
def test_a_deal_that_waits_for_a_person_and_leaves_its_place_waits_no_more(sales, gone):
    sales.set_rule(Outcome.PREPARE)
    sales.win(SHELVES)
    sales.look()
    assert sales.row(SHELVES).why == Why.WANTED
    sales.change(SHELVES, **gone)
    sales.look()
    assert not ReadyDeal.objects.exists()


def test_a_deal_that_waits_is_listed_as_it_is_called_by_now(sales):
    sales.set_rule(Outcome.PREPARE)
    deal_id = sales.win(SHELVES)
    sales.look()
    sales.change(SHELVES, title="Spare shelves, York", value=77)
    sales.look()
    row = ReadyDeal.objects.get()
    assert (row.deal_id, row.title, row.value, row.why) == (deal_id, "Spare shelves, York", 77, Why.WANTED)


# What waits for a person


def test_a_rule_that_only_prepares_makes_no_invoice(sales):
    sales.set_rule(Outcome.PREPARE)
    deal_id = sales.win(SHELVES)
    assert sales.invoice_by_rule() == []
    row = ReadyDeal.objects.get()
    assert (row.deal_id, row.title, row.why, row.currency) == (deal_id, SHELVES, Why.WANTED, "GBP")


@pytest.mark.parametrize(
    ("title", "then", "why"),
    [
        (RACKING, Outcome.CREATE, Why.CHECKS),
        (QUOTED, Outcome.CREATE, Why.CUSTOMER),
        ("Pelican – layout for Boston", Outcome.CREATE, Why.LOOK),
        (SECRET, Outcome.SEND, Why.NO_EMAIL),
    ],
)
def test_what_the_form_would_ask_waits_for_a_person(sales, title, then, why):
    sales.set_rule(then)
    sales.win(title)
    assert sales.invoice_by_rule() == []
    assert sales.row(title).why == why


def test_what_stood_in_its_way_is_kept_for_who_looks(sales):
    sales.set_rule(Outcome.CREATE)
    sales.win(RACKING)
    sales.invoice_by_rule()
    found = ready_deals.findings_of(sales.row(RACKING))
    assert [(finding.code, finding.blocks) for finding in found] == [("no_item", True)] * 3
    assert {str(finding.values["line"]) for finding in found} <= set(sales.products_of(RACKING))


def test_without_an_address_it_is_created_where_it_is_not_to_be_sent(sales):
    sales.set_rule(Outcome.CREATE)
    sales.win(SECRET)
    assert len(sales.invoice_by_rule()) == 1


def test_many_at_once_are_an_import_and_wait_for_a_person(sales, monkeypatch):
    monkeypatch.setattr(automatic, "MOST_AT_ONCE", 1)
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES, GARAGE)
    assert sales.invoice_by_rule() == []
    assert [row.why for row in ReadyDeal.objects.all()] == [Why.MANY, Why.MANY]


def test_a_rule_acts_with_no_more_rights_than_who_set_it(sales, harbour, control):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    CompanySettings.objects.update(everyone_creates=False)
    PipedriveUser.objects.update(is_admin=False)
    control.change_company(sales.company_id, {"users": {str(harbour.user.user_id): {"admin": False}}})
    assert sales.invoice_by_rule() == []
    assert sales.row(SHELVES).why == Why.NO_RIGHT


def test_what_was_never_seen_of_quickbooks_is_not_taken_for_a_new_customer(sales, control):
    """Without its answer nobody knows whether it has somebody like that."""
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    earlier = sales.invoice_by_rule()  # QuickBooks' lists are known since
    sales.win(GARAGE)
    sales.look()
    control.fault("status", path="/query", times=None, status=503)
    assert sales.carry_out() == earlier
    assert sales.row(GARAGE).why == ""
    control.clear_faults()
    assert len(sales.carry_out()) == 2


# Sending


def test_it_is_sent_once_quickbooks_has_it(sales, harbour, control):
    sales.set_rule(Outcome.SEND)
    sales.win(SHELVES)
    (invoice,) = sales.invoice_by_rule()
    sales.carry_out()
    assert not InvoiceAction.objects.exists()
    settle(invoice)
    sales.carry_out()
    sales.carry_out()
    (action,) = InvoiceAction.objects.all()
    assert (action.kind, action.to) == ("send", "alice.whitcombe@bramleyfoods.co.uk")
    settle(action, actions.carry_out)
    assert action.submission == Submission.SUCCEEDED
    assert len(control.requests("quickbooks", method="POST", path="/send")) == 1


def test_one_that_quickbooks_refuses_is_not_sent_and_no_other_is_made(sales):
    sales.set_rule(Outcome.SEND)
    sales.win(SHELVES)
    (invoice,) = sales.invoice_by_rule()
    Invoice.objects.update(submission=Submission.REJECTED, settled_at=timezone.now(), next_attempt_at=None)
    assert sales.invoice_by_rule() == [invoice]
    assert not InvoiceAction.objects.exists()
    assert sales.row(SHELVES).next_attempt_at is None


def test_one_without_the_right_to_send_is_created_and_waits_for_a_person(sales, harbour, control):
    sales.set_rule(Outcome.SEND)
    sales.win(SHELVES)
    (invoice,) = sales.invoice_by_rule()
    settle(invoice)
    CompanySettings.objects.update(everyone_sends=False)
    PipedriveUser.objects.update(is_admin=False)
    control.change_company(sales.company_id, {"users": {str(harbour.user.user_id): {"admin": False}}})
    sales.carry_out()
    assert sales.row(SHELVES).why == Why.NOT_SENT


# Once, whatever happens


@several_processes
def test_two_workers_at_once_make_one_invoice(sales, harbour):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    (ready_id,) = sales.look()
    row = ReadyDeal.objects.get(pk=ready_id)
    visitor, rules = visitor_of(harbour.user, "invoice"), deal_rules.rules_of(DealRules.objects.get())
    at_once(*[lambda: automatic._make(row, visitor, rules)] * 3)
    assert Invoice.objects.count() == 1


@several_processes
def test_a_person_who_presses_in_that_moment_is_asked_and_no_second_invoice_is_made(sales, harbour, control, deal_id):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    sales.look()
    draft = draft_for(harbour, control)
    row = sales.row(SHELVES)

    def pressed(*args, **kwargs):
        from dataclasses import replace

        made = prepare(*args, **kwargs)
        ask(harbour, replace(draft, deal_id=row.deal_id))
        return made

    prepare = automatic.prepare
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(automatic, "prepare", pressed)
        assert len(sales.carry_out()) == 1
    assert sales.carry_out()[0].intent_key != row.intent_key
    assert sales.row(SHELVES).invoice is None


def test_a_worker_that_dies_after_the_intent_leaves_one_invoice(sales):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    (invoice,) = sales.invoice_by_rule()
    ReadyDeal.objects.update(invoice=None, next_attempt_at=timezone.now())
    assert sales.carry_out() == [invoice]
    assert sales.row(SHELVES).invoice == invoice


def test_a_database_from_before_the_invoice_makes_no_second_one(sales, harbour, control):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    (invoice,) = sales.invoice_by_rule()
    settle(invoice)
    ReadyDeal.objects.all().delete()
    Invoice.objects.all().delete()
    DealRules.objects.update(read_until=timezone.now() + EARLIER)
    (again,) = sales.invoice_by_rule()
    settle(again)
    assert len(control.books(harbour.realm)["invoices"]) == len(
        {row["Id"] for row in control.books(harbour.realm)["invoices"]}
    )
    assert len(in_the_books(control, harbour, invoice)) == 1
    assert again.qbo_invoice_id == invoice.qbo_invoice_id


def test_a_look_that_died_is_made_again_and_finds_the_same(sales, monkeypatch):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    before = DealRules.objects.get().read_until
    sales.look()
    DealRules.objects.update(read_until=before)
    sales.look()
    assert ReadyDeal.objects.count() == 1


# While somebody does not answer


def test_deals_are_read_again_from_where_the_last_answer_ended(sales, control):
    sales.set_rule(Outcome.CREATE)
    control.fault("status", service="pipedrive", path="/deals$", times=None, status=503)
    sales.win(SHELVES)
    assert sales.look() == []
    assert DealRules.objects.get().problem
    control.clear_faults()
    assert len(sales.look()) == 1
    assert not DealRules.objects.get().problem


def test_a_refresh_of_a_panel_has_the_deals_looked_at_and_not_every_second(sales, harbour, browse, deal_id, control):
    sales.set_rule(Outcome.CREATE)
    sales.look()
    shelves = deal_id(harbour, SHELVES)
    refresh = f"/embed/panel/refresh?resource=deal&id={shelves}"
    browse(harbour.user, "panel").post(refresh)
    assert due.deal_looks(timezone.now()) == []
    DealRules.objects.update(next_look_at=timezone.now() + timedelta(minutes=3))
    browse(harbour.user, "panel").post(refresh)
    assert due.deal_looks(timezone.now()) == [DealRules.objects.get().pk]


def test_more_changes_than_are_read_at_once_are_all_read(sales, control, monkeypatch):
    monkeypatch.setattr(automatic, "MOST_READ", 2)
    sales.set_rule(Outcome.PREPARE)
    titles = SHELVES, GARAGE, QUOTED, SECRET, RACKING
    for title in titles:
        sales.win(title)
        control.advance(1)
    for _ in titles:
        sales.look()
    assert ReadyDeal.objects.count() == len(titles)


def test_while_nobody_is_signed_in_to_quickbooks_it_waits(sales, harbour):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    sales.look()
    assert len(due.ready_deals(timezone.now())) == 1
    QuickBooksConnection.objects.update(state=ConnectionState.ENDED)
    assert due.ready_deals(timezone.now()) == []


def test_when_who_set_the_rules_has_left_another_administrator_takes_them_over_by_saving(sales, harbour, control):
    sales.set_rule(Outcome.CREATE)
    PipedriveUser.objects.filter(pk=harbour.user.pk).update(state=ConnectionState.ENDED)
    sales.win(SHELVES)
    assert sales.look() == []
    assert DealRules.objects.get().problem == automatic.NO_USER
    PipedriveUser.objects.filter(pk=harbour.user.pk).update(state=ConnectionState.CONNECTED)
    deal_rules.store(harbour.company, {SALES: Choice(WON, Outcome.CREATE)}, harbour.user)
    assert len(sales.look()) == 1


def test_after_days_it_waits_for_a_person(sales):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    sales.look()
    ReadyDeal.objects.update(found_at=timezone.now() - automatic.GIVEN_UP_AFTER - LATER)
    assert sales.carry_out() == []
    assert sales.row(SHELVES).why == Why.GAVE_UP
