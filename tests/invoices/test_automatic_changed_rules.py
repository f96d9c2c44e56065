"""A rule that somebody changes or takes away while deals are on their way: none of them is lost, and none gets more
than was wanted.
"""

from __future__ import annotations

import pytest
from django.utils import timezone

from integration_settings import deal_rules
from integration_settings.deal_rules import WON, Choice, Outcome
from integration_settings.models import DealRules, PipedriveUser
from integration_settings.presets import NONE, delete_preset
from invoices import automatic, ready_deals
from invoices.domain.unattended import Why
from invoices.models import InvoiceAction, ReadyDeal
from tests.conftest import visitor_of
from tests.factories import make_preset
from tests.invoices.conftest import RACKING
from tests.invoices.intents import settle
from tests.invoices.selling import EARLIER, SALES, SERVICE, SHELVES, sales

__all__ = ["sales"]
pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]


@pytest.fixture
def choose(harbour, control):
    """choose(Outcome.SEND): an administrator chooses it, a moment after what happened until now."""

    def run(then, when=WON):
        deal_rules.store(harbour.company, {SALES: Choice(when, then)} if then else {}, harbour.user)
        control.advance(2)

    return run


@pytest.mark.parametrize(("before", "after"), [("create", "send"), ("prepare", "send"), ("send", "create")])
def test_a_deal_that_was_won_just_before_another_outcome_was_chosen_is_listed(sales, choose, before, after):
    sales.set_rule(Outcome(before))
    sales.win(SHELVES)
    choose(Outcome(after))
    assert sales.invoice_by_rule() == []
    assert sales.row(SHELVES).why == Why.WANTED


def test_what_is_won_after_another_outcome_was_chosen_gets_that(sales, choose):
    sales.set_rule(Outcome.PREPARE)
    choose(Outcome.CREATE)
    sales.win(SHELVES)
    assert len(sales.invoice_by_rule()) == 1


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ("create", "send", "create"),
        ("send", "create", "create"),
        ("send", "prepare", None),
        ("create", "prepare", None),
    ],
)
def test_a_deal_that_was_found_before_gets_no_more_than_both_wanted(sales, choose, before, after, kept):
    sales.set_rule(Outcome(before))
    sales.win(SHELVES)
    sales.look()
    choose(Outcome(after))
    made = sales.carry_out()
    row = sales.row(SHELVES)
    if kept:
        assert (row.invoice, row.outcome, row.next_attempt_at) == (made[0], kept, None)
    else:
        assert (made, row.why) == ([], Why.WANTED)


def test_one_that_waits_for_a_person_stays_whatever_is_chosen_and_whatever_changes_in_it(sales, choose):
    sales.set_rule(Outcome.CREATE)
    sales.win(RACKING)
    sales.invoice_by_rule()
    choose(Outcome.SEND)
    sales.change(RACKING, title=RACKING)
    sales.look()
    assert sales.row(RACKING).why == Why.CHECKS


def test_one_that_waits_is_tried_again_with_a_rule_that_was_chosen_anew(sales, choose, harbour):
    sales.set_rule(Outcome.CREATE)
    sales.win(RACKING)
    sales.invoice_by_rule()
    choose(None)
    choose(Outcome.CREATE)
    ready_deals.try_again(visitor_of(harbour.user, "settings"))
    sales.carry_out()
    assert sales.row(RACKING).why == Why.WANTED


def test_one_that_waits_is_wanted_no_more_once_its_rule_was_taken_away(sales, choose, harbour):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    sales.look()
    choose(None)
    assert sales.carry_out() == []
    assert not ReadyDeal.objects.exists()


@pytest.mark.parametrize("then", [Outcome.CREATE, None])
def test_what_nobody_wants_e_mailed_any_more_is_not(sales, choose, then):
    sales.set_rule(Outcome.SEND)
    sales.win(SHELVES)
    (invoice,) = sales.invoice_by_rule()
    settle(invoice)
    choose(then)
    sales.carry_out()
    assert not InvoiceAction.objects.exists()
    assert sales.row(SHELVES).why == Why.NOT_SENT


def test_a_worker_that_dies_after_the_intent_e_mails_only_what_is_to_be_e_mailed(sales, choose, monkeypatch):
    sales.set_rule(Outcome.SEND)
    sales.win(SHELVES)
    sales.look()
    choose(Outcome.CREATE)

    class Died(BaseException):
        pass

    def dies(*_):
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(automatic, "_asked", dies)
        with pytest.raises(Died):
            sales.carry_out()
    (invoice,) = sales.carry_out()
    settle(invoice)
    row = sales.row(SHELVES)
    assert (row.invoice, row.outcome, row.next_attempt_at) == (invoice, Outcome.CREATE, None)


def test_a_rule_of_an_older_version_counts_from_its_beginning(sales):
    sales.set_rule(Outcome.CREATE)
    stored = DealRules.objects.get()
    stored.rules = {key: {name: rule[name] for name in ("when", "then", "since")} for key, rule in stored.rules.items()}
    stored.save()
    sales.win(SHELVES)
    assert len(sales.invoice_by_rule()) == 1


@pytest.mark.parametrize("then", [Outcome.CREATE, None])
def test_what_another_pipelines_rule_e_mails_is_not_this_ones(sales, harbour, choose, then):
    """Both are for deals that are won."""
    sales.set_rule(Outcome.SEND)
    sales.win(SHELVES)
    (invoice,) = sales.invoice_by_rule()
    settle(invoice)
    others = {SERVICE: Choice(WON, Outcome.SEND)}
    deal_rules.store(harbour.company, others | ({SALES: Choice(WON, then)} if then else {}), harbour.user)
    sales.carry_out()
    assert not InvoiceAction.objects.exists()
    assert sales.row(SHELVES).why == Why.NOT_SENT


def with_preset(harbour, preset, then=Outcome.CREATE):
    deal_rules.store(harbour.company, {SALES: Choice(WON, then, preset)}, harbour.user)


def test_the_invoices_of_a_rule_start_with_its_own_preset(sales, harbour):
    sales.set_rule(Outcome.CREATE)
    make_preset(harbour.company, name="Usual", is_default=True, memo="Usual")
    retainer = make_preset(harbour.company, name="Retainer", memo="Retainer of the month")
    with_preset(harbour, str(retainer.pk))
    sales.win(SHELVES)
    (invoice,) = sales.invoice_by_rule()
    assert (invoice.preset_name, invoice.draft["memo"]) == ("Retainer", "Retainer of the month")


@pytest.mark.parametrize(("chosen", "memo"), [("", "Usual"), (NONE, "")])
def test_without_one_of_its_own_they_start_as_every_form_or_with_none(sales, harbour, chosen, memo):
    sales.set_rule(Outcome.CREATE)
    make_preset(harbour.company, is_default=True, memo="Usual")
    PipedriveUser.objects.update(preset_choice=str(make_preset(harbour.company, memo="What he had last").pk))
    with_preset(harbour, chosen)
    sales.win(SHELVES)
    (invoice,) = sales.invoice_by_rule()
    assert invoice.draft["memo"] == memo


def test_a_rule_whose_preset_was_deleted_asks_for_nothing(sales, harbour):
    sales.set_rule(Outcome.CREATE)
    preset = make_preset(harbour.company, memo="Retainer")
    with_preset(harbour, str(preset.pk))
    delete_preset(preset)
    sales.win(SHELVES)
    assert sales.invoice_by_rule() == []
    assert sales.row(SHELVES).why == Why.PRESET
    with_preset(harbour, "")
    ready_deals.try_again(visitor_of(harbour.user, "settings"))
    assert len(sales.carry_out()) == 1


def test_a_deal_that_goes_to_another_pipeline_gets_the_preset_of_that_one(sales, harbour):
    sales.set_rule(Outcome.CREATE)
    one, other = (make_preset(harbour.company, memo=memo) for memo in ("one", "other"))
    rules = {SALES: Choice(WON, Outcome.CREATE, str(one.pk)), SERVICE: Choice(WON, Outcome.CREATE, str(other.pk))}
    deal_rules.store(harbour.company, rules, harbour.user)
    DealRules.objects.update(rules=begun_before(DealRules.objects.get().rules))
    sales.win(SHELVES)
    sales.look()
    sales.change(SHELVES, pipeline_id=SERVICE)
    assert sales.carry_out() == []
    (invoice,) = sales.carry_out()
    assert invoice.draft["memo"] == "other"


def begun_before(rules):
    early = (timezone.now() + EARLIER).isoformat()
    return {pipeline: rule | {"since": early, "then_since": early} for pipeline, rule in rules.items()}
