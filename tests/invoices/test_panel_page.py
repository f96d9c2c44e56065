"""The panel in a deal, a person and an organization: what it shows, what it asks, and to whom it shows nothing."""

from __future__ import annotations

import logging
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from integration_settings.models import PipedriveUser, QuickBooksConnection
from invoices import deal_gateway
from invoices.models import CustomerLink, Invoice
from invoices.presentation.say import Say
from pipedrive_qb.logs import Context
from tests.factories import (
    D,
    frame_token_of,
    make_customer_link,
    make_invoice,
    make_user,
)
from tests.integration_settings.test_read_ahead import carry_out, queue
from tests.invoices.conftest import RACKING
from tests.invoices.fragments import Page
from tests.invoices.panels import (
    CONTENT,
    DEAL,
    LATER,
    PARTY,
    QUERY,
    REFRESH,
    UNLINK,
    end_connection,
    look,
    row_of,
    today,
)

__all__ = ["look", "queue"]
pytestmark = pytest.mark.django_db


# The language


def test_a_german_reads_german(look, user):
    user.language = "de"
    user.save()
    assert "Noch keine Rechnungen für diesen Deal" in look().text


def test_a_german_reads_german_also_when_something_is_wrong(look, user, quickbooks):
    user.language = "de"
    user.save()
    end_connection(quickbooks)
    page = look()
    assert "QuickBooks hat die Verbindung beendet" in page.text
    assert "ended" not in page.text


def test_a_latvian_reads_latvian_also_when_something_is_wrong(look, user, quickbooks):
    user.language = "lv"
    user.save()
    assert "Šim darījumam vēl nav rēķinu" in look().text
    end_connection(quickbooks)
    assert "QuickBooks izbeidza savienojumu" in look().text


# The shell


def test_the_shell_asks_nobody_and_loads_its_content(client, user, django_assert_max_num_queries):
    query = {"token": frame_token_of(user), "resource": "deal", "selectedIds": "12", "theme": "dark"}
    with django_assert_max_num_queries(2):  # the visitor and the company's connection
        page = Page(client.get("/embed/panel", query))
    assert page.by_id("panel").attributes["hx-get"] == f"{CONTENT}?resource=deal&id=12"
    assert "Loading invoices" in page.text


@pytest.mark.parametrize("selected", ["", "abc", "12,13", "-3", "9" * 30])
def test_the_shell_stands_whatever_the_address_says(client, user, selected):
    answer = client.get("/embed/panel", {"token": frame_token_of(user), "resource": "lead", "selectedIds": selected})
    assert answer.status_code == 200


# What is shown


def test_a_deal_without_invoices_says_how_to_begin(look):
    page = look()
    assert "No invoices for this deal yet" in page.text
    assert page.by_id("panel-new").attributes["data-open-invoice"] == "12"
    assert page.by_id("panel-new").attributes["aria-label"] == "New invoice"


@pytest.mark.parametrize(
    "fields, flag, second",
    [
        ({"due_date": LATER}, "Open", "Due 7 Dec 2100"),
        (
            {"due_date": LATER, "emailed_at": datetime(2026, 11, 20, 12, tzinfo=UTC)},
            "Open",
            "Due 7 Dec 2100 · e-mailed 20 Nov 2026",
        ),
        (
            {"due_date": LATER, "emailed_at": datetime(2100, 11, 20, 12, tzinfo=UTC)},
            "Open",
            "Due 7 Dec 2100 · e-mailed 20 Nov",
        ),
        ({"due_date": LATER, "balance": D(70)}, "Partially paid", "Due 7 Dec 2100 · £50.00 paid"),
        ({"due_date": None}, "Open", "No due date"),
        ({"balance": D(0), "paid_on": date(2026, 11, 2)}, "Paid", "Paid 2 Nov 2026"),
        ({"balance": D(0)}, "Paid", "Nothing left to pay"),
        ({"voided_on": date(2026, 11, 3), "balance": D(0)}, "Voided", "Voided 3 Nov 2026"),
        ({"deleted_on": date(2026, 10, 28)}, "Deleted", "Deleted in QuickBooks 28 Oct 2026"),
    ],
)
def test_each_invoice_has_its_flag_and_second_line(look, company, fields, flag, second):
    make_invoice(company, deal_id=DEAL, number="1053", **fields)
    row = row_of(look(), "1053")
    assert flag in row.text
    assert second in row.text


def test_an_overdue_invoice_says_for_how_long(look, company):
    fields = {"deal_id": DEAL, "due_date": today() - timedelta(days=14)}
    make_invoice(company, number="1048", **fields)
    make_invoice(company, number="1047", balance=D(20), **fields)
    page = look()
    assert [element.text for element in page.by_class("row__alert")] == ["14 days overdue", "14 days overdue"]
    assert "· £100.00 paid" in row_of(page, "1047").text
    assert "£20.00 open" in row_of(page, "1047").text
    assert "· due " in row_of(page, "1048").text


def test_sums_and_bar_are_without_tax_like_the_deal(look, company):
    make_invoice(company, deal_id=DEAL, total=D(1200), tax=D(200), balance=D(0))
    make_invoice(company, deal_id=DEAL, total=D(2400), tax=D(400), balance=D(2400))
    page = look()
    assert page.by_class("sum__title")[0].text == "£3,000.00 invoiced"
    assert page.by_class("sum__of")[0].text == "of £24,000.00"
    assert [entry.text for entry in page.by_class("legend__entry")] == [
        "Paid £1,000.00",
        "Open £2,000.00",
        "Not invoiced £21,000.00",
    ]
    assert "Amounts here are without VAT, like the deal value." in page.text
    bar = [part.attributes for part in page.elements if part.tag == "rect" and "gap" not in part.attributes["class"]]
    assert [part["width"] for part in bar] == ["4.17%", "8.33%"]


def test_more_than_the_deal_is_said(look, company):
    make_invoice(company, deal_id=DEAL, total=D(25200), tax=D(0), balance=D(25200))
    assert "£1,200.00 more than the deal" in look().text


def test_the_row_leads_into_quickbooks_and_names_its_menu(look, company, settings):
    made = make_invoice(company, deal_id=DEAL, number="1053")
    page = look()
    link = next(e for e in page.elements if e.attributes.get("role") == "menuitem" and "Open in QuickBooks" in e.text)
    assert link.attributes["href"].startswith(settings.QUICKBOOKS_WEB_URL)
    assert made.qbo_invoice_id in link.attributes["href"]
    assert (link.attributes["target"], link.attributes["rel"]) == ("_blank", "noopener")
    assert page.by_id(f"more-{made.public_id}").attributes["aria-label"] == "More for invoice 1053"


def test_a_long_list_ends_with_a_way_to_the_rest(look, browse, user, company):
    for number in range(1040, 1052):
        make_invoice(company, deal_id=DEAL, number=str(number))
    page = look()
    assert len(page.by_class("row")) == 7
    assert page.by_id("panel-all").text == "Show 5 more"
    everything = Page(browse(user, "invoice").get(CONTENT, QUERY | {"all": "1"}))
    assert len(everything.by_class("row")) == 12
    assert not everything.has_id("panel-new")
    assert "all=1" in everything.by_id("panel-poll").attributes["hx-get"]


def test_names_are_shown_as_typed(look, company):
    name = '<b>O\'Brien & Sons</b> 👩‍🍳 مؤسسة النخيل "x"'
    make_customer_link(company, party_kind="organization", party_id=PARTY, name=name)
    page = look()
    assert page.by_id("panel-customer").text == name
    assert page.by_id("panel-customer").attributes["title"] == name


def test_figures_are_in_the_readers_locale(look, company, user):
    user.locale = "de_DE"
    user.save()
    make_invoice(company, deal_id=DEAL, number="1053", due_date=LATER)
    row = row_of(look(), "1053").text
    assert "07.12.2100" in row
    assert "120,00 £" in row


def test_times_are_the_quickbooks_companys(look, quickbooks):
    QuickBooksConnection.objects.update(timezone="Asia/Tokyo", last_synced_at=timezone.now().replace(hour=0, minute=5))
    assert "09:05" in look().by_class("panel__foot")[0].text


# The quiet poll


def test_an_unchanged_list_is_answered_with_nothing(look, browse, user, company):
    make_invoice(company, deal_id=DEAL)
    address = look().by_id("panel-poll").attributes["hx-get"]
    browser = browse(user, "panel")
    assert browser.get(address).status_code == 204
    Invoice.objects.update(balance=D(0))
    assert browser.get(address).status_code == 200


def test_the_panel_asks_pipedrive_once_and_quickbooks_never(browse, harbour, deal_id, control):
    query = {"resource": "deal", "id": deal_id(harbour, RACKING)}
    browser = browse(harbour.user, "panel")
    control.forget_requests()
    for _ in range(3):
        assert browser.get(CONTENT, query).status_code == 200
    assert [call["path"] for call in control.requests()] == [f"/api/v2/deals/{query['id']}"]


def test_whoever_changes_the_language_in_pipedrive_reads_the_next_panel_in_it(
    browse, harbour, deal_id, control, colleague, queue
):
    """Without ever opening the settings; neither does the company’s new address wait for that."""
    reader, query = colleague(harbour), {"resource": "deal", "id": deal_id(harbour, RACKING)}
    changes = {"users": {str(reader.user_id): {"language": ["de", "DE"]}}, "name": "Harbour & Oak"}
    control.change_company(harbour.pair.pipedrive_company_id, changes)
    assert browse(reader, "panel").get(CONTENT, query).headers["Content-Language"] == "en"
    carry_out(queue)
    assert browse(reader, "panel").get(CONTENT, query).headers["Content-Language"] == "de"
    harbour.company.refresh_from_db()
    assert harbour.company.name == "Harbour & Oak"
    assert queue.qsize() == 0, "once an hour is enough"


def test_ten_invoices_need_three_queries(look, browse, user, company, django_assert_num_queries):
    for _ in range(10):
        make_invoice(company, deal_id=DEAL)
    look()
    browser = browse(user, "panel")
    with django_assert_num_queries(3):  # who looks, with the connection; the invoices; the linked customer
        browser.get(CONTENT, QUERY)


# Refresh


def test_refresh_brings_what_the_bookkeeper_did(browse, harbour, control, deal_id):
    deal = deal_id(harbour, RACKING)
    theirs = next(row for row in control.books(harbour.realm)["invoices"] if row["Balance"])
    total = D(str(theirs["TotalAmt"]))
    make_invoice(
        harbour.company,
        deal_id=deal,
        number=theirs["DocNumber"],
        qbo_invoice_id=theirs["Id"],
        total=total,
        balance=total,
        qbo_updated_at=timezone.now() - timedelta(days=1),
    )
    QuickBooksConnection.objects.update(changes_cursor=timezone.now() - timedelta(minutes=10))
    control.book(harbour.realm, "void", id=theirs["Id"])
    page = Page(browse(harbour.user, "panel").post(f"{REFRESH}?resource=deal&id={deal}"))
    assert "Voided" in row_of(page, theirs["DocNumber"]).text
    assert page.with_attribute("data-announce")[0].attributes["data-announce"].endswith(", 1 invoice changed")
    assert "row--changed" in row_of(page, theirs["DocNumber"]).classes


def test_a_refresh_without_an_answer_keeps_the_list(browse, harbour, control, deal_id):
    deal = deal_id(harbour, RACKING)
    make_invoice(harbour.company, deal_id=deal, number="1053")
    control.fault("status", status=503, times=None, company=harbour.realm)
    page = Page(browse(harbour.user, "panel").post(f"{REFRESH}?resource=deal&id={deal}"))
    assert row_of(page, "1053")
    assert "QuickBooks does not answer right now" in page.by_class("banner")[0].text


@pytest.mark.parametrize(
    ("why", "says"),
    [("subscription", "Your QuickBooks subscription has ended"), ("rights", "QuickBooks refused to answer")],
)
def test_a_refresh_that_quickbooks_refuses_says_why_and_keeps_the_list(browse, harbour, control, deal_id, why, says):
    deal = deal_id(harbour, RACKING)
    make_invoice(harbour.company, deal_id=deal, number="1053")
    control.book(harbour.realm, "refuse", why=why)
    page = Page(browse(harbour.user, "panel").post(f"{REFRESH}?resource=deal&id={deal}"))
    assert row_of(page, "1053")
    assert says in page.by_class("banner")[0].text


def test_a_refresh_finds_out_that_the_connection_ended(browse, harbour, control, deal_id):
    deal = deal_id(harbour, RACKING)
    make_invoice(harbour.company, deal_id=deal, number="1053")
    control.expire_tokens("quickbooks", harbour.realm)
    page = Page(browse(harbour.user, "panel").post(f"{REFRESH}?resource=deal&id={deal}"))
    assert row_of(page, "1053")
    assert "QuickBooks ended the connection" in page.by_class("banner")[0].text


def test_a_refresh_during_which_pipedrive_falls_silent_says_so(browse, harbour, control, deal_id, colleague):
    for title in (RACKING, "Confidential"):
        make_invoice(harbour.company, deal_id=deal_id(harbour, title), organization_id=1)
    ewa = colleague(harbour, 1)
    control.fault("status", service="pipedrive", status=503, path="/deals/", skip=2, times=None)
    answer = browse(ewa, "panel").post(f"{REFRESH}?resource=organization&id=1")
    assert (answer.status_code, answer.headers["X-Fragment"]) == (503, "swap")
    assert "Pipedrive does not answer right now" in Page(answer).text


# The customer


def test_a_customer_is_unlinked(look, browse, user, company):
    make_customer_link(company, party_kind="organization", party_id=PARTY, name="Bramley Foods Ltd")
    other = make_customer_link(company, party_kind="organization", party_id=PARTY + 1)
    entry = next(e for e in look().elements if e.tag == "button" and e.text == "Unlink Bramley Foods Ltd…")
    assert entry.attributes["data-confirm-title"] == "Unlink Bramley Foods Ltd?"
    after = Page(browse(user, "panel").post(entry.attributes["hx-post"]))
    assert "No QuickBooks customer linked yet" in after.text
    assert list(CustomerLink.objects.all()) == [other]


def test_an_unlinking_during_which_pipedrive_falls_silent_says_so(
    browse, harbour, control, deal_id, colleague, monkeypatch
):
    for title in (RACKING, "Confidential"):
        make_invoice(harbour.company, deal_id=deal_id(harbour, title), organization_id=1)
    make_customer_link(harbour.company, party_kind="organization", party_id=1)
    ewa = colleague(harbour, 1)
    monkeypatch.setattr(deal_gateway, "REMEMBERED_SECONDS", 0)
    control.fault("status", service="pipedrive", status=503, path="/deals/", skip=2, times=None)
    answer = browse(ewa, "panel").post(f"{UNLINK}?resource=organization&id=1")
    assert (answer.status_code, answer.headers["X-Fragment"]) == (503, "swap")
    assert not CustomerLink.objects.exists()


def test_an_administrator_disconnects_for_everyone(browse, harbour, deal_id, control):
    PipedriveUser.objects.filter(pk=harbour.user.pk).update(is_admin=True)
    browser = browse(harbour.user, "panel")
    page = Page(browser.get(CONTENT, {"resource": "deal", "id": deal_id(harbour, RACKING)}))
    entry = next(e for e in page.elements if e.tag == "button" and e.text == "Disconnect QuickBooks…")
    assert entry.attributes["data-confirm-title"] == "Disconnect QuickBooks?"
    assert "For everyone in your Pipedrive" in entry.attributes["data-confirm-text"]
    control.forget_requests()
    after = Page(browser.post(entry.attributes["hx-post"]))
    harbour.quickbooks.refresh_from_db()
    assert not harbour.quickbooks.is_connected
    assert "Disconnect QuickBooks…" not in after.text
    assert len(control.requests("quickbooks", path="revoke")) == 1


def test_whoever_no_longer_administers_disconnects_nothing(browse, harbour, control, deal_id):
    browser = browse(harbour.user, "panel")
    query = {"resource": "deal", "id": deal_id(harbour, RACKING)}
    assert "Disconnect QuickBooks…" in Page(browser.get(CONTENT, query)).text  # as known here
    control.change_company(harbour.company.pipedrive_company_id, {"users": {harbour.user.user_id: {"admin": False}}})
    answer = Page(browser.post(f"/embed/panel/disconnect?resource=deal&id={deal_id(harbour, RACKING)}"))
    assert "Disconnect QuickBooks…" not in answer.text
    harbour.quickbooks.refresh_from_db()
    assert harbour.quickbooks.is_connected


# A person's and an organization's panel


def test_an_organization_shows_the_deals_that_the_user_may_see(browse, harbour, deal_id, colleague):
    shown, hidden = deal_id(harbour, RACKING), deal_id(harbour, "Confidential")
    for deal, number in ((shown, "1053"), (hidden, "1054")):
        make_invoice(harbour.company, deal_id=deal, organization_id=1, number=number)
    ewa = colleague(harbour, 1)
    page = Page(browse(ewa, "panel").get(CONTENT, {"resource": "organization", "id": 1}))
    assert [row.text[:4] for row in page.by_class("row")] == ["1053"]
    assert page.by_class("sum__title")[0].text == "£120.00 open"
    assert page.by_class("sum__of")[0].text == "1 deal"
    link = next(e for e in page.elements if e.attributes.get("data-redirect") == "deals")
    assert (link.text, link.attributes["data-redirect-id"]) == (RACKING, str(shown))
    assert not page.has_id("panel-new")


def test_nothing_is_said_of_an_organization_whose_deals_are_hidden(browse, harbour, deal_id, colleague):
    make_invoice(harbour.company, deal_id=deal_id(harbour, "Confidential"), organization_id=77, number="1054")
    make_customer_link(harbour.company, party_kind="organization", party_id=77, name="Secret Ltd")
    page = Page(browse(colleague(harbour, 1), "panel").get(CONTENT, {"resource": "organization", "id": 77}))
    assert "Secret" not in page.text
    assert "1054" not in page.text
    assert "No invoices for this organization’s deals yet" in page.text


# Who gets nothing


def test_wrong_methods_are_refused(browse, user):
    browser = browse(user, "panel")
    assert browser.post(CONTENT, QUERY).status_code == 405
    assert browser.get(REFRESH, QUERY).status_code == 405
    assert browser.get(UNLINK, QUERY).status_code == 405


def test_another_companys_invoices_never_show(look, other_company):
    make_invoice(other_company, deal_id=DEAL, number="9999")
    assert "9999" not in look().text


@pytest.mark.parametrize("path, method", [(CONTENT, "get"), (REFRESH, "post"), (UNLINK, "post")])
def test_a_deal_that_the_user_may_not_see_is_not_there(browse, harbour, deal_id, colleague, path, method):
    hidden = deal_id(harbour, "Confidential")
    make_invoice(harbour.company, deal_id=hidden, number="1053")
    answer = getattr(browse(colleague(harbour, 1), "panel"), method)(f"{path}?resource=deal&id={hidden}")
    assert (answer.status_code, answer.headers["X-Fragment"]) == (404, "swap")
    assert "1053" not in answer.content.decode()
    assert "This deal is not here for you" in answer.content.decode()


def test_a_dead_pipedrive_is_said_and_can_be_asked_again(browse, harbour, control, deal_id):
    query = {"resource": "deal", "id": deal_id(harbour, RACKING)}
    control.fault("status", service="pipedrive", status=503, times=None)
    answer = browse(harbour.user, "panel").get(CONTENT, query)
    page = Page(answer)
    assert (answer.status_code, answer.headers["X-Fragment"]) == (503, "swap")
    assert "Pipedrive does not answer right now" in page.text
    assert any("Try again" in e.text and e.attributes.get("hx-get") for e in page.elements)


@pytest.mark.parametrize(
    ("surface", "shell", "query"),
    [
        ("panel", "/embed/panel", {"resource": "deal", "selectedIds": "12"}),
        ("invoice", "/embed/invoice", {"data": '{"list": "deal", "id": 12}'}),
        ("invoice", "/embed/invoice", {"selectedIds": "12"}),
    ],
)
def test_another_try_finds_its_place_in_each_frame(browse, client, harbour, control, surface, shell, query):
    control.fault("status", service="pipedrive", status=503, times=None)
    frame = Page(client.get(shell, query | {"token": frame_token_of(harbour.user)}))
    main = next(element for element in frame.elements if element.tag == "main")
    fragment = Page(browse(harbour.user, surface).get(main.attributes["hx-get"]))
    again = next(e for e in fragment.elements if e.tag == "button" and e.text == "Try again")
    assert again.attributes["hx-target"] in ("closest main", f"#{main.attributes['id']}")


def test_a_pipedrive_that_is_not_paid_for_is_not_taken_for_a_hidden_deal(browse, harbour, control, deal_id):
    control.fault("status", service="pipedrive", status=402, times=None)
    for resource in ("deal", "organization"):
        make_invoice(harbour.company, deal_id=deal_id(harbour, RACKING), organization_id=7)
        record = deal_id(harbour, RACKING) if resource == "deal" else 7
        answer = browse(harbour.user, "panel").get(CONTENT, {"resource": resource, "id": record})
        assert (answer.status_code, answer.headers["X-Fragment"]) == (402, "swap")
        assert "Your Pipedrive subscription has ended" in Page(answer).text


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (60, "try again in a minute"),
        (3 * 3600, "requests to Pipedrive are used up for today. The app asks again from {time}"),
    ],
)
def test_when_pipedrives_day_is_used_up_it_is_told_until_when(
    browse, harbour, control, deal_id, monkeypatch, seconds, says
):
    control.fault("status", service="pipedrive", status=429, retry_after=seconds, times=None)
    monkeypatch.setattr(Say, "moment", lambda self, moment: f"{round((moment - timezone.now()).total_seconds())} s")
    answer = browse(harbour.user, "panel").get(CONTENT, {"resource": "deal", "id": deal_id(harbour, RACKING)})
    assert answer.status_code == 503
    assert says.format(time="10800 s") in Page(answer).text


def test_the_code_that_is_shown_is_found_in_the_log_and_calls_nobody_for_an_error_of_ours(
    browse, harbour, control, deal_id, caplog
):
    control.fault("status", service="pipedrive", status=429, retry_after=60, times=None)
    caplog.handler.addFilter(Context())
    answer = browse(harbour.user, "panel").get(CONTENT, {"resource": "deal", "id": deal_id(harbour, RACKING)})
    assert answer.status_code == 503
    code = re.search(r"[0-9A-F]{4}-[0-9A-F]{4}", Page(answer).text)[0]
    ours = ("integration_settings.", "invoices.")  # a library may warn of itself when it is loaded
    (told,) = [each for each in caplog.records if each.levelno > logging.INFO and each.name.startswith(ours)]
    assert (told.levelno, told.request_id) == (logging.WARNING, code)
    assert told.company_id == str(harbour.company.pipedrive_company_id)


def test_a_user_who_removed_the_app_is_told(browse, harbour, control, deal_id):
    query = {"resource": "deal", "id": deal_id(harbour, RACKING)}
    browser = browse(harbour.user, "panel")
    control.expire_tokens("pipedrive", harbour.pair.pipedrive_company_id)
    answer = browser.get(CONTENT, query)
    assert answer.status_code == 403
    assert "Pipedrive no longer lets the app in" in Page(answer).text


def test_colleagues_see_the_same(browse, seen, company, user):
    make_invoice(company, deal_id=DEAL, number="1053")
    tom = make_user(company, name="Tom Hale", is_admin=False)
    seen(tom, DEAL)
    assert row_of(Page(browse(tom, "panel").get(CONTENT, QUERY)), "1053")
