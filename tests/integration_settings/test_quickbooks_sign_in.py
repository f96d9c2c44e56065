"""Connecting QuickBooks, over the stand-in: from the settings' ticket or an install, to every way it can end."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from integration_settings.models import QuickBooksConnection, UsedTicket
from integration_settings.tickets import TicketRefused, errand_of_ticket, issue_ticket, use_up
from pipedrive_qb import logs
from tests.factories import make_invoice
from tests.integration_settings.browsing import Person, parameters_of, path_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant(connect):
    return connect("GB", quickbooks=False)


@pytest.fixture
def priya(stand_ins, tenant):
    return Person(stand_ins, tenant.pair)


def connect_url(user, **options):
    return f"/quickbooks/connect?{urlencode({'ticket': issue_ticket(user, **options)})}"


def demote(control, tenant):
    """Pipedrive takes the user's rights; our note of them is older."""
    control.change_company(tenant.company.pipedrive_company_id, {"users": {tenant.user.user_id: {"admin": False}}})


def go_on_url(person, url):
    """The link of the page that names the company."""
    shown = person.get(url)
    assert shown.status_code == 200, shown
    return shown.context["go_on_url"]


def ending(client, response):
    assert response.status_code == 302
    assert response.content == b""
    return client.get(path_of(response.headers["Location"])).content.decode()


def test_a_ticket_of_the_settings_page_first_names_the_company_then_connects(priya, tenant):
    url = connect_url(tenant.user)
    shown = priya.get(url)
    tenant.company.refresh_from_db()
    assert escape(f"Connect QuickBooks to {tenant.company.name}?") in shown.content.decode()
    assert not UsedTicket.objects.exists()
    answer = priya.connect(shown.context["go_on_url"])
    assert answer.headers["Location"].endswith("/app-settings")
    assert tenant.company.quickbooks.realm_id == tenant.pair.realm


def test_install_and_sign_in_are_logged_under_their_company(priya, tenant, caplog):
    caplog.set_level("INFO", "integration_settings.services")
    caplog.handler.addFilter(logs.Context())
    priya.install_and_connect()
    ours = [record for record in caplog.records if record.name == "integration_settings.services"]
    said = {record.getMessage().split(": ", 1)[1]: record.company_id for record in ours}
    number = str(tenant.company.pipedrive_company_id)
    assert said == {
        f"user {tenant.user.user_id} installed the app": number,
        f"QuickBooks {tenant.pair.realm} connected": number,
    }


def test_the_confirmation_counts_only_in_the_browser_that_saw_the_page(priya, tenant, stand_ins):
    url = go_on_url(priya, connect_url(tenant.user))
    victim = Person(stand_ins, tenant.pair)
    assert victim.get(url).status_code == 200  # asked first, in his own browser


def test_the_browser_that_installs_another_company_is_asked_too(priya, tenant, connect, stand_ins):
    other = connect("US", quickbooks=False)
    dana = Person(stand_ins, other.pair)
    dana.install()
    assert dana.get(connect_url(tenant.user)).status_code == 200


def test_the_browser_that_just_installed_for_the_company_is_not_asked(priya, tenant):
    priya.install()
    assert priya.get(connect_url(tenant.user)).status_code == 302


def test_an_install_of_another_browser_put_into_this_one_connects_nothing(priya, tenant, stand_ins):
    """A neighbouring host may set cookies for ours: the books would get into the Pipedrive of whoever runs it."""
    priya.install()
    victim = Person(stand_ins, tenant.pair)
    victim.client.cookies["installing"] = priya.client.cookies["installing"].value
    assert "This sign-in link has been used" in ending(victim.client, victim.get("/quickbooks/connect"))
    assert victim.get(connect_url(tenant.user)).status_code == 200  # asked first


def test_a_ticket_works_once(priya, tenant):
    url = go_on_url(priya, connect_url(tenant.user))
    assert priya.get(url).headers["Location"].startswith("http")
    assert "This sign-in link has been used" in ending(priya.client, priya.get(url))


def test_of_two_who_use_a_ticket_in_the_same_moment_one_is_refused(user):
    first, second = (errand_of_ticket(ticket) for ticket in [issue_ticket(user)] * 2)
    use_up(first)
    with pytest.raises(TicketRefused):
        use_up(second)


def test_a_ticket_works_for_ten_minutes(priya, tenant):
    url = connect_url(tenant.user)
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=True):
        assert "This sign-in link has been used" in ending(priya.client, priya.get(url))


@pytest.mark.parametrize("query", ["", "?ticket=", "?ticket=forged", "?ticket=a:b:c"])
def test_nobody_connects_without_a_ticket(client, db, query):
    assert "This sign-in link has been used" in ending(client, client.get(f"/quickbooks/connect{query}"))


def test_a_ticket_of_somebody_who_no_longer_administers_connects_nothing(priya, tenant, control):
    url = connect_url(tenant.user)
    demote(control, tenant)
    assert "An administrator connects QuickBooks" in ending(priya.client, priya.get(url))


def test_a_ticket_outlives_no_uninstall(priya, tenant):
    url = connect_url(tenant.user)
    tenant.user.delete()
    assert "This sign-in link has been used" in ending(priya.client, priya.get(url))


def test_cancel_changes_nothing_and_offers_the_sign_in_again(priya, tenant):
    consent = priya.get(go_on_url(priya, connect_url(tenant.user))).headers["Location"]
    answer = priya.get(priya.decide_at_quickbooks(consent, decision="cancel"))
    shown = ending(priya.client, answer)
    assert "Nothing was connected" in shown
    assert "/quickbooks/connect?ticket=" in shown
    assert not QuickBooksConnection.objects.exists()


@pytest.mark.parametrize(
    ("error", "told", "logged"),
    [
        ("invalid_scope", "QuickBooks did not confirm the sign-in", "invalid_scope"),
        ("temporarily_unavailable", "QuickBooks does not answer right now", "temporarily_unavailable"),
        ("", "QuickBooks did not confirm the sign-in", "no reason that we know"),
        ("Canary Foods\n", "QuickBooks did not confirm the sign-in", "no reason that we know"),
    ],
)
def test_only_who_pressed_cancel_at_quickbooks_is_told_so(priya, tenant, caplog, error, told, logged):
    consent = priya.get(go_on_url(priya, connect_url(tenant.user))).headers["Location"]
    answer = priya.client.get("/quickbooks/callback", {"error": error, "state": parameters_of(consent)["state"]})
    shown = ending(priya.client, answer)
    assert "You chose Cancel" not in shown
    assert told in shown
    assert f"Intuit's consent ended with {logged}" in caplog.text
    assert "Canary" not in caplog.text


def test_a_callback_works_once(priya, tenant, control):
    consent = priya.get(go_on_url(priya, connect_url(tenant.user))).headers["Location"]
    callback = priya.decide_at_quickbooks(consent)
    priya.get(callback)
    control.forget_requests()
    assert "This sign-in link has been used" in ending(priya.client, priya.get(callback))
    assert control.requests("quickbooks") == []


def test_whoever_loses_the_right_at_quickbooks_consent_connects_nothing(priya, tenant, control):
    """A consent page may stand open for ten minutes; who administers is asked for again after five."""
    consent = priya.get(go_on_url(priya, connect_url(tenant.user))).headers["Location"]
    callback = priya.decide_at_quickbooks(consent)
    demote(control, tenant)
    with time_machine.travel(timezone.now() + timedelta(minutes=6), tick=True):
        assert "An administrator connects QuickBooks" in ending(priya.client, priya.get(callback))
    assert not QuickBooksConnection.objects.exists()


def test_a_callback_in_another_browser_connects_nothing(priya, tenant):
    """An attacker signs in to his own books and makes somebody else open the callback."""
    consent = priya.get(go_on_url(priya, connect_url(tenant.user))).headers["Location"]
    callback = priya.decide_at_quickbooks(consent)
    victim = Client()
    assert "This sign-in did not begin here" in ending(victim, victim.get(path_of(callback)))
    assert not QuickBooksConnection.objects.exists()


@pytest.mark.parametrize("state", [None, "", "invented"])
def test_a_callback_without_our_state_connects_nothing(priya, tenant, state):
    query = {"code": "abc", "realmId": tenant.pair.realm} | ({} if state is None else {"state": state})
    answer = priya.client.get("/quickbooks/callback", query)
    assert "This sign-in did not begin here" in ending(priya.client, answer)
    assert not QuickBooksConnection.objects.exists()


def test_a_state_of_the_other_service_connects_nothing(priya, tenant):
    state = parameters_of(priya.client.get("/pipedrive/install").headers["Location"])["state"]
    answer = priya.client.get("/quickbooks/callback", {"code": "abc", "realmId": "1", "state": state})
    assert "This sign-in did not begin here" in ending(priya.client, answer)


@pytest.mark.parametrize("realm", ["", "1/../2", "٣", "x", "9" * 40])
def test_a_realm_that_is_none_is_refused(priya, tenant, control, realm):
    consent = priya.get(go_on_url(priya, connect_url(tenant.user))).headers["Location"]
    state = parameters_of(consent)["state"]
    control.forget_requests()
    answer = priya.client.get("/quickbooks/callback", {"code": "abc", "realmId": realm, "state": state})
    assert answer.status_code == 302
    assert control.requests("quickbooks", path="/tokens") == []
    assert not QuickBooksConnection.objects.exists()


def test_a_refused_code_ends_on_a_page(priya, tenant):
    consent = priya.get(go_on_url(priya, connect_url(tenant.user))).headers["Location"]
    state = parameters_of(consent)["state"]
    answer = priya.client.get("/quickbooks/callback", {"code": "no", "realmId": tenant.pair.realm, "state": state})
    assert "QuickBooks did not confirm the sign-in" in ending(priya.client, answer)


def test_intuit_out_of_order_ends_on_a_page(priya, tenant, control):
    consent = priya.get(go_on_url(priya, connect_url(tenant.user))).headers["Location"]
    callback = priya.decide_at_quickbooks(consent)
    control.fault("status", path="/tokens", status=503)
    assert "QuickBooks does not answer right now" in ending(priya.client, priya.get(callback))
    assert not QuickBooksConnection.objects.exists()


def test_the_connection_stands_although_the_profile_could_not_be_read(priya, tenant, control):
    consent = priya.get(go_on_url(priya, connect_url(tenant.user))).headers["Location"]
    callback = priya.decide_at_quickbooks(consent)
    control.fault("status", path="companyinfo", status=500)
    assert priya.get(callback).headers["Location"].endswith("/app-settings")
    assert tenant.company.quickbooks.is_connected


def test_signing_in_again_to_the_same_books_keeps_settings_and_cursor(connect, stand_ins):
    tenant = connect("GB")
    priya = Person(stand_ins, tenant.pair)
    tenant.company.settings.due_days = 33
    tenant.company.settings.save()
    cursor = tenant.quickbooks.changes_cursor
    priya.connect(go_on_url(priya, connect_url(tenant.user)))
    tenant.quickbooks.refresh_from_db()
    tenant.company.settings.refresh_from_db()
    assert tenant.company.settings.due_days == 33
    assert tenant.quickbooks.changes_cursor == cursor
    assert tenant.quickbooks.connected_by == tenant.user.name


class TestAnotherCompany:
    @pytest.fixture
    def connected(self, connect, stand_ins, control):
        tenant = connect("GB")
        return tenant, Person(stand_ins, tenant.pair), control.clone("US").realm

    def test_nothing_is_changed_and_both_are_named(self, connected):
        tenant, priya, foreign = connected
        former = tenant.quickbooks.name
        answer = priya.connect(go_on_url(priya, connect_url(tenant.user)), realm=foreign)
        shown = ending(priya.client, answer)
        assert "You signed in to another QuickBooks company" in shown
        assert f"Your Pipedrive was connected to {former}; you chose Cedar Lane Supply Inc" in shown.replace(
            "&amp;", "&"
        )
        before = tenant.quickbooks.access_token
        tenant.quickbooks.refresh_from_db()
        assert (tenant.quickbooks.realm_id, tenant.quickbooks.access_token) == (tenant.pair.realm, before)

    def test_whoever_looks_again_when_the_names_are_no_longer_proven_reads_a_whole_sentence(self, client):
        shown = {
            language: client.get("/sign-in/quickbooks-other-company", headers={"Accept-Language": language})
            for language in ("en", "de")
        }
        assert "connected to another company than the one you chose." in shown["en"].content.decode()
        assert "mit einem anderen Unternehmen verbunden als dem, das Sie gewählt haben." in shown["de"].content.decode()

    def test_a_disconnected_company_is_protected_as_well(self, connected):
        tenant, priya, foreign = connected
        tenant.quickbooks.state = "ended"
        tenant.quickbooks.save()
        answer = priya.connect(go_on_url(priya, connect_url(tenant.user)), realm=foreign)
        assert "another QuickBooks company" in ending(priya.client, answer)

    def test_the_page_offers_the_former_and_the_switch(self, connected):
        tenant, priya, foreign = connected
        answer = priya.connect(go_on_url(priya, connect_url(tenant.user)), realm=foreign)
        shown = priya.get(answer.headers["Location"])
        former, switch = shown.context["outcome"].actions
        assert former.text.startswith("Choose Harbour & Pine Ltd")
        assert switch.text.startswith("Switch to Cedar Lane Supply Inc")
        assert priya.connect(go_on_url(priya, former.url)).headers["Location"].endswith("/app-settings")

    def test_a_switch_says_what_happens_to_the_invoices_then_switches(self, connected):
        tenant, priya, foreign = connected
        make_invoice(tenant.company)
        answer = priya.connect(go_on_url(priya, connect_url(tenant.user)), realm=foreign)
        switch = priya.get(answer.headers["Location"]).context["outcome"].actions[1]
        question = priya.get(switch.url)
        assert "1 invoice stays in Harbour" in question.content.decode()
        answer = priya.connect(question.context["go_on_url"], realm=foreign)
        assert answer.headers["Location"].endswith("/app-settings")
        tenant.quickbooks.refresh_from_db()
        assert tenant.quickbooks.realm_id == foreign
        assert (tenant.quickbooks.country, tenant.quickbooks.home_currency) == ("US", "USD")
        assert tenant.company.invoices.count() == 1

    def test_the_grant_that_is_not_kept_is_ended_at_intuit(self, connected, control):
        tenant, priya, foreign = connected
        answer = priya.connect(go_on_url(priya, connect_url(tenant.user)), realm=foreign)
        assert len(control.requests("quickbooks", path="revoke")) == 1  # the one for the wrong books
        switch = priya.get(answer.headers["Location"]).context["outcome"].actions[1]
        priya.connect(priya.get(switch.url).context["go_on_url"], realm=foreign)
        assert len(control.requests("quickbooks", path="revoke")) == 2  # and the one for the former

    def test_books_of_another_company_of_ours_stay_connected_to_it(self, connected, control, other_company):
        tenant, priya, foreign = connected
        other_company.quickbooks.realm_id = foreign
        other_company.quickbooks.save()
        priya.connect(go_on_url(priya, connect_url(tenant.user)), realm=foreign)
        assert control.requests("quickbooks", path="revoke") == []

    def test_even_a_browser_that_just_installed_is_asked_before_a_switch(self, connected):
        tenant, priya, foreign = connected
        type(tenant.quickbooks).objects.update(state="ended")  # else installing leads to no sign-in at QuickBooks
        priya.install()
        assert priya.get(connect_url(tenant.user, switch_to=foreign, switch_name="Cedar")).status_code == 200

    def test_agreeing_to_one_switch_is_no_leave_for_another(self, connected, control):
        tenant, priya, foreign = connected
        third = control.clone("AU").realm
        url = go_on_url(priya, connect_url(tenant.user, switch_to=foreign, switch_name="Cedar"))
        assert "another QuickBooks company" in ending(priya.client, priya.connect(url, realm=third))


@pytest.mark.parametrize("path", ["launch", "reconnect", "disconnected"])
def test_intuits_links_lead_to_pages_that_change_nothing(client, company, path):
    answer = client.get(f"/quickbooks/{path}", {"realmId": company.quickbooks.realm_id})
    assert answer.status_code == 200
    company.quickbooks.refresh_from_db()
    assert company.quickbooks.is_connected


@pytest.mark.parametrize("path", ["connect", "callback", "launch", "reconnect", "disconnected"])
def test_only_reading_methods_are_allowed(client, db, path):
    assert client.post(f"/quickbooks/{path}").status_code == 405
