"""Who may create, send, void and delete: what the pages leave out, and what is refused to whoever sends it anyway."""

from __future__ import annotations

import html
import re
from urllib.parse import urlencode

import pytest

from integration_settings.models import CompanySettings
from invoices import actions
from invoices.domain.actions import Action
from invoices.domain.draft import to_json
from invoices.domain.status import Submission
from invoices.models import CustomerLink, Invoice, InvoiceAction
from tests.factories import a_draft, make_customer_link, make_invoice, make_user
from tests.invoices.conftest import RACKING
from tests.invoices.fragments import Page
from tests.invoices.panels import UNLINK

pytestmark = pytest.mark.django_db
DEAL = 12
QUERY = {"resource": "deal", "id": DEAL}
CREATE = "/embed/invoice/create"
OFF = "Creating invoices is switched off for you. {admin} can change that."


def only(company, **rights):
    """What everyone may; the rest is for administrators and whoever is named."""
    nothing = {"everyone_creates": False, "everyone_sends": False, "everyone_voids": False}
    CompanySettings.objects.filter(company=company).update(**(nothing | rights))


@pytest.fixture
def admin(user):
    return user


@pytest.fixture
def tom(company):
    return make_user(company, name="Tom Hale", is_admin=False)


@pytest.fixture
def panel(browse, seen):
    def look(user):
        seen(user, DEAL)
        return Page(browse(user, "panel").get("/embed/panel/content", QUERY))

    return look


def entries(page):
    found = [e.text for e in page.elements if e.attributes.get("role") == "menuitem"]
    return [text for text in found if text in ("Send by e-mail…", "Void…", "Delete…")]


def address(invoice, what):
    return f"/embed/invoice/{invoice.public_id}/{what}?resource=deal&id={DEAL}"


# The form


@pytest.mark.parametrize("sends", [True, False])
def test_to_create_and_send_is_offered_to_whoever_may_send(harbour, open_form, colleague, sends):
    only(harbour.company, everyone_creates=True, everyone_sends=sends)
    _, _, page = open_form(harbour, RACKING, user=colleague(harbour))
    assert page.has_id("create-and-send") is sends
    assert page.has_id("later")


@pytest.mark.parametrize("creates", [True, False])
def test_the_customers_of_quickbooks_are_told_to_nobody_who_may_not_bill_them(
    harbour, open_form, colleague, control, creates
):
    browser, fields, _ = open_form(harbour, RACKING, user=colleague(harbour))
    only(harbour.company, everyone_creates=creates)
    control.forget_requests()
    found = browser.get("/embed/invoice/customers", {"q": "northgate"})
    assert ("Northgate" in found.content.decode()) is creates
    assert (OFF.format(admin=harbour.user.name) in html.unescape(found.content.decode())) is not creates
    typed = browser.post("/embed/invoice/name", fields | {"customer": "new", "name": "Northgate Books"})
    assert ("Northgate" in typed.content.decode()) is creates
    assert bool(control.requests("quickbooks", path="query")) is creates


# The panel


def test_without_a_choice_everyone_may_do_everything(panel, company, admin, tom):
    make_invoice(company, deal_id=DEAL)
    page = panel(tom)
    assert entries(page) == ["Send by e-mail…", "Void…", "Delete…"]
    assert page.has_id("panel-new")


@pytest.mark.parametrize(
    "everyone, named, expected",
    [
        ({}, {}, []),
        ({"everyone_sends": True}, {}, ["Send by e-mail…"]),
        ({}, {"may_send": True}, ["Send by e-mail…"]),
        ({"everyone_sends": True}, {"may_void": True}, ["Send by e-mail…", "Void…", "Delete…"]),
    ],
)
def test_the_menu_has_what_the_reader_may(panel, company, admin, tom, everyone, named, expected):
    only(company, **everyone)
    type(tom).objects.filter(pk=tom.pk).update(**named)
    make_invoice(company, deal_id=DEAL)
    assert entries(panel(tom)) == expected
    assert entries(panel(admin)) == ["Send by e-mail…", "Void…", "Delete…"]


@pytest.mark.parametrize("invoices", [0, 1])
def test_the_panel_says_whom_to_ask_in_place_of_a_new_invoice(panel, company, admin, tom, invoices):
    only(company)
    for _ in range(invoices):
        make_invoice(company, deal_id=DEAL)
    page = panel(tom)
    assert not page.has_id("panel-new")
    assert "You can see invoices here. " + OFF.format(admin=admin.name) in page.text
    assert panel(admin).has_id("panel-new")


@pytest.mark.parametrize("what", ["void", "delete"])
def test_what_is_sent_without_the_right_is_refused(browse, seen, company, admin, tom, what, caplog):
    only(company, everyone_creates=True, everyone_sends=True)
    invoice = make_invoice(company, deal_id=DEAL)
    seen(tom, DEAL)
    answer = browse(tom, "panel").post(address(invoice, what))
    assert (answer.status_code, answer.headers["X-Fragment"]) == (403, "swap")
    assert "Voiding and deleting invoices is switched off for you." in Page(answer).text
    assert f"{admin.name} can change that." in Page(answer).text
    assert not InvoiceAction.objects.exists()
    assert f"user {tom.user_id} is refused: no right to void" in caplog.text
    seen(admin, DEAL)
    assert browse(admin, "panel").post(address(invoice, what)).status_code == 200
    assert InvoiceAction.objects.get().kind == what


def test_whose_customer_it_is_is_forgotten_by_those_alone_who_may_bill_him(browse, seen, company, admin, tom, panel):
    only(company, everyone_sends=True, everyone_voids=True)
    party = seen(tom, DEAL).party
    make_customer_link(company, party_kind=party[0], party_id=party[1], name="Bramley Foods Ltd")
    assert "Unlink" not in panel(tom).text
    answer = browse(tom, "panel").post(f"{UNLINK}?{urlencode(QUERY)}")
    assert (answer.status_code, answer.headers["X-Fragment"]) == (403, "swap")
    assert f"Creating invoices is switched off for you. {admin.name} can change that." in Page(answer).text
    assert CustomerLink.objects.exists()
    assert "Unlink Bramley Foods Ltd…" in panel(admin).text
    assert browse(admin, "panel").post(f"{UNLINK}?{urlencode(QUERY)}").status_code == 200
    assert not CustomerLink.objects.exists()


@pytest.mark.parametrize(
    "kind, refusal",
    [
        (Action.VOID, {"code": "paid_meanwhile"}),
        (Action.DELETE, {"code": "6000", "detail": "It is linked to a payment"}),
    ],
)
def test_who_may_not_void_reads_why_it_failed_and_is_not_told_to_void(company, admin, tom, panel, kind, refusal):
    only(company)
    invoice = make_invoice(company, deal_id=DEAL)
    action = actions.ask(invoice, kind, user=admin, intent_key=invoice.public_id)
    InvoiceAction.objects.filter(pk=action.pk).update(
        submission=Submission.REJECTED, refusal=refusal, settled_at=invoice.created_at, next_attempt_at=None
    )
    said = panel(tom).text
    assert "payment" in said
    assert not re.search(r"\b(Void|void (it|the))\b", said)


def test_an_e_mail_without_the_right_is_refused_and_its_address_kept(browse, seen, company, admin, tom):
    only(company, everyone_voids=True)
    invoice = make_invoice(company, deal_id=DEAL)
    seen(tom, DEAL)
    answer = browse(tom, "panel").post(address(invoice, "send"), {"to": "books@bramley.example"})
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (403, f"#send-{invoice.public_id}")
    page = Page(answer)
    assert f"Sending invoices is switched off for you. {admin.name} can change that." in page.text
    assert page.fields()["to"] == "books@bramley.example"
    assert not page.has_id(f"send-now-{invoice.public_id}")
    assert not InvoiceAction.objects.exists()
    opened = Page(browse(tom, "panel").get(address(invoice, "send")))
    assert "Sending invoices is switched off for you." in opened.text


def test_the_page_of_a_created_invoice_does_not_send_either(browse, seen, company, admin, tom):
    only(company)
    invoice = make_invoice(company, deal_id=DEAL, created_by_id=tom.user_id, draft=to_json(a_draft()))
    seen(admin, DEAL)
    for reader, may in ((tom, False), (admin, True)):
        page = Page(browse(reader).get(f"/embed/invoice/{invoice.public_id}/result"))
        assert page.has_id(f"more-{invoice.public_id}") is may


# The form


def test_the_form_says_whom_to_ask_in_place_of_its_button(harbour, colleague, open_form):
    only(harbour.company)
    tom = colleague(harbour)
    _, _, page = open_form(harbour, RACKING, user=tom)
    assert not page.has_id("create")
    assert page.by_id("no-right").text == OFF.format(admin=harbour.user.name)
    _, _, page = open_form(harbour, RACKING)
    assert page.has_id("create")


def test_a_form_sent_without_the_right_is_refused_with_its_entries(harbour, colleague, browse, fill_in, open_form):
    tom = colleague(harbour)
    _, filled = fill_in(harbour)
    browser, fields, _ = open_form(harbour, RACKING, user=tom)
    items = {name: value for name, value in filled.items() if name.endswith("-item")}
    only(harbour.company)  # switched off while the form was open
    answer = browser.post(CREATE, fields | items | {"memo": "As agreed by phone"})
    assert (answer.status_code, answer.headers["X-Fragment"]) == (403, "swap")
    page = Page(answer)
    assert "The invoice was not created. Your entries are kept." in page.text
    assert OFF.format(admin=harbour.user.name) in page.text
    assert page.fields()["memo"] == "As agreed by phone"
    assert not Invoice.objects.exists()
    type(tom).objects.filter(pk=tom.pk).update(may_create=True)
    assert browser.post(CREATE, page.fields()).status_code == 200
    assert Invoice.objects.get().created_by_id == tom.user_id


def test_a_form_that_was_taken_before_still_tells_its_fate(harbour, colleague, fill_in, open_form):
    tom = colleague(harbour)
    _, filled = fill_in(harbour)
    browser, fields, _ = open_form(harbour, RACKING, user=tom)
    fields |= {name: value for name, value in filled.items() if name.endswith("-item")}
    assert browser.post(CREATE, fields).status_code == 200
    only(harbour.company)
    assert browser.post(CREATE, fields).status_code == 200
    assert Invoice.objects.count() == 1


def test_who_no_longer_administers_is_refused_and_who_has_just_begun_is_not(harbour, colleague, browse, fill_in, seen):
    """Our note of who administers may be old; where the right depends on it Pipedrive is asked."""
    only(harbour.company)
    tom = colleague(harbour)
    invoice = make_invoice(harbour.company, deal_id=DEAL, created_by_id=tom.user_id)
    users = type(tom).objects
    users.filter(pk=tom.pk).update(is_admin=True)
    seen(tom, DEAL)
    assert browse(tom, "panel").post(address(invoice, "void")).status_code == 403
    assert not InvoiceAction.objects.exists()
    assert not users.get(pk=tom.pk).is_admin
    users.filter(pk=harbour.user.pk).update(is_admin=False)
    browser, fields = fill_in(harbour)
    assert browser.post(CREATE, fields).status_code == 200
