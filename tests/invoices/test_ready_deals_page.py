"""Deals that wait for a person because a rule found them ready: on the desk, in the panel, in the history."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings.deal_rules import WON, Choice, Outcome, store
from integration_settings.models import DealRules, PipedriveUser
from invoices.domain.checks import Finding, Severity
from invoices.domain.plain import plain
from invoices.domain.unattended import Why
from invoices.models import ReadyDeal
from tests.factories import D, make_company, make_invoice, make_user
from tests.invoices.desk import count, press
from tests.invoices.fragments import Page
from tests.invoices.panels import DEAL, look

__all__ = ["look"]
pytestmark = pytest.mark.django_db


def ready(company, deal_id=DEAL, why=Why.CHECKS, **columns):
    values = {"title": "Warehouse racking", "value": D("24000"), "currency": "GBP", "when": WON} | columns
    return ReadyDeal.objects.create(company=company, deal_id=deal_id, why=why, outcome=Outcome.CREATE, **values)


@pytest.fixture(autouse=True)
def rule(request):
    """Of the company whose desk is looked at."""
    if "desk" in request.fixturenames:
        user = request.getfixturevalue("user")
        store(user.company, {1: Choice(WON, Outcome.CREATE)}, user)


def looks_again(page):
    return any(element.attributes["hx-trigger"] == "every 10s" for element in page.with_attribute("hx-trigger"))


def banner_links(page):
    return page.by_class("banner__link")


# The desk


@pytest.mark.parametrize("why", list(Why))
def test_each_reason_has_words(desk, user, company, why):
    ready(company, why=why)
    page = desk(user)
    assert "Ready to be invoiced 1 Deals that were won" in page.text
    assert "Warehouse racking · £24,000.00" in page.text.replace("\xa0", " ")
    assert count(page) == "1"
    assert "Nothing needs you" not in page.text
    assert "Nothing to fix. Last checked" in page.text


def test_a_deal_that_somebody_has_invoiced_is_ready_no_more(desk, user, company):
    ready(company)
    make_invoice(company, deal_id=DEAL)
    assert "Ready to be invoiced" not in desk(user).text


def test_one_that_could_not_be_e_mailed_stays_with_its_number(desk, user, company):
    ready(company, why=Why.NOT_SENT, invoice=make_invoice(company, deal_id=DEAL, number="1051"))
    page = desk(user)
    assert "Invoice 1051 was created and not e-mailed." in page.text
    assert "New invoice" not in page.text


def test_one_with_a_plan_is_not_offered_to_be_invoiced_whole(desk, user, company):
    ready(company)
    assert "New invoice" in desk(user).text
    ReadyDeal.objects.update(why=Why.PLAN)
    assert "New invoice" not in desk(user).text


@pytest.mark.parametrize("why", [Why.PLAN, Why.NOT_SENT])
def test_what_only_the_deals_panel_helps_is_led_there_and_not_tried_again(desk, user, company, browse, why):
    row = ready(company, why=why)
    page = desk(user)
    (way,) = [e for e in page.elements if e.attributes.get("aria-label", "").startswith("Open the deal:")]
    assert way.attributes["href"].endswith(f"/deal/{DEAL}")
    assert way.attributes["data-redirect-id"] == str(DEAL)
    assert "Try again" not in page.text
    assert "Put away" in page.text
    browse(user, "settings").post(f"/embed/settings/ready/{DEAL}/again")
    row.refresh_from_db()
    assert row.why == why


def test_the_panel_of_a_deal_with_a_plan_leads_to_it(look, company):
    row = ready(company)
    assert not banner_links(look())
    row.why = Why.PLAN
    row.save()
    (way,) = banner_links(look())
    assert way.attributes["hx-get"].startswith("/embed/panel/plan?")


def test_whoever_is_no_administrator_sees_none(desk, user, company):
    ready(company)
    make_user(company, is_admin=False)
    user.is_admin = False
    user.save()
    assert "Ready to be invoiced" not in desk(user).text


def test_another_company_s_deals_are_never_there(desk, user):
    ready(make_company())
    assert "Ready to be invoiced" not in desk(user).text


def test_it_is_tried_once_more_when_somebody_asks(desk, user, company, browse):
    row = ready(company)
    answer = Page(browse(user, "settings").post(press(desk(user), "Try again")))
    assert "1 invoice is tried once more." in answer.text
    row.refresh_from_db()
    assert (row.why, row.attempts) == ("", 0)
    assert row.next_attempt_at <= timezone.now()


def test_what_a_rule_is_about_to_make_is_under_way_and_the_desk_looks_again(desk, user, company, browse):
    ready(company)
    assert not looks_again(desk(user))
    answer = Page(browse(user, "settings").post(press(desk(user), "Try again")))
    assert "Waiting 1 Runs by itself; nothing to do." in answer.text
    assert "1 deal is being invoiced by itself." in answer.text
    assert looks_again(answer)


def test_what_a_rule_is_about_to_make_waits_for_a_sign_in(desk, user, company):
    company.quickbooks.delete()
    ready(company, why="", next_attempt_at=timezone.now())
    assert "Goes on by itself once somebody has signed in to QuickBooks again." in desk(user).text


def test_a_panel_does_not_say_that_a_press_is_needed_while_a_rule_is_at_work(look, company):
    row = ready(company, why="", next_attempt_at=timezone.now())
    assert "The invoice of this deal is being made by itself." in look().text
    assert "Nothing reaches QuickBooks until" not in look().text
    row.delete()
    assert "Nothing reaches QuickBooks until" in look().text


def test_what_the_form_would_say_stands_there(desk, user, company, look):
    finding = Finding("lines.0.item", Severity.BLOCKS, "no_item", {"line": "Upright, 3 m"})
    ready(company, findings=plain([finding]))
    said = "“Upright, 3 m” has no QuickBooks item. Choose one."
    assert said in desk(user).text
    assert f"Ready to be invoiced. {said}" in look().text


def test_all_that_a_repair_may_have_released_are_tried_at_once(desk, user, company, browse):
    rows = [ready(company, deal_id) for deal_id in (7, 8)]
    made_by_people = ready(company, 9, why=Why.WANTED)
    answer = Page(browse(user, "settings").post(press(desk(user), "Try all again")))
    assert "2 invoices are tried once more." in answer.text
    assert {row.deal_id for row in ReadyDeal.objects.filter(why="")} == {row.deal_id for row in rows}
    assert ReadyDeal.objects.get(pk=made_by_people.pk).why == Why.WANTED
    assert "Try all again" not in answer.text


def test_two_who_ask_for_it_at_once_are_told(desk, user, company, browse):
    ready(company)
    address = press(desk(user), "Try again")
    browse(user, "settings").post(address)
    assert "Somebody else was faster." in Page(browse(user, "settings").post(address)).text


def test_what_a_person_is_to_make_anyway_is_not_tried_again(desk, user, company, browse):
    row = ready(company, why=Why.WANTED)
    assert "Try again" not in desk(user).text
    browse(user, "settings").post(f"/embed/settings/ready/{DEAL}/again")
    row.refresh_from_db()
    assert row.why == Why.WANTED


def test_without_any_rule_nothing_is_tried_again_and_nothing_goes_from_the_list(desk, user, company, browse):
    row = ready(company)
    address = press(desk(user), "Try again")
    store(company, {}, user)
    assert "Try again" not in desk(user).text
    browse(user, "settings").post(address)
    row.refresh_from_db()
    assert row.why == Why.CHECKS


def test_it_is_put_away(desk, user, company, browse):
    ready(company)
    answer = Page(browse(user, "settings").post(press(desk(user), "Put away")))
    assert "Ready to be invoiced" not in answer.text
    assert ReadyDeal.objects.get().put_away_at


@pytest.mark.parametrize("what", ["again", "away"])
def test_only_administrators_of_the_company_do_something_about_it(company, user, browse, what, connect, control):
    tenant = connect("GB")
    colleague = make_user(tenant.company, is_admin=False)
    row = ready(tenant.company)
    address = f"/embed/settings/ready/{DEAL}/{what}"
    assert browse(colleague, "settings").post(address).status_code == 404
    browse(user, "settings").post(address)
    row.refresh_from_db()
    assert (row.why, row.put_away_at) == (Why.CHECKS, None)


def test_when_nobody_is_there_in_whose_name_rules_act_administrators_are_told(desk, user, company):
    gone = make_user(company)
    store(company, {2: Choice(WON, Outcome.CREATE)}, gone)
    assert "No invoices are made by themselves" not in desk(user).text
    PipedriveUser.objects.filter(pk=gone.pk).delete()
    page = desk(user)
    assert "No invoices are made by themselves" in page.text
    assert any(element.attributes.get("href") == "#automatic" for element in page.elements)


def test_when_pipedrive_tells_no_deals_for_hours_administrators_are_told(desk, user, company):
    store(company, {1: Choice(WON, Outcome.CREATE)}, user)
    DealRules.objects.update(problem="AccessDenied")
    assert "Pipedrive does not tell which deals have changed." not in desk(user).text
    DealRules.objects.update(read_until=timezone.now() - timedelta(hours=3))
    assert "Pipedrive does not tell which deals have changed." in desk(user).text
    DealRules.objects.update(problem="")
    assert "No invoices are made by themselves" not in desk(user).text


# The panel


def test_the_panel_of_the_deal_tells_why_it_waits(look, company):
    ready(company, why=Why.NO_EMAIL)
    page = look()
    assert "Ready to be invoiced. There is no e-mail address to send it to." in page.text
    assert "Ready to be invoiced" not in look(id=DEAL, resource="organization").text


@pytest.mark.parametrize("columns", [{"why": ""}, {"put_away_at": timezone.now()}, {"deal_id": DEAL + 1}])
def test_the_panel_tells_nothing_of_deals_that_do_not_wait(look, company, columns):
    ready(company, **columns)
    assert "Ready to be invoiced" not in look().text


# The history


def test_the_history_says_that_nobody_pressed(harbour, browse, seen):
    seen(harbour.user, DEAL)
    invoice = make_invoice(harbour.company, deal_id=DEAL, realm_id=harbour.realm, created_by_name="Priya Nair")
    path = f"/embed/invoice/{invoice.public_id}/history"
    assert "Priya Nair asked for the invoice" in Page(browse(harbour.user, "panel").get(path)).text
    ready(harbour.company, why="", invoice=invoice)
    told = Page(browse(harbour.user, "panel").get(path)).text
    assert "Made by itself when the deal was ready, in the name of Priya Nair" in told
