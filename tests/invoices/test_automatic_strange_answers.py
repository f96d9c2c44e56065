"""Deals as Pipedrive should not tell them, for a company with a rule: none of them keeps another one out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings import pipedrive
from integration_settings.deal_rules import Outcome
from integration_settings.models import DealRules, PipedriveUser
from invoices.domain.unattended import Why
from tests.factories import D
from tests.invoices.selling import GARAGE, SECRET, SHELVES, sales

__all__ = ["sales"]
pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]


@pytest.fixture
def told(monkeypatch):
    """told(12, {"value": None}): from now on Pipedrive tells that of the deal."""

    def tell(deal_id, members):
        once = pipedrive.call

        def answered(domain, token, method, path, **more):
            answer = once(domain, token, method, path, **more)
            for record in answer["data"] if isinstance(answer["data"], list) else [answer["data"]]:
                if "v2/deals" in path and record and record.get("id") == deal_id:
                    record.update(members)
            return answer

        monkeypatch.setattr(pipedrive, "call", answered)

    return tell


@pytest.mark.parametrize(
    "strange",
    [
        {"value": D("1e30")},
        {"value": D("1e4000")},
        {"value": D("1e24")},
        {"value": D("0.123456789")},
        {"value": None},
        {"value": {"amount": 3}},
        {"value": -5},
        {"currency": None},
        {"currency": "DOLLARS"},
        {"title": "x" * 5000},
        {"title": "🧾" * 300},
        {"title": None},
        {"title": ["a"]},
        {"pipeline_id": None},
        {"pipeline_id": {"id": 1}},
        {"stage_id": "four"},
        {"org_id": {"value": 5}, "person_id": "x"},
        {"won_time": 17},
        {"won_time": "yesterday"},
        {"update_time": None},
        {"update_time": "9999-12-31T23:59:59Z"},
        {"update_time": "0001-01-01T00:00:00Z"},
        {"add_time": [], "stage_change_time": {}},
        {"status": None},
        {"is_deleted": "no"},
        {"id": None},
        {"id": "12"},
        {"id": 10**30},
        {"id": -1},
        {"id": 0},
    ],
    ids=str,
)
@pytest.mark.parametrize("then", [Outcome.PREPARE, Outcome.CREATE])
def test_a_strange_deal_keeps_no_other_one_out(sales, told, strange, then):
    sales.set_rule(then)
    told(sales.win(GARAGE), strange)
    sales.win(SHELVES)
    made = sales.invoice_by_rule()
    if then == Outcome.CREATE:
        assert sales.row(SHELVES).invoice in made
    else:
        assert sales.row(SHELVES).why == Why.WANTED
    assert DealRules.objects.get().problem == ""
    sales.win(SECRET)
    sales.look()
    assert sales.row(SECRET)


def test_a_time_without_a_zone_is_universal_time(sales, told, control):
    """As Pipedrive documents of its first version, whatever the zone of who reads it."""
    sales.set_rule(Outcome.CREATE)
    deal_id = sales.win(SHELVES)
    told(deal_id, {"won_time": control.now()[:19].replace("T", " ")})
    (invoice,) = sales.invoice_by_rule()
    assert invoice.deal_id == deal_id


def test_a_worth_that_no_column_holds_is_not_shown(sales, told):
    sales.set_rule(Outcome.PREPARE)
    told(sales.win(SHELVES), {"value": D("1e30")})
    sales.look()
    row = sales.row(SHELVES)
    assert (row.why, row.value, row.currency) == (Why.WANTED, 0, "")


@pytest.mark.parametrize("status", [401, 402, 403, 404, 429, 500, 503])
def test_whatever_pipedrive_answers_the_deals_are_read_once_it_tells_them(sales, control, status):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    control.fault("status", service="pipedrive", path="/deals$", times=None, status=status)
    assert sales.look() == []
    stored = DealRules.objects.get()
    assert stored.problem
    assert stored.next_look_at > timezone.now() + timedelta(minutes=4)
    control.clear_faults()
    PipedriveUser.objects.update(paused_until=None)
    assert len(sales.look()) == 1


@pytest.mark.parametrize("kind", ["html", "reset", "lost"])
def test_no_answer_and_no_json_are_waited_out(sales, control, kind):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    control.fault(kind, service="pipedrive", path="/deals$", times=None)
    assert sales.look() == []
    assert DealRules.objects.get().problem == "ServiceUnavailable"
    control.clear_faults()
    assert len(sales.look()) == 1


@pytest.mark.parametrize("data", [{"id": 3}, [3], ["deal"], "deals", [[]]], ids=str)
def test_an_answer_that_is_no_list_of_deals_counts_as_none(sales, monkeypatch, data):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    with monkeypatch.context() as patch:
        patch.setattr(pipedrive, "call", lambda *_args, **_more: {"success": True, "data": data})
        assert sales.look() == []
    assert DealRules.objects.get().problem == "ServiceUnavailable"
    assert len(sales.look()) == 1
