"""How a company's changed deals are read: all of them, whatever happens meanwhile, and no more often than it must."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from integration_settings import pipedrive, shares
from integration_settings.clock import LONGEST_DIFFERENCE
from integration_settings.deal_rules import Outcome
from integration_settings.errors import ServiceUnavailable
from integration_settings.models import DealRules
from invoices import automatic, due, tasks
from invoices.models import ReadyDeal
from tests.invoices.conftest import RACKING
from tests.invoices.selling import GARAGE, LATER, QUOTED, SECRET, SHELVES, sales

__all__ = ["sales"]
pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]
TITLES = SHELVES, GARAGE, QUOTED, SECRET, RACKING


@pytest.fixture
def between_pages(monkeypatch):
    """between_pages(do): `do` happens after Pipedrive has answered the first page of deals."""

    def arrange(do):
        once, done = pipedrive.call, []

        def answered(domain, token, method, path, **more):
            answer = once(domain, token, method, path, **more)
            if path == "v2/deals" and not done:
                done.append(do())
            return answer

        monkeypatch.setattr(pipedrive, "call", answered)

    return arrange


def win_one_after_the_other(sales, control, titles=TITLES):
    for title in titles:
        sales.win(title)
        control.advance(180)


@pytest.mark.parametrize("page", [1, 2, 3])
def test_a_deal_that_changes_while_pages_are_read_lets_no_other_slip_through(
    sales, control, monkeypatch, between_pages, page
):
    monkeypatch.setattr(pipedrive, "PAGE", page)
    sales.set_rule(Outcome.PREPARE)
    win_one_after_the_other(sales, control)
    between_pages(lambda: sales.change(SHELVES, title=SHELVES))
    sales.look()
    sales.look()
    assert ReadyDeal.objects.count() == len(TITLES)


def test_more_changes_in_one_second_than_a_page_holds_are_all_read(sales, control, monkeypatch):
    monkeypatch.setattr(pipedrive, "PAGE", 2)
    sales.set_rule(Outcome.PREPARE)
    now = control.now()
    sales.change(*TITLES, status="won", won_time=now)
    sales.look()
    assert ReadyDeal.objects.count() == len(TITLES)


def test_what_was_read_is_not_read_again_and_again(sales, control):
    """Of many that were changed in bulk, each look would cost as many pages as the first."""
    earlier = timezone.now() - timedelta(hours=2)
    sales.set_rule(Outcome.PREPARE, since=timedelta(hours=-3))
    control.set_clock(earlier.isoformat())
    sales.win(*TITLES)
    control.advance(7200)
    sales.look()
    assert ReadyDeal.objects.count() == len(TITLES)
    assert DealRules.objects.get().read_until > timezone.now() - LONGEST_DIFFERENCE - LATER


def test_a_rule_that_is_chosen_while_deals_are_read_counts_for_them(sales, control, between_pages, monkeypatch):
    monkeypatch.setattr(automatic, "MOST_READ", 2)
    sales.set_rule(Outcome.PREPARE)
    rules = DealRules.objects.get().rules
    sales.set_rule(Outcome.PREPARE, when="4")
    win_one_after_the_other(sales, control, [SHELVES, GARAGE])
    between_pages(lambda: DealRules.objects.update(rules=rules))
    for _ in range(3):
        sales.look()
    assert {row.title for row in ReadyDeal.objects.all()} == {SHELVES, GARAGE}


def test_a_deal_that_is_archived_as_soon_as_it_is_won_is_found_within_the_hour(sales, control):
    """An automation may do that with each of them; archived ones have a list of their own, which costs more."""
    sales.set_rule(Outcome.CREATE)
    sales.change(SHELVES, status="won", won_time=control.now(), is_archived=True)
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    control.forget_requests()
    for minute in range(0, 60, 5):
        with time_machine.travel(hour + timedelta(minutes=minute), tick=False):
            sales.look()
    assert 1 <= len(control.requests("pipedrive", path="/deals/archived")) <= 2
    assert len(sales.carry_out()) == 1


def test_while_pipedrive_keeps_silent_for_many_one_process_looks_and_the_others_are_for_people(sales, monkeypatch):
    sales.set_rule(Outcome.PREPARE)
    sales.win(SHELVES)
    rules_id = DealRules.objects.get().pk
    with monkeypatch.context() as patch:
        patch.setattr(shares, "LONG", 0)
        for company_id in range(1000, 1000 + shares.SEVERAL):
            with pytest.raises(ServiceUnavailable), shares.listening("pipedrive", company_id):
                raise ServiceUnavailable("pipedrive", "nothing came")
    with shares.unhurried("pipedrive"):  # of another process, where it waits for an answer
        tasks.look_for_deals(rules_id)
    assert due.deal_looks(timezone.now()) == [rules_id]
    tasks.look_for_deals(rules_id)
    assert sales.row(SHELVES)
