"""The card "Automatic invoices" of the settings: when the deals of each pipeline are invoiced by themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime

import pytest
from django.utils import timezone

from integration_settings import deal_rules
from integration_settings.deal_rules import WON, Choice, Outcome
from integration_settings.models import DealRules, PipedriveUser
from integration_settings.pipedrive import PipedriveClient
from integration_settings.presets import delete_preset
from tests.conftest import connect_user
from tests.factories import make_company, make_preset
from tests.integration_settings.settings_pages import CHOICES, CONTENT, SAVE, text_of
from tests.integration_settings.test_pipedrive_client import V1

pytestmark = pytest.mark.django_db
SALES, SERVICE = 1, 2


@pytest.fixture
def tenant(connect):
    return connect("GB")


@pytest.fixture
def headers(tenant, page_token):
    return page_token(tenant.user, "settings")


def choose(client, headers, when="", then="prepare", pipeline=SALES, **more):
    chosen = {f"rule_when_{pipeline}": when, f"rule_then_{pipeline}": then}
    return client.post(SAVE, CHOICES | chosen | more, headers=headers)


def rules(tenant):
    return deal_rules.rules_of(deal_rules.stored_rules(tenant.company))


def test_nothing_is_automatic_until_somebody_chooses_it(client, tenant, headers):
    form = client.get(CONTENT, headers=headers).context["form"]
    assert [(row.when.label, row.shown[0]) for row in form.rule_rows] == [
        ("Sales", "Never"),
        ("Service contracts", "Never"),
    ]
    assert choose(client, headers).status_code == 200
    assert not DealRules.objects.exists()


def test_a_rule_is_kept_and_shown_with_whose_name_it_uses(client, tenant, headers):
    before = timezone.now()
    assert choose(client, headers, WON, "send").status_code == 200
    (rule,) = rules(tenant).values()
    assert (rule.when, rule.then) == (WON, Outcome.SEND)
    assert before <= rule.since <= timezone.now()
    assert DealRules.objects.get().next_look_at <= timezone.now()
    page = client.get(CONTENT, headers=headers)
    assert page.context["form"].rule_rows[0].shown == ("The deal is won", "Create and e-mail the invoice", "")
    assert "every five minutes in the name of Priya Nair, who chose this last." in text_of(page)


def test_a_rule_has_a_preset_of_its_own_where_the_company_has_some(client, tenant, headers):
    assert client.get(CONTENT, headers=headers).context["form"].rule_rows[0].preset is None
    retainer = make_preset(tenant.company, name="Retainer")
    assert choose(client, headers, WON, "create", rule_preset_1=str(retainer.pk)).status_code == 200
    (rule,) = rules(tenant).values()
    assert rule.preset == str(retainer.pk)
    row = client.get(CONTENT, headers=headers).context["form"].rule_rows[0]
    assert [label for _, label in row.preset.field.choices] == ["The usual preset", "Preset: Retainer"]
    assert row.shown[2] == "Preset: Retainer"
    assert choose(client, headers, WON, "create", rule_preset_1="999").status_code == 422


def test_another_preset_does_not_begin_a_rule_anew(client, tenant, headers):
    choose(client, headers, WON, "create")
    (before,) = rules(tenant).values()
    preset = make_preset(tenant.company, is_default=True)
    for chosen in (str(preset.pk), "none"):
        choose(client, headers, WON, "create", rule_preset_1=chosen)
        (rule,) = rules(tenant).values()
        assert rule == replace(before, preset=chosen)


def test_a_preset_that_somebody_has_deleted_is_named_as_gone(client, tenant, headers):
    preset = make_preset(tenant.company)
    choose(client, headers, WON, "create", rule_preset_1=str(preset.pk))
    delete_preset(preset)
    row = client.get(CONTENT, headers=headers).context["form"].rule_rows[0]
    assert row.shown[2] == "A preset that is gone"


def test_another_company_s_preset_is_none_of_ours(client, tenant, headers):
    make_preset(tenant.company)
    other = make_preset(make_company())
    assert choose(client, headers, WON, "create", rule_preset_1=str(other.pk)).status_code == 422


def test_a_stage_of_that_pipeline_may_be_chosen_and_no_other(client, tenant, headers):
    assert choose(client, headers, "4", "create").status_code == 200
    assert rules(tenant)[SALES].when == "4"
    assert choose(client, headers, "8", "create").status_code == 422
    assert choose(client, headers, "won", "pay").status_code == 422


def test_saving_something_else_leaves_a_rule_as_it_began(client, tenant, headers):
    choose(client, headers, WON, "create")
    begun = rules(tenant)[SALES].since
    choose(client, headers, WON, "create", due_days="30")
    assert rules(tenant)[SALES].since == begun
    choose(client, headers, WON, "send")
    assert (rules(tenant)[SALES].since, rules(tenant)[SALES].then_since > begun) == (begun, True)
    choose(client, headers, "4", "send")
    assert rules(tenant)[SALES].since > begun


def test_a_rule_is_taken_away_and_the_next_one_begins_anew(client, tenant, headers):
    choose(client, headers, WON, "create")
    choose(client, headers)
    assert rules(tenant) == {}
    assert DealRules.objects.get().next_look_at is None
    DealRules.objects.update(read_until=timezone.now() - timedelta(days=90))
    choose(client, headers, WON, "create")
    assert timezone.now() - DealRules.objects.get().read_until < timedelta(minutes=31)


@pytest.mark.parametrize("minutes", [10, -10])
def test_a_rule_begins_by_the_clock_of_pipedrive(vendor, user, company, minutes):
    """Which dates the deals; ours may be wrong by minutes."""
    theirs = timezone.now() + timedelta(minutes=minutes)
    for date in (format_datetime(theirs), "Fri, 01 Jan 2100 00:00:00 GMT", "never", ""):
        vendor.get(f"{V1}/users/me", json={"success": True, "data": {"id": 1}}, headers={"Date": date})
        PipedriveClient(user).me()
    deal_rules.store(company, {SALES: Choice(WON, Outcome.CREATE)}, user)
    begun = deal_rules.rules_of(DealRules.objects.get())[SALES].since
    assert abs(begun - theirs) < timedelta(seconds=5)


def test_a_colleague_s_rule_for_another_pipeline_is_not_taken_back(client, tenant, headers):
    shown = client.get(CONTENT, headers=headers).context["form"].shown
    deal_rules.store(tenant.company, {SERVICE: Choice(WON, Outcome.PREPARE)}, tenant.user)
    choose(
        client, headers, WON, "create", shown=shown, **{f"rule_when_{SERVICE}": "", f"rule_then_{SERVICE}": "prepare"}
    )
    assert set(rules(tenant)) == {SALES, SERVICE}


def test_of_two_who_change_a_rule_at_once_the_later_gets_what_that_page_showed(client, tenant, headers):
    """And not the one's stage with the other's e-mail, which nobody has chosen."""
    choose(client, headers, WON, "create")
    shown = client.get(CONTENT, headers=headers).context["form"].shown
    choose(client, headers, "4", "create")
    choose(client, headers, WON, "send", shown=shown)
    assert (rules(tenant)[SALES].when, rules(tenant)[SALES].then) == (WON, Outcome.SEND)


def test_rules_stay_while_pipedrive_tells_no_stages(client, tenant, headers, control, no_waiting):
    deal_rules.store(tenant.company, {SALES: Choice("4", Outcome.CREATE)}, tenant.user)
    control.fault("status", service="pipedrive", status=503, path="/stages$")
    page = client.get(CONTENT, headers=headers)
    assert "Pipedrive does not tell its pipelines at the moment. What is saved stays in force." in text_of(page)
    client.post(SAVE, CHOICES, headers=headers)
    assert rules(tenant)[SALES].when == "4"


def test_a_stage_that_is_gone_is_shown_as_such(client, tenant, headers):
    deal_rules.store(tenant.company, {SALES: Choice("99", Outcome.CREATE)}, tenant.user)
    form = client.get(CONTENT, headers=headers).context["form"]
    assert form.rule_rows[0].shown[0] == "A stage that is gone"


def test_another_administrator_takes_over_what_nobody_stands_for(client, tenant, headers, control, page_token):
    deal_rules.store(tenant.company, {SALES: Choice(WON, Outcome.CREATE)}, tenant.user)
    begun = rules(tenant)[SALES].since
    other = connect_user(control, tenant.company, tenant.pair, "GB", tenant.pair.others[0]["id"])
    control.change_company(tenant.pair.pipedrive_company_id, {"users": {str(other.user_id): {"admin": True}}})
    PipedriveUser.objects.filter(pk=tenant.user.pk).delete()
    headers = page_token(other, "settings")
    assert "Whoever set this up does not use the app any more." in text_of(client.get(CONTENT, headers=headers))
    choose(client, headers, WON, "create")
    assert DealRules.objects.get().user == other
    assert rules(tenant)[SALES].since == begun


def test_whoever_may_only_look_sees_what_is_chosen(client, tenant, control, page_token):
    deal_rules.store(tenant.company, {SALES: Choice(WON, Outcome.CREATE)}, tenant.user)
    tom = connect_user(control, tenant.company, tenant.pair, "GB", tenant.pair.others[0]["id"])
    page = client.get(CONTENT, headers=page_token(tom, "settings"))
    assert "The deal is won" in text_of(page)
    assert 'name="rule_when_1"' not in page.content.decode()
    assert choose(client, page_token(tom, "settings"), "", "prepare").status_code == 403
    assert rules(tenant)
