"""Two administrators save in the same moment: what each has changed is stored, whoever was first."""

from __future__ import annotations

import pytest
from django.test import Client

from integration_settings.models import CompanySettings, InvoicePreset, PipedriveUser
from tests.dying import lives
from tests.factories import make_preset
from tests.integration_settings.settings_pages import CONTENT, SAVE
from tests.invoices.fragments import Page
from tests.invoices.meanwhile import beside, meanwhile, start

__all__ = ["beside", "meanwhile", "start"]

pytestmark = pytest.mark.django_db(transaction=True)
PRESET = "/embed/settings/presets/{}"


@pytest.fixture
def colleague(tenant, tom, control, page_token):
    """Headers of another administrator."""
    control.change_company(tenant.company.pipedrive_company_id, {"users": {tom.user_id: {"admin": True}}})
    PipedriveUser.objects.update(is_admin=True)
    return page_token(tom, "settings")


@pytest.fixture
def preset(tenant):
    return make_preset(tenant.company, name="Standard UK", memo="Thank you")


def test_of_the_settings(client, headers, colleague):
    theirs = Page(client.get(CONTENT, headers=colleague)).fields() | {"email_field": "", "own_field_1": "deal.title"}
    mine = Page(client.get(CONTENT, headers=headers)).fields() | {"due_days": "7"}
    before = {name: value for name, value in CompanySettings.objects.values().get().items() if name != "id"}

    def they_save():
        assert Client().post(SAVE, theirs, headers=colleague).status_code == 200

    for life in lives(they_save):
        CompanySettings.objects.update(**before)
        assert life.do(lambda: client.post(SAVE, mine, headers=headers)).status_code == 200
        stored = CompanySettings.objects.get()
        if life.ended:
            found = (stored.due_days, stored.email_field, stored.own_fields_from)
            assert found == (7, "", {"1": "deal.title"}), life.at


def test_of_a_preset(client, headers, colleague, preset):
    path = PRESET.format(preset.pk)
    form = Page(client.get(path, headers=headers)).fields()

    def they_save():
        assert Client().post(path, form | {"preset-memo": "Thanks"}, headers=colleague).status_code == 200

    mine = form | {"preset-due_days": "9"}
    for life in lives(they_save):
        InvoicePreset.objects.update(memo="Thank you", due_days=None)
        assert life.do(lambda: client.post(path, mine, headers=headers)).status_code == 200
        preset.refresh_from_db()
        if life.ended:
            assert (preset.memo, preset.due_days) == ("Thanks", 9), life.at


@pytest.mark.postgres  # on SQLite a transaction keeps everybody else from writing as it is
@pytest.mark.parametrize(
    ("shown", "saved", "theirs", "mine"),
    [
        (CONTENT, SAVE, {"email_field": ""}, {"due_days": "7"}),
        (PRESET, PRESET, {"preset-memo": ""}, {"preset-due_days": "7"}),
    ],
    ids=["the settings", "a preset"],
)
def test_who_saves_second_waits_for_the_first(
    client, headers, colleague, preset, meanwhile, shown, saved, theirs, mine
):
    form = Page(client.get(shown.format(preset.pk), headers=headers)).fields()
    address = saved.format(preset.pk)
    client.get(CONTENT, headers=colleague)  # so that Pipedrive need not be asked again who administers

    def they_save():
        return Client().post(address, form | theirs, headers=colleague).status_code

    assert meanwhile("FOR NO KEY UPDATE", they_save, lambda: client.post(address, form | mine, headers=headers)) == 200
    found = Page(client.get(shown.format(preset.pk), headers=headers)).fields()
    assert {name: found[name] for name in theirs | mine} == theirs | mine
