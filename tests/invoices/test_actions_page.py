"""The "…" of an invoice: what stands in it, what it asks first, and what the row says while and after it is done."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone

from integration_settings.models import ConnectionState
from invoices import actions, submission
from invoices.domain.actions import Action
from invoices.domain.status import Submission
from invoices.invoice_gateway import QuickBooksGateway
from invoices.models import Invoice, InvoiceAction
from invoices.reports import apply_report, zone
from tests.factories import D, a_bill_to, a_draft, a_line, make_invoice
from tests.invoices.form_answers import CREATE, pressed
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db
DEAL = 12
QUERY = {"resource": "deal", "id": DEAL}
LATER = date(2100, 12, 7)
ELSEWHERE = ("Settings", "Billing plan", "Disconnect QuickBooks…", "Open in QuickBooks", "History")
ALL = ["Send by e-mail…", "Attach files…", "Copy payment link", "Download PDF", "Void…", "Delete…"]


@pytest.fixture
def browser(browse, user, seen):
    """Somebody to whom Pipedrive has just shown the deal."""
    seen(user, DEAL)
    return browse(user, "panel")


@pytest.fixture
def look(browser):
    return lambda: Page(browser.get("/embed/panel/content", QUERY))


def entries(page):
    found = [e.text for e in page.elements if e.attributes.get("role") == "menuitem"]
    return [text for text in found if text not in ELSEWHERE]


def entry(page, text):
    return next(e for e in page.elements if e.attributes.get("role") == "menuitem" and e.text == text)


def address(invoice, what):
    return f"/embed/invoice/{invoice.public_id}/{what}?resource=deal&id={DEAL}"


def failed(invoice, user, kind, refusal):
    action = actions.ask(invoice, kind, user=user, intent_key=invoice.public_id, to="a@b.example")
    InvoiceAction.objects.filter(pk=action.pk).update(
        submission=Submission.REJECTED, refusal=refusal, settled_at=invoice.created_at, next_attempt_at=None
    )


# What stands in it


def test_an_invoice_without_a_number_is_called_by_its_amount_in_its_menu_and_questions(look, browser, company):
    invoice = make_invoice(company, deal_id=DEAL, number="", due_date=LATER)
    page = look()
    (amount,) = {e.text for e in page.by_class("row__amount")}
    assert any(e.attributes.get("aria-label") == f"More for invoice {amount}" for e in page.elements)
    assert entry(page, "Void…").attributes["data-confirm-title"] == f"Void invoice {amount}?"
    assert entry(page, "Delete…").attributes["data-confirm-title"] == f"Delete invoice {amount}?"
    assert f"Send invoice {amount} to" in Page(browser.get(address(invoice, "send"))).text


@pytest.mark.parametrize(
    "fields, expected",
    [
        ({"due_date": LATER}, ALL),
        ({"due_date": LATER, "balance": D(70)}, ALL),
        ({"due_date": date(2026, 1, 1)}, ALL),
        ({"balance": D(0)}, ["Send by e-mail…", "Attach files…", "Download PDF", "Void…", "Delete…"]),
        ({"voided_on": date(2026, 11, 3), "balance": D(0)}, ["Download PDF", "Delete…"]),
        ({"deleted_on": date(2026, 10, 28)}, []),
    ],
    ids=["open", "partially paid", "overdue", "paid", "voided", "deleted"],
)
def test_only_what_makes_sense_for_the_status_stands_there(look, company, fields, expected):
    make_invoice(company, deal_id=DEAL, **fields)
    assert entries(look()) == expected


def test_without_a_connection_the_way_into_quickbooks_is_all_that_is_left(look, company, quickbooks):
    quickbooks.state = ConnectionState.ENDED
    quickbooks.save()
    make_invoice(company, deal_id=DEAL)
    page = look()
    assert entries(page) == []
    assert entry(page, "Open in QuickBooks")


def test_what_cannot_be_undone_is_asked_first_with_its_effect(look, company):
    make_invoice(company, deal_id=DEAL, number="1051", balance=D(70), due_date=LATER)
    page = look()
    void, delete = entry(page, "Void…").attributes, entry(page, "Delete…").attributes
    assert (void["data-confirm-title"], void["data-confirm-button"]) == ("Void invoice 1051?", "Void invoice")
    assert "£50.00 has been paid on it" in void["data-confirm-text"]
    assert "cannot be un-voided" in void["data-confirm-text"]
    assert (delete["data-confirm-title"], delete["data-confirm-button"]) == ("Delete invoice 1051?", "Delete invoice")
    assert "cannot be undone" in delete["data-confirm-text"]


def test_a_payment_that_comes_while_the_question_is_open_is_not_in_the_answer(browser, look, company, user):
    invoice = make_invoice(company, deal_id=DEAL, due_date=LATER)
    asked = entry(look(), "Void…").attributes["hx-post"]
    Invoice.objects.filter(pk=invoice.pk).update(balance=D(70))
    browser.post(asked)
    assert InvoiceAction.objects.get().paid_then == 0


@pytest.mark.parametrize("paid", ["", "&paid=", "&paid=many", "&paid=NaN", "&paid=1e999999"])
def test_a_void_that_does_not_say_what_was_shown_goes_by_what_is_known(browser, company, paid):
    invoice = make_invoice(company, deal_id=DEAL, balance=D(70))
    browser.post(address(invoice, "void") + paid)
    assert InvoiceAction.objects.get().paid_then == D(50)


def test_a_voided_invoice_is_not_said_to_have_a_payment(look, company):
    make_invoice(company, deal_id=DEAL, voided_on=date(2026, 11, 3), balance=D(0))
    assert "payment" not in entry(look(), "Delete…").attributes["data-confirm-text"]


# How it goes


@pytest.mark.parametrize(
    "what, kind, says",
    [
        ("void", Action.VOID, "Being voided in QuickBooks…"),
        ("delete", Action.DELETE, "Being deleted in QuickBooks…"),
    ],
)
def test_a_press_is_stored_and_the_row_says_so(browser, look, company, user, what, kind, says):
    invoice = make_invoice(company, deal_id=DEAL)
    page = Page(browser.post(address(invoice, what)))
    assert says in page.text
    assert entries(page) == ["Copy payment link", "Download PDF"]  # nothing else can be begun meanwhile
    assert page.by_id("panel-poll").attributes["data-poll-seconds"] == "2"
    action = InvoiceAction.objects.get()
    assert (action.kind, action.invoice, action.asked_by_id) == (kind, invoice, user.user_id)
    browser.post(address(invoice, what))
    assert InvoiceAction.objects.count() == 1


def test_an_unknown_outcome_is_being_checked(look, company, user):
    invoice = make_invoice(company, deal_id=DEAL)
    for kind, says in ((Action.VOID, "was voided"), (Action.DELETE, "was deleted"), (Action.SEND, "e-mail was sent")):
        InvoiceAction.objects.all().delete()
        actions.ask(invoice, kind, user=user, intent_key=invoice.public_id)
        InvoiceAction.objects.update(submission=Submission.UNKNOWN)
        assert "QuickBooks did not answer in time. We are checking whether the" in look().text
        assert says in look().text


@pytest.mark.parametrize(
    "kind, refusal, says",
    [
        (Action.VOID, {"code": "6210"}, "The invoice was not voided. The books are closed for its date."),
        (
            Action.DELETE,
            {"code": "6000", "detail": "It is linked to a payment"},
            "Once that is removed in QuickBooks it can be deleted",
        ),
        (
            Action.SEND,
            {"code": "not_sent"},
            "The e-mail was not sent. QuickBooks shows no trace of it. It can be sent again.",
        ),
        (Action.VOID, {"code": "610"}, "It is not in QuickBooks any more."),
        (Action.VOID, {"code": "gave_up"}, "It has waited too long for QuickBooks."),
        (Action.VOID, {"code": "access_denied"}, "whoever signed in may lack rights there."),
        (Action.VOID, {"code": "6000", "detail": "Nein."}, "QuickBooks says: “Nein”."),
        (Action.VOID, {"code": "6000"}, "QuickBooks gave no reason."),
    ],
)
def test_a_failure_says_why_until_somebody_has_read_it(browser, look, company, user, kind, refusal, says):
    invoice = make_invoice(company, deal_id=DEAL)
    failed(invoice, user, kind, refusal)
    page = look()
    assert says in page.text
    assert "Void…" in entries(page)
    dismiss = page.by_id(f"away-{invoice.public_id}")
    assert dismiss.text == "Dismiss"
    after = Page(browser.post(dismiss.attributes["hx-post"]))
    assert says not in after.text


def test_what_is_not_possible_any_more_is_said_and_not_stored(browser, company):
    invoice = make_invoice(company, deal_id=DEAL, voided_on=date(2026, 11, 3), balance=D(0))
    page = Page(browser.post(address(invoice, "void")))
    assert "The invoice has changed meanwhile." in page.text
    assert not InvoiceAction.objects.exists()


def test_who_may_not_see_the_deal_can_do_nothing_with_its_invoice(harbour, colleague, browse):
    invoice = make_invoice(harbour.company, deal_id=999_999)
    stranger = browse(colleague(harbour), "panel")
    for what in ("void", "delete", "send", "put-away"):
        assert stranger.post(f"/embed/invoice/{invoice.public_id}/{what}", {"to": "a@b.example"}).status_code == 404
    for what in ("send", "pdf", "payment-link"):
        assert stranger.get(f"/embed/invoice/{invoice.public_id}/{what}").status_code == 404
    assert not InvoiceAction.objects.exists()


# E-mail


def test_the_form_starts_with_the_address_that_quickbooks_has(browser, company):
    invoice = make_invoice(company, deal_id=DEAL, number="1053", email="accounts@bramley.example")
    page = Page(browser.get(address(invoice, "send")))
    assert page.fields()["to"] == "accounts@bramley.example"
    assert "Send invoice 1053" in page.text
    assert "QuickBooks sends it with your company’s text." in page.text


def test_pressing_twice_asks_for_one_email(browser, company):
    invoice = make_invoice(company, deal_id=DEAL, email="accounts@bramley.example")
    fields = Page(browser.get(address(invoice, "send"))).fields()
    for _ in range(2):
        page = Page(browser.post(address(invoice, "send"), fields | {"to": " a@b.example\u200b;c@d.example  "}))
    assert "QuickBooks is sending it to a@b.example, c@d.example…" in page.text
    assert InvoiceAction.objects.get().to == "a@b.example, c@d.example"


@pytest.mark.parametrize(
    "typed, says",
    [
        ("", "Give the address it is to go to."),
        ("acounts@bramleyfoods", "“acounts@bramleyfoods” is not an e-mail address."),
        ("a@b.example, nonsense", "“nonsense” is not an e-mail address."),
        ("a" * 95 + "@b.example", "The addresses have 105 characters together. QuickBooks takes 100."),
    ],
)
def test_a_bad_address_comes_back_with_its_fault_and_what_was_typed(browser, company, typed, says):
    invoice = make_invoice(company, deal_id=DEAL)
    fields = Page(browser.get(address(invoice, "send"))).fields()
    answer = browser.post(address(invoice, "send"), fields | {"to": typed})
    page = Page(answer)
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (422, f"#send-{invoice.public_id}")
    assert says in page.text
    assert page.fields() == fields | {"to": typed}
    assert not InvoiceAction.objects.exists()


# Over QuickBooks' stand-in


@pytest.fixture
def billed(harbour, deal_id, control):
    """An invoice of the deal that exists in QuickBooks; `billed(email="")` without an address."""

    def make(email="accounts@bramley.example"):
        gateway = QuickBooksGateway(harbour.quickbooks)
        item = next(row["Id"] for row in control.books(harbour.realm)["items"] if row["Type"] == "Service")
        deal = deal_id(harbour, "Bramley Foods – warehouse racking, phase 2")
        code = next(row for row in gateway.client.query_all("TaxCode") if row["Name"] == "20.0% S")["Id"]
        customer = gateway.create_customer(a_bill_to(name="Menu Ltd", email=email), "GBP", mark="", request_id="c")
        draft = a_draft(
            deal_id=deal,
            lines=(a_line(item_id=item, tax_code_id=code),),
            bill_to=a_bill_to(customer_id=customer.customer_id, email=email),
            due_date=timezone.now().date() + timedelta(days=14),
        )
        issued = gateway.create_invoice(draft, customer.customer_id, request_id="i")
        invoice = make_invoice(
            harbour.company,
            deal_id=deal,
            realm_id=harbour.realm,
            qbo_invoice_id=issued.qbo_invoice_id,
            created_by_id=harbour.user.user_id,
            qbo_updated_at=None,
        )
        apply_report(invoice, issued, place=zone("Europe/London"))
        return invoice

    return make


def act(browser, invoice, what, fields=None):
    answer = browser.post(f"/embed/invoice/{invoice.public_id}/{what}?resource=deal&id={invoice.deal_id}", fields)
    assert answer.status_code == 200, answer.content.decode()
    actions.carry_out(InvoiceAction.objects.latest("pk").pk)
    return Page(browser.get("/embed/panel/content", {"resource": "deal", "id": invoice.deal_id}))


def test_void_delete_and_send_reach_quickbooks_and_the_panel(harbour, billed, browse, control):
    invoice, browser = billed(), browse(harbour.user, "panel")
    sent = act(browser, invoice, "send", {"to": "one@menu.example"})
    assert "e-mailed" in sent.text
    assert [letter["to"] for letter in control.books(harbour.realm)["outbox"]] == ["one@menu.example"]
    assert "Voided" in act(browser, invoice, "void").text
    assert "Deleted" in act(browser, invoice, "delete").text
    assert invoice.qbo_invoice_id not in ids(control, harbour)


@pytest.mark.parametrize(
    ("deed", "title", "second", "left"),
    [
        ("void", "The invoice is void in QuickBooks", "Voided", ["result-open", "result-pdf", "result-done"]),
        ("delete", "The invoice is not in QuickBooks any more", "Deleted in QuickBooks", ["result-done"]),
    ],
)
def test_the_page_that_told_of_an_invoice_tells_what_a_bookkeeper_did_with_it(
    harbour, fill_in, control, deed, title, second, left
):
    browser, fields = fill_in(harbour)
    _, invoice = pressed(browser, fields)
    submission.submit(invoice.pk)
    invoice.refresh_from_db()
    control.book(harbour.realm, deed, id=invoice.qbo_invoice_id)
    browser.post(f"/embed/invoice/{invoice.public_id}/send?from=result", {"to": "one@menu.example"})
    actions.carry_out(InvoiceAction.objects.get().pk)
    page = Page(browser.get(f"/embed/invoice/{invoice.public_id}/result"))
    assert page.by_id("result-title").text == title
    assert f"{invoice.number} · {second}" in page.by_class("result__text")[0].text
    assert "The e-mail was not sent." in page.text
    assert [name for name in ("result-open", "result-pdf", "result-done") if page.has_id(name)] == left
    assert page.by_id("result-title").text == Page(browser.post(CREATE, fields)).by_id("result-title").text


def test_an_invoice_whose_price_was_made_nothing_is_not_called_voided(harbour, billed, browse, control):
    invoice, browser = billed(), browse(harbour.user, "panel")
    line = control.books(harbour.realm)["invoices"][-1]["Line"][0]["Id"]
    control.book(harbour.realm, "edit", id=invoice.qbo_invoice_id, line=line, price="0", quantity="2")
    text = act(browser, invoice, "send", {"to": "one@menu.example"}).text
    assert "Paid £0.00" in text
    assert "Voided" not in text


def test_an_invoice_that_was_created_a_moment_ago_is_sent_although_searches_lag(harbour, billed, browse, control):
    invoice = billed()
    control.fault("query_lag", seconds=3600)
    page = act(browse(harbour.user, "panel"), invoice, "send", {"to": "one@menu.example"})
    assert "Deleted" not in page.text
    assert [letter["to"] for letter in control.books(harbour.realm)["outbox"]] == ["one@menu.example"]


def test_a_gateway_that_knows_no_such_address_makes_no_invoice_deleted(harbour, billed, browse, control):
    invoice, browser = billed(), browse(harbour.user, "panel")
    control.fault("status", status=404, path=f"/invoice/{invoice.qbo_invoice_id}$")
    page = act(browser, invoice, "delete")
    assert "Being deleted in QuickBooks…" in page.text
    control.clear_faults()
    invoice.refresh_from_db()
    assert (invoice.deleted_on, invoice.qbo_invoice_id in ids(control, harbour)) == (None, True)
    InvoiceAction.objects.update(next_attempt_at=timezone.now())
    actions.carry_out(InvoiceAction.objects.get().pk)
    invoice.refresh_from_db()
    assert (invoice.deleted_on is None, invoice.qbo_invoice_id in ids(control, harbour)) == (False, False)


def ids(control, tenant):
    return [row["Id"] for row in control.books(tenant.realm)["invoices"]]


def test_the_pdf_is_quickbooks_own_and_its_name_is_harmless(harbour, billed, browse):
    invoice, browser = billed(), browse(harbour.user, "panel")
    Invoice.objects.filter(pk=invoice.pk).update(number='1/..\\"\r\n<b>é')
    answer = browser.get(f"/embed/invoice/{invoice.public_id}/pdf")
    assert answer.content.startswith(b"%PDF")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="Invoice-1-..-b.pdf"'


def test_a_payment_link_is_quickbooks_own_or_the_reason_why_there_is_none(harbour, billed, browse):
    invoice, browser = billed(email=""), browse(harbour.user, "panel")
    refused = browser.get(f"/embed/invoice/{invoice.public_id}/payment-link")
    assert refused.status_code == 409
    assert refused.json()["fact"] == "QuickBooks gives no payment link for this invoice."
    act(browser, invoice, "send", {"to": "one@menu.example"})
    given = browser.get(f"/embed/invoice/{invoice.public_id}/payment-link").json()["text"]
    assert f"/invoice/{invoice.qbo_invoice_id}/customer" in given


DENIED = (
    "QuickBooks does not let the app do this: whoever signed in may lack rights there. "
    "An administrator can sign in again, with an account that has them."
)


@pytest.mark.parametrize("what", ["pdf", "payment-link"])
def test_what_cannot_be_fetched_says_why(harbour, billed, browse, control, what):
    invoice, browser = billed(), browse(harbour.user, "panel")
    control.fault("status", status=503, method="GET", company=harbour.realm)
    down = browser.get(f"/embed/invoice/{invoice.public_id}/{what}")
    assert (down.status_code, down.json()["fact"]) == (503, "QuickBooks does not answer right now")
    control.clear_faults()
    control.book(harbour.realm, "refuse", why="rights")
    denied = browser.get(f"/embed/invoice/{invoice.public_id}/{what}")
    assert (denied.status_code, denied.json()["effect"]) == (403, DENIED)
    control.book(harbour.realm, "refuse", why="subscription")
    unpaid = browser.get(f"/embed/invoice/{invoice.public_id}/{what}")
    assert (unpaid.status_code, unpaid.json()["fact"]) == (402, "Your QuickBooks subscription has ended")
    control.book(harbour.realm, "refuse", why=None)
    control.book(harbour.realm, "delete", id=invoice.qbo_invoice_id)
    gone = browser.get(f"/embed/invoice/{invoice.public_id}/{what}")
    assert (gone.status_code, gone.json()["fact"]) == (404, "The invoice is not in QuickBooks any more.")
