"""Installing from Pipedrive, over the stand-in: every way it can end."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from integration_settings import services
from integration_settings.errors import ServiceUnavailable
from integration_settings.models import Company, PipedriveUser, SignIn
from integration_settings.oauth import exchange_pipedrive_code
from integration_settings.outcomes import lead_to
from tests.integration_settings.browsing import Person, parameters_of, path_of
from tests.integration_settings.vendors import PIPEDRIVE_TOKEN, pipedrive_answer

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair(control):
    return control.clone("GB")


@pytest.fixture
def priya(stand_ins, pair):
    return Person(stand_ins, pair)


def page(client, response):
    """The page that a redirect within our service leads to, as text."""
    assert response.status_code == 302
    shown = client.get(path_of(response.headers["Location"]))
    assert shown.status_code == 200
    return shown.content.decode()


def test_an_administrator_goes_from_pipedrive_straight_on_to_quickbooks_and_back_to_the_settings(priya, pair):
    first = priya.install()
    assert first.headers["Location"] == "/quickbooks/connect"
    last = priya.connect("/quickbooks/connect")
    assert last.headers["Location"].endswith(
        f"/web/{pair.company_domain}/settings/marketplace/app/test-pipedrive-client/app-settings"
    )
    company = Company.objects.get(pipedrive_company_id=pair.pipedrive_company_id)
    user = company.users.get()
    assert (user.name, user.is_admin, user.timezone) == ("Priya Nair", True, "Europe/London")
    assert company.quickbooks.realm_id == pair.realm
    assert company.quickbooks.connected_by == "Priya Nair"
    assert (company.quickbooks.country, company.quickbooks.home_currency) == ("GB", "GBP")
    assert company.quickbooks.changes_cursor is not None
    assert company.quickbooks.next_sync_at <= timezone.now()


def test_the_state_is_sent_out_and_only_its_digest_is_stored(priya):
    consent = priya.client.get("/pipedrive/install")
    state = parameters_of(consent.headers["Location"])["state"]
    assert len(state) > 40
    assert not SignIn.objects.filter(state_digest=state).exists()
    cookie = consent.cookies["sign-in"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 600)


def test_a_second_user_lands_in_the_settings_because_the_books_are_connected(priya, stand_ins, pair):
    priya.install_and_connect()
    tom = Person(stand_ins, pair, pair.others[0]["id"])
    assert tom.install().headers["Location"].endswith("/app-settings")
    assert Company.objects.get(pipedrive_company_id=pair.pipedrive_company_id).users.count() == 2


def test_a_user_who_is_no_administrator_is_not_sent_to_quickbooks(stand_ins, pair):
    tom = Person(stand_ins, pair, pair.others[0]["id"])
    assert tom.install().headers["Location"].endswith("/app-settings")
    assert PipedriveUser.objects.get(user_id=tom.user_id).is_admin is False


def test_installing_again_keeps_one_row_with_the_newest_tokens(priya, pair):
    priya.install_and_connect()
    before = PipedriveUser.objects.get(user_id=priya.user_id)
    again = priya.install()
    after = PipedriveUser.objects.get(user_id=priya.user_id)
    assert after.pk == before.pk
    assert after.access_token != before.access_token
    assert again.headers["Location"].endswith("/app-settings")


def test_cancel_ends_on_a_page_that_says_nothing_was_installed(priya):
    consent = priya.client.get("/pipedrive/install").headers["Location"]
    answer = priya.get(priya.decide_at_pipedrive(consent, decision="cancel"))
    shown = page(priya.client, answer)
    assert "Nothing was installed" in shown
    assert 'href="/pipedrive/install"' in shown
    assert not PipedriveUser.objects.exists()


@pytest.mark.parametrize("with_state", [True, False])
def test_only_who_pressed_cancel_at_pipedrive_is_told_so(priya, with_state, caplog):
    consent = priya.client.get("/pipedrive/install").headers["Location"]
    state = {"state": parameters_of(consent)["state"]} if with_state else {}
    shown = page(priya.client, priya.client.get("/pipedrive/callback", {"error": "invalid_scope", **state}))
    assert "You chose Cancel" not in shown
    assert "Pipedrive did not confirm the install" in shown
    assert "Pipedrive's consent ended with invalid_scope" in caplog.text


def test_a_callback_that_the_marketplace_began_leads_into_our_own_start(priya):
    callback = priya.start_install()
    code = parameters_of(callback)["code"]
    answer = priya.client.get("/pipedrive/callback", {"code": code})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/pipedrive/install")
    assert not PipedriveUser.objects.exists()


def test_a_callback_works_once(priya, pair, control):
    callback = priya.start_install()
    priya.get(callback)
    control.forget_requests()
    shown = page(priya.client, priya.get(callback))
    assert "This install link has been used" in shown
    assert "/app-settings" in shown
    assert control.requests("pipedrive", path="/oauth/token") == []


def test_a_callback_after_ten_minutes_installs_nothing(priya):
    callback = priya.start_install()
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=True):
        assert "This install link has been used" in page(priya.client, priya.get(callback))
    assert not PipedriveUser.objects.exists()


def test_a_callback_in_another_browser_installs_nothing_and_spoils_nothing(priya, stand_ins, pair):
    callback = priya.start_install()
    victim = Person(stand_ins, pair)
    assert "This install did not begin here" in page(victim.client, victim.get(callback))
    assert not PipedriveUser.objects.exists()
    assert priya.get(callback).headers["Location"] == "/quickbooks/connect"


@pytest.mark.parametrize("state", ["", "invented", "x" * 500])
def test_an_unknown_state_installs_nothing(priya, state):
    answer = priya.client.get("/pipedrive/callback", {"code": "abc", "state": state} if state else {"error": "x"})
    assert answer.status_code == 302
    assert not PipedriveUser.objects.exists()


def test_a_state_of_the_other_service_installs_nothing(priya):
    priya.install()
    consent = priya.client.get("/quickbooks/connect").headers["Location"]
    answer = priya.client.get("/pipedrive/callback", {"code": "abc", "state": parameters_of(consent)["state"]})
    assert "This install did not begin here" in page(priya.client, answer)


def test_a_refused_code_ends_on_a_page(priya):
    consent = priya.client.get("/pipedrive/install").headers["Location"]
    state = parameters_of(consent)["state"]
    answer = priya.client.get("/pipedrive/callback", {"code": "not-a-code", "state": state})
    assert "Pipedrive did not confirm the install" in page(priya.client, answer)


def test_pipedrive_out_of_order_ends_on_a_page(priya, control):
    callback = priya.start_install()
    control.fault("status", service="pipedrive", path="/oauth/token", status=503)
    assert "Pipedrive does not answer right now" in page(priya.client, priya.get(callback))
    assert not PipedriveUser.objects.exists()


def test_an_api_host_that_is_not_pipedrives_is_refused_before_a_token_goes_there(priya, settings, control):
    callback = priya.start_install()
    settings.PIPEDRIVE_API_HOSTS = [".pipedrive.com"]
    control.forget_requests()
    assert "Pipedrive did not confirm the install" in page(priya.client, priya.get(callback))
    assert control.requests("pipedrive", path="/users/me") == []
    assert not PipedriveUser.objects.exists()


def test_an_ending_that_does_not_exist_is_not_found(client):
    assert client.get("/sign-in/invented").status_code == 404


def test_a_forged_note_about_an_ending_shows_nobody(client, company):
    shown = client.get("/sign-in/quickbooks-link-used", {"about": "forged"}).content.decode()
    assert company.domain not in shown


def test_an_old_note_about_an_ending_shows_nobody_any_more(client, company):
    address = lead_to("quickbooks-link-used", company=company).url
    assert company.domain in client.get(address).content.decode()
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert company.domain not in client.get(address).content.decode()


def installed(vendor, **told):
    """The user of whom Pipedrive tells nothing but what it has to, and this."""
    me = {"id": 7, "company_id": 2, "company_domain": "harbourpine"} | told
    vendor.get("http://127.0.0.1:8010/api/v1/users/me", json={"success": True, "data": me})
    vendor.post(PIPEDRIVE_TOKEN, json=pipedrive_answer())
    return services.install(exchange_pipedrive_code("c"))


@pytest.mark.parametrize(
    ("told", "language"),
    [
        ({"language_code": "pt", "country_code": "BR"}, "pt-BR"),
        ({"language_code": "lv"}, "lv"),
        ({"language_code": ["lv"], "country_code": None}, "en"),
        ("pt-BR", "pt-BR"),
        ("", "en"),
        (None, "en"),
        (5, "en"),
        (["lv"], "en"),
    ],
)
def test_the_language_of_a_user_may_come_as_an_object_or_as_text_and_else_it_is_english(vendor, told, language):
    assert installed(vendor, language=told).language == language


@pytest.mark.parametrize("odd", [None, 5, True, ["x"], {"value": "x"}])
def test_a_user_is_installed_whatever_pipedrive_tells_in_members_that_we_can_do_without(vendor, odd):
    names = ("name", "company_name", "language", "locale", "timezone_name", "access")
    user = installed(vendor, **dict.fromkeys(names, odd))
    assert (user.name, user.language, user.locale, user.timezone) == ("", "en", "en_US", "UTC")
    assert (user.is_admin, user.company.name) == (False, "harbourpine")


@pytest.mark.parametrize("odd", [None, 0, -1, "x", True, [2], {"value": 2}, 10**20])
@pytest.mark.parametrize("name", ["id", "company_id"])
def test_nobody_is_installed_of_whom_pipedrive_does_not_tell_who_it_is(vendor, name, odd):
    with pytest.raises(ServiceUnavailable):
        installed(vendor, **{name: odd})
    assert not Company.objects.exists()
