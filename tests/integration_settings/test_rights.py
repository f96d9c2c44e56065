"""The card "Rights" of the settings: who is named there, what is saved, and who drops out."""

from __future__ import annotations

import pytest

from integration_settings import connections, rights
from integration_settings.errors import ConnectionExpired
from integration_settings.models import CompanySettings
from integration_settings.rights import Right, rights_of
from integration_settings.services import uninstall
from integration_settings.tenancy import visitor_from_page_token
from tests.factories import make_company, make_user
from tests.integration_settings.settings_pages import CHOICES, CONTENT, SAVE
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db
ALL = frozenset(Right)
EVERYTHING = "everyone:create everyone:send everyone:void"
"""What the card of a new company shows ticked."""


@pytest.fixture
def rights_now(page_token):
    """What the user may, as the next request finds it."""

    def find(user):
        token = page_token(user, "settings")["Authorization"].partition(" ")[2]
        return rights_of(visitor_from_page_token(token).user)

    return find


def rows(answer):
    table = next(e for e in Page(answer).elements if "rights" in e.classes)
    found = {}
    for row in (e for e in table.walk() if e.tag == "tr"):
        boxes = [e for e in row.walk() if e.tag == "input"]
        if boxes:
            who = next(e for e in row.walk() if e.tag == "bdi").text
            found[who] = ["checked" in box.attributes for box in boxes]
    return found


def test_everyone_may_everything_until_the_company_says_otherwise(client, tenant, headers, tom, rights_now):
    shown = rows(client.get(CONTENT, headers=headers))
    assert shown == {
        "Everyone in Pipedrive": [True, True, True],
        "Administrators": [True, True, True],
        tom.name: [False, False, False],
    }
    assert rights_now(tom) == ALL


def test_administrators_choose_who_may_what(client, tenant, headers, tom, rights_now):
    ticks = {"rights_shown": EVERYTHING, "rights": ["everyone:send", f"{tom.user_id}:create"]}
    answer = client.post(SAVE, CHOICES | ticks, headers=headers)
    assert answer.status_code == 200
    assert rows(answer)["Everyone in Pipedrive"] == [False, True, False]
    assert rows(answer)[tom.name] == [True, False, False]
    assert rights_now(tom) == {Right.SEND, Right.CREATE}
    assert rights_now(tenant.user) == ALL
    client.post(SAVE, CHOICES | {"rights_shown": f"everyone:send {tom.user_id}:create"}, headers=headers)
    assert rights_now(tom) == frozenset()
    assert rights_now(tenant.user) == ALL


def test_others_see_the_rights_and_cannot_change_them(client, tenant, tom, page_token, rights_now, caplog):
    mine = page_token(tom, "settings")
    page = Page(client.get(CONTENT, headers=mine))
    boxes = [e for e in page.by_id("rights").walk() if e.tag == "input"]
    assert boxes
    assert all("disabled" in box.attributes and "name" not in box.attributes for box in boxes)
    CompanySettings.objects.update(everyone_voids=False)
    ticks = {"rights_shown": EVERYTHING, "rights": [f"{tom.user_id}:void"]}
    assert client.post(SAVE, CHOICES | ticks, headers=mine).status_code == 403
    assert Right.VOID not in rights_now(tom)
    assert f"user {tom.user_id} is refused: that is for administrators" in caplog.text
    assert "saved the settings" not in caplog.text


def test_the_log_says_who_changes_what_holds_for_the_company(client, tenant, headers, caplog):
    client.post(SAVE, CHOICES, headers=headers)
    assert f"user {tenant.user.user_id} saved the settings" in caplog.text
    client.post("/embed/settings/disconnect", headers=headers)
    assert f"user {tenant.user.user_id} disconnects QuickBooks" in caplog.text


def test_a_form_that_cannot_be_saved_keeps_the_ticks_and_saves_none(client, tenant, headers, tom, rights_now):
    ticks = {"rights_shown": EVERYTHING, "rights": [f"{tom.user_id}:void"]}
    answer = client.post(SAVE, CHOICES | ticks | {"due_days": "x"}, headers=headers)
    assert answer.status_code == 422
    assert rows(answer)[tom.name] == [False, False, True]
    assert rows(answer)["Everyone in Pipedrive"] == [False, False, False]
    boxes = [e.attributes for e in Page(answer).by_id("rights").walk() if e.attributes.get("name") == "rights"]
    saved = [box["value"] for box in boxes if box["value"] == box["data-saved"]]
    assert saved == ["everyone:create", "everyone:send", "everyone:void"]  # the save bar names what differs from these
    assert rights_now(tom) == ALL


def test_a_right_that_a_colleague_took_away_is_not_given_back_by_a_page_opened_before(client, headers, tom, rights_now):
    mine = Page(client.get(CONTENT, headers=headers)).fields()
    theirs = {"rights_shown": EVERYTHING, "rights": ["everyone:create", f"{tom.user_id}:send"]}
    client.post(SAVE, CHOICES | theirs, headers=headers)
    assert rights_now(tom) == {Right.CREATE, Right.SEND}
    answer = client.post(SAVE, mine | {"due_days": "x", "rights": ["everyone:void", "everyone:send"]}, headers=headers)
    assert rows(answer)["Everyone in Pipedrive"] == [False, False, False]
    assert rows(answer)[tom.name] == [False, True, False]
    client.post(SAVE, mine | {"rights": ["everyone:void", "everyone:send"]}, headers=headers)
    assert rights_now(tom) == {Right.SEND}  # "create" was unticked here, "send" is the colleague's
    client.post(SAVE, mine | {"rights": [*EVERYTHING.split(), f"{tom.user_id}:create"]}, headers=headers)
    assert rights_now(tom) == {Right.SEND, Right.CREATE}


def test_a_page_without_the_card_takes_nothing_away(client, tenant, headers, tom, rights_now):
    client.post(SAVE, CHOICES, headers=headers)
    assert rights_now(tom) == ALL


def test_ticks_for_strangers_and_invented_rights_are_left_out(client, tenant, headers, tom, rights_now):
    stranger = make_user(make_company(), is_admin=False)
    CompanySettings.objects.filter(company=stranger.company).update(everyone_creates=False)
    ticks = [f"{stranger.user_id}:create", f"{tom.user_id}:settings", "nobody", "everyone:"]
    answer = client.post(SAVE, CHOICES | {"rights_shown": EVERYTHING, "rights": ticks}, headers=headers)
    assert answer.status_code == 200
    assert rights_now(tom) == frozenset()
    stranger.refresh_from_db()
    assert not stranger.may_create


def test_who_uninstalls_or_loses_the_grant_is_named_no_more(client, tenant, headers, tom, rights_now):
    ticks = {"rights_shown": EVERYTHING, "rights": [f"{tom.user_id}:create"]}
    client.post(SAVE, CHOICES | ticks, headers=headers)
    assert rights_now(tom) == {Right.CREATE}
    tom.refresh_token = "not one of Pipedrive's any more"
    tom.save()
    with pytest.raises(ConnectionExpired):
        connections.keep_alive(tom)
    assert tom.name not in rows(client.get(CONTENT, headers=headers))
    tom.refresh_from_db()
    assert not tom.may_create  # also when he comes back
    uninstall(pipedrive_company_id=tenant.company.pipedrive_company_id, user_id=tom.user_id)
    assert tom.name not in rows(client.get(CONTENT, headers=headers))


def test_whoever_has_no_grant_any_more_administers_nothing(user, monkeypatch):
    def ended(user):
        raise ConnectionExpired("pipedrive", "revoked")

    monkeypatch.setattr(rights, "refresh_user", ended)
    assert not rights.administers(user)
