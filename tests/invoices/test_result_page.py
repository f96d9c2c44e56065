"""After "Create invoice": one intent, and a page that says created, not created, or being verified."""

from __future__ import annotations

from datetime import date

import pytest
from django.utils import timezone

from integration_settings.models import CompanySettings, ConnectionState, QuickBooksConnection
from invoices import actions, submission, tasks
from invoices.domain.deal import Address
from invoices.domain.draft import from_json, to_json
from invoices.domain.status import Submission
from invoices.models import CustomerLink, Invoice, QuickBooksWrite
from tests.factories import (
    D,
    a_bill_to,
    a_draft,
    make_pending_invoice,
)
from tests.invoices.conftest import NORTHGATE, RACKING
from tests.invoices.form_answers import CREATE, address, pressed, state
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db


def refusal(**values):
    return {
        "submission": Submission.REJECTED,
        "settled_at": timezone.now(),
        "next_attempt_at": None,
        "refusal": {"code": "", "field": "", "message": "", "detail": "", "trace_id": "1-6744b2f0-11a97c"} | values,
    }


def title_of(page):
    """What the window is called from then on."""
    return next(element.text for element in page.elements if element.tag == "title")


# The press


def test_a_press_stores_what_was_confirmed_and_answers_at_once(
    harbour, fill_in, control, django_capture_on_commit_callbacks, handed_out
):
    browser, fields = fill_in(harbour, memo="Thank you")
    control.forget_requests()
    with django_capture_on_commit_callbacks(execute=True):
        page, invoice = pressed(browser, fields)
    assert state(page) == "sending"
    assert page.by_id("result-title").text == "Creating the invoice for Bramley Foods Ltd"
    assert "Sending the invoice, £10,740.00" in page.text
    assert page.by_id("poll").attributes["hx-trigger"] == "load delay:100ms, every 5s"
    draft = from_json(invoice.draft)
    assert (str(invoice.intent_key), invoice.deal_id) == (fields["intent_key"], int(fields["deal"]))
    assert (draft.bill_to.name, draft.memo, draft.expected_total) == ("Bramley Foods Ltd", "Thank you", D("10740.00"))
    assert handed_out() == [("submit_invoice", invoice.pk)]
    assert control.requests("quickbooks") == []


def test_a_press_survives_a_broker_that_is_away(harbour, fill_in, django_capture_on_commit_callbacks, monkeypatch):
    from kombu.exceptions import OperationalError

    def away(*_, **__):
        raise OperationalError("connection refused")

    monkeypatch.setattr(tasks.submit_invoice, "apply_async", away)
    browser, fields = fill_in(harbour)
    with django_capture_on_commit_callbacks(execute=True):
        page, invoice = pressed(browser, fields)
    assert state(page) == "sending"
    assert invoice.next_attempt_at <= timezone.now()


def test_from_the_press_to_the_created_invoice(harbour, fill_in, control):
    browser, fields = fill_in(harbour)
    page, invoice = pressed(browser, fields)
    submission.submit(invoice.pk)
    page = Page(browser.get(page.by_id("poll").attributes["hx-get"]))
    assert state(page) == "created"
    assert "hx-get" not in page.by_id("poll").attributes
    number = next(row["DocNumber"] for row in control.books(harbour.realm)["invoices"] if row["TotalAmt"] == 10740)
    assert page.by_id("result-title").text == f"Invoice {number} is in QuickBooks"
    assert [row.text for row in page.by_class("facts__row")] == [
        "Total £10,740.00 same as on the form",
        "VAT £1,740.00",
        "Customer Bramley Foods Ltd",
        "Payment link Copy",
        "E-mail Not sent yet",
    ]
    assert page.by_id("result-open").attributes["href"].count(Invoice.objects.get().qbo_invoice_id)
    assert "data-close-modal" in page.by_id("result-done").attributes
    trace_id = QuickBooksWrite.objects.get(kind="create_invoice").trace_id
    assert trace_id
    assert f"Intuit request id {trace_id} Copy for support" in page.text


def test_the_window_is_called_by_what_became_of_the_press(harbour, fill_in):
    """A refused press calls it "Error: New invoice", and it would go on being called so."""
    browser, fields = fill_in(harbour)
    page, invoice = pressed(browser, fields)
    assert title_of(page) == "Creating the invoice for Bramley Foods Ltd"
    submission.submit(invoice.pk)
    page = Page(browser.get(page.by_id("poll").attributes["hx-get"]))
    assert title_of(page) == page.by_id("result-title").text


def test_no_note_is_promised_where_the_company_wants_none(harbour, fill_in):
    CompanySettings.objects.update_or_create(company=harbour.company, defaults={"writes_notes": False})
    browser, fields = fill_in(harbour)
    page, invoice = pressed(browser, fields)
    assert "Comparing the totals" in page.text
    assert "Writing the note" not in page.text
    submission.submit(invoice.pk)
    page = Page(browser.get(address(invoice)))
    assert "It is on the deal’s panel." in page.text


def test_a_created_invoice_is_sent_from_where_one_is_told_of_it(harbour, fill_in, control):
    browser, fields = fill_in(harbour)
    page, invoice = pressed(browser, fields)
    submission.submit(invoice.pk)
    page = Page(browser.get(address(invoice)))
    form = Page(browser.get(page.by_id(f"more-{invoice.public_id}").attributes["hx-get"]))
    sending = form.by_class("send")[0].attributes
    assert sending["hx-target"] == "#invoice"
    answer = browser.post(sending["hx-post"], form.fields() | {"to": "accounts@bramley.example"})
    page = Page(answer)
    assert page.by_class("facts__row")[-1].text == "E-mail QuickBooks is sending it to accounts@bramley.example…"
    assert f"more-{invoice.public_id}" not in answer.content.decode(), "one thing at a time"
    action = invoice.actions.get()
    actions.carry_out(action.pk)
    page = Page(browser.get(page.by_id("poll").attributes["hx-get"]))
    assert page.by_class("facts__row")[-1].text.startswith("E-mail Sent on ")
    assert page.by_class("facts__row")[-1].text.endswith("· accounts@bramley.example")
    assert "hx-get" not in page.by_id("poll").attributes
    assert [sent["to"] for sent in control.books(harbour.realm)["outbox"]] == ["accounts@bramley.example"]


def test_whoever_wants_it_sent_is_asked_to_whom_as_soon_as_it_is_created(harbour, fill_in):
    browser, fields = fill_in(harbour)
    page, invoice = pressed(browser, fields | {"then": "send"})
    asks = f"/embed/invoice/{invoice.public_id}/send?from=result"
    assert all(element.attributes.get("hx-get") != asks for element in page.elements), "there is nothing to send yet"
    submission.submit(invoice.pk)
    page = Page(browser.get(page.by_id("poll").attributes["hx-get"]))
    place = page.by_id(f"send-{invoice.public_id}").attributes
    assert (place["hx-get"], place["hx-trigger"]) == (asks, "load")
    form = Page(browser.get(asks))
    page = Page(browser.post(form.by_class("send")[0].attributes["hx-post"], form.fields()))
    actions.carry_out(invoice.actions.get().pk)
    page = Page(browser.get(page.by_id("poll").attributes["hx-get"]))
    assert "hx-get" not in page.by_id(f"send-{invoice.public_id}").attributes


def test_whoever_just_creates_is_not_asked(harbour, fill_in):
    browser, fields = fill_in(harbour)
    page, invoice = pressed(browser, fields | {"then": ""})
    submission.submit(invoice.pk)
    page = Page(browser.get(page.by_id("poll").attributes["hx-get"]))
    assert "hx-get" not in page.by_id(f"send-{invoice.public_id}").attributes


def test_an_address_that_is_none_is_told_beside_the_result(harbour, fill_in):
    browser, fields = fill_in(harbour)
    _, invoice = pressed(browser, fields)
    submission.submit(invoice.pk)
    form = Page(browser.get(address(invoice, "send"), {"from": "result"}))
    answer = browser.post(form.by_class("send")[0].attributes["hx-post"], form.fields() | {"to": "nobody"})
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (422, f"#send-{invoice.public_id}")
    assert Page(answer).by_class("send")[0].attributes["hx-target"] == "#invoice"
    assert not invoice.actions.exists()


def test_a_created_invoice_is_fetched_and_paid_by_its_link(harbour, fill_in):
    browser, fields = fill_in(harbour)
    _, invoice = pressed(browser, fields)
    submission.submit(invoice.pk)
    page = Page(browser.get(address(invoice)))
    assert browser.get(page.by_id("result-pdf").attributes["data-download"]).content.startswith(b"%PDF")
    assert browser.get(page.by_id("result-link").attributes["data-copy-from"]).json()["text"].startswith("http")


def test_a_new_customer_is_created_and_remembered(harbour, fill_in, control):
    browser, fields = fill_in(harbour, NORTHGATE)
    _, invoice = pressed(browser, fields)
    submission.submit(invoice.pk)
    page = Page(browser.get(address(invoice)))
    assert "Customer Northgate Dental Practice" in page.by_class("facts__row")[-3].text
    assert "created in QuickBooks" in page.by_class("facts__row")[-3].text
    made = next(c for c in control.books(harbour.realm)["customers"] if c["DisplayName"] == "Northgate Dental Practice")
    assert made["BillAddr"]["City"] == "Leeds"
    assert CustomerLink.objects.get().customer_id == made["Id"]


def test_a_refused_invoice_is_all_that_is_said_not_to_be_there(harbour, fill_in, control):
    control.book(harbour.realm, "set_preferences", set={"AccountingInfoPrefs": {"BookCloseDate": "2100-01-31"}})
    browser, fields = fill_in(harbour, NORTHGATE)
    _, invoice = pressed(browser, fields)
    submission.submit(invoice.pk)
    page = Page(browser.get(address(invoice)))
    assert "QuickBooks refused it, so there is no invoice there." in page.text
    assert "Northgate Dental Practice" in {c["DisplayName"] for c in control.books(harbour.realm)["customers"]}
    assert "nothing was saved" not in page.text


def test_pressing_again_shows_the_first_rows_result(harbour, fill_in):
    browser, fields = fill_in(harbour)
    first = Page(browser.post(CREATE, fields))
    second = Page(browser.post(CREATE, fields))
    assert Invoice.objects.count() == 1
    assert (
        first.by_id("poll").attributes["hx-get"].split("?")[0]
        == second.by_id("poll").attributes["hx-get"].split("?")[0]
    )
    assert "other entries" not in second.text


@pytest.mark.parametrize("title", ["Spare shelves, Hull", NORTHGATE], ids=["the whole deal", "a new customer"])
def test_whoever_presses_again_because_the_answer_was_lost_is_told_of_the_invoice(harbour, fill_in, title):
    """Its own invoice uses up the deal, and has made the customer: neither is a fault of the form that asked for it."""
    browser, fields = fill_in(harbour, title)
    _, invoice = pressed(browser, fields)
    submission.submit(invoice.pk)
    invoice.refresh_from_db()
    page = Page(browser.post(CREATE, fields))
    assert page.by_id("result-title").text == f"Invoice {invoice.number} is in QuickBooks"
    assert Invoice.objects.count() == 1


def test_a_second_tab_with_other_entries_is_told_that_the_first_ones_count(harbour, fill_in):
    browser, fields = fill_in(harbour)
    browser.post(CREATE, fields)
    page = Page(browser.post(CREATE, fields | {"memo": "Changed meanwhile"}))
    assert Invoice.objects.count() == 1
    assert "This form had been sent before, with other entries. The first ones count." in page.text


def test_american_tax_is_told_after_quickbooks_has_calculated_it(connect, fill_in):
    tenant = connect("US")
    browser, fields = fill_in(tenant, "Prairie Family Clinic – gloves")
    page, invoice = pressed(browser, fields)
    assert "Sending the invoice Comparing" in page.text
    submission.submit(invoice.pk)
    page = Page(browser.get(address(invoice)))
    labels = [row.text.split(" $")[0] for row in page.by_class("facts__row")]
    assert labels[:3] == ["Before tax", "Sales tax", "Total"]
    assert "calculated by QuickBooks" in page.text
    assert "QuickBooks has added the sales tax." in page.text


def test_a_silent_pipedrive_keeps_the_entries(harbour, fill_in, control):
    from django.core.cache import cache

    browser, fields = fill_in(harbour, memo="Thank you")
    cache.clear()
    control.fault("status", service="pipedrive", status=503, times=None)
    answer = browser.post(CREATE, fields)
    page = Page(answer)
    assert answer.status_code == 422
    assert "Pipedrive does not answer right now" in page.by_class("banner")[0].text
    assert page.fields()["memo"] == "Thank you"
    assert page.fields()["intent_key"] == fields["intent_key"]
    assert not Invoice.objects.exists()


def test_a_deal_that_changed_meanwhile_is_told_and_billed_only_when_it_is_meant(harbour, fill_in, control):
    browser, fields = fill_in(harbour, memo="Thank you")
    deal = int(fields["deal"])
    control.change_company(harbour.pair.pipedrive_company_id, {"deals": {deal: {"value": 25000}}})
    answer = browser.post(CREATE, fields)
    page = Page(answer)
    assert answer.status_code == 422
    assert not Invoice.objects.exists()
    (banner,) = page.by_class("banner--warning")
    assert "It is worth £25,000.00 now, and was worth £24,000.00." in banner.text
    again = next(element for element in banner.walk() if element.tag == "button")
    assert again.attributes["hx-get"] == f"/embed/invoice/form?deal={deal}&afresh=1"
    assert page.fields()["memo"] == "Thank you"
    _, invoice = pressed(browser, page.fields())
    control.change_company(harbour.pair.pipedrive_company_id, {"deals": {deal: {"value": 26000}}})
    assert state(Page(browser.post(CREATE, page.fields()))) == "sending", "the same press once more"
    assert Invoice.objects.get() == invoice


def test_a_deal_that_is_somebody_elses_meanwhile_is_not_billed_to_the_first(harbour, fill_in, control, deal_id):
    """Nor is the customer that was chosen for the one remembered for the other."""
    browser, fields = fill_in(harbour)
    other = next(iter(sorted(map(int, control.company(harbour.pair.pipedrive_company_id)["organizations"]))[-1:]))
    deal = deal_id(harbour, RACKING)
    control.change_company(harbour.pair.pipedrive_company_id, {"deals": {deal: {"org_id": other}}})
    for _ in range(2):
        answer = browser.post(CREATE, fields)
        assert answer.status_code == 422
        assert "It belongs to another organization or person now." in Page(answer).text
    assert not Invoice.objects.exists()
    assert not CustomerLink.objects.exists()


def test_a_deal_whose_organization_is_gone_is_billed_all_the_same(harbour, fill_in, control, deal_id):
    members = {"deals": {deal_id(harbour, RACKING): {"org_id": 999_999}}}
    control.change_company(harbour.pair.pipedrive_company_id, members)
    browser, fields = fill_in(harbour, name="Bramley")
    pressed(browser, fields)


def test_the_deal_is_read_while_the_hand_is_on_its_way_to_the_button(harbour, fill_in, control):
    browser, fields = fill_in(harbour)
    control.change_company(harbour.pair.pipedrive_company_id, {"deals": {int(fields["deal"]): {"value": 25000}}})
    assert browser.get("/embed/invoice/look-ahead", {"deal": fields["deal"]}).status_code == 204
    control.forget_requests()
    assert browser.post(CREATE, fields).status_code == 422, "the deal changed, and this was seen in advance"
    assert control.requests("pipedrive") == []


def test_looking_ahead_tells_nobody_whether_there_is_such_a_deal(harbour, browse, control):
    browser = browse(harbour.user, "invoice")
    for deal in ("999999", "", "x", "-1"):
        answer = browser.get("/embed/invoice/look-ahead", {"deal": deal})
        assert (answer.status_code, answer.content) == (204, b"")
    control.fault("status", service="pipedrive", status=503, times=None, path="/deals/")
    assert browser.get("/embed/invoice/look-ahead", {"deal": "1"}).status_code == 204


def test_a_deal_that_was_hidden_meanwhile_is_not_billed(harbour, fill_in, control, deal_id):
    from django.core.cache import cache

    browser, fields = fill_in(harbour)
    cache.clear()
    control.fault("status", service="pipedrive", status=403, times=None, path="/deals/")
    answer = browser.post(CREATE, fields)
    assert answer.status_code == 404
    assert title_of(Page(answer)) == "This deal is not here for you"
    assert not Invoice.objects.exists()


def test_when_the_connection_ended_meanwhile_nothing_is_stored(harbour, fill_in):
    browser, fields = fill_in(harbour)
    QuickBooksConnection.objects.update(state=ConnectionState.ENDED)
    page = Page(browser.post(CREATE, fields))
    assert "QuickBooks is disconnected" in page.by_class("banner")[0].text
    assert page.fields()["l1-price"] == "520.00"
    assert not Invoice.objects.exists()


# The end


@pytest.mark.parametrize(
    ("theirs", "reason"),
    [("120.01", "QuickBooks rounds VAT on the whole invoice."), ("121.00", "Perhaps a VAT rate was changed there")],
)
def test_another_total_is_explained(stored, watch, theirs, reason):
    invoice = stored(
        submission=Submission.SUCCEEDED,
        number="1054",
        qbo_invoice_id="9",
        total=D(theirs),
        tax=D(theirs) - 100,
        balance=D(theirs),
        due_date=date(2026, 12, 7),
    )
    page = watch(invoice)
    assert state(page) == "created"
    assert f"QuickBooks has £{theirs}, the form had £120.00. {reason}" in page.text
    assert page.by_class("fact__note--warning")


@pytest.mark.parametrize(
    "values, said",
    [
        ({"code": "6210", "field": "invoice_date"}, "The books are closed for the invoice date."),
        ({"code": "6140", "field": "number"}, "The invoice number is taken in QuickBooks."),
        (
            {"code": "6000", "detail": "A business rule <b>said</b> no"},
            "QuickBooks says: “A business rule <b>said</b> no”",
        ),
        ({"code": "6240", "taken_by": "vendor"}, "We suggest “Bramley Foods Ltd (Customer)”."),
        ({"code": "6240", "taken_by": "employee"}, "An employee in QuickBooks has the customer’s name already."),
        ({"code": "610"}, "Something this invoice names is inactive in QuickBooks or no longer there."),
        ({"code": "610", "field": "customer"}, "The customer is inactive in QuickBooks or no longer there."),
        ({"code": "610", "field": "lines.0.item"}, "An item on this invoice is inactive in QuickBooks"),
        ({"code": "610", "field": "lines.0.tax_code"}, "A tax code on this invoice is inactive in QuickBooks"),
        ({"code": "610", "field": "sales_tax"}, "The sales tax rate is inactive in QuickBooks or no longer there."),
        ({"code": "2500", "field": "customer"}, "The customer is inactive in QuickBooks or no longer there."),
        ({"code": "6190"}, "Its subscription has ended or is not paid."),
        ({"code": "access_denied"}, "QuickBooks does not let the app write invoices."),
        ({"code": "other_books"}, "Another QuickBooks company was connected meanwhile."),
        ({"code": "gave_up"}, "It has waited too long for QuickBooks."),
        ({"code": "9999"}, "QuickBooks refused the invoice."),
    ],
)
def test_a_refusal_says_what_happened_and_what_to_do(stored, watch, values, said):
    page = watch(stored(**refusal(**values)))
    assert state(page) == "refused"
    assert said in page.text
    assert "Your entries are kept." in page.text
    assert "Intuit request id 1-6744b2f0-11a97c" in page.text
    assert page.by_id("result-back").text == "Back to the invoice"
    assert "hx-get" not in page.by_id("poll").attributes


def test_what_was_given_up_is_called_neither_refused_nor_never_sent(stored, watch):
    """It may have gone out once, and two weeks of searches found nothing; or a new customer went before it."""
    page = watch(stored(**refusal(code="gave_up")))
    assert "There is no invoice of it in QuickBooks." in page.text
    assert "Nothing was sent" not in page.text
    assert "QuickBooks refused it" not in page.text


def test_a_refusal_comes_back_at_its_field_with_the_input_kept(harbour, fill_in, control):
    control.book(harbour.realm, "set_preferences", set={"AccountingInfoPrefs": {"BookCloseDate": "2100-01-31"}})
    browser, fields = fill_in(harbour, memo="Thank you", **{"l1-quantity": "7", "l1-discount": "10.555"})
    del fields["l2-ticked"]
    fields |= {"line": [*fields["line"], "a1"], "a1-added": "yes", "a1-ticked": "yes", "a1-description": "Site visit"}
    fields |= {"a1-quantity": "1", "a1-price": "80", "a1-tax": fields["l1-tax"], "a1-item": fields["l2-item"]}
    _, invoice = pressed(browser, fields)
    submission.submit(invoice.pk)
    assert Page(browser.get(address(invoice))).by_id("result").attributes["data-state"] == "refused"
    page = Page(browser.post(address(invoice, "retry")))
    again = page.fields()
    assert page.by_id("f-invoice_date").attributes["aria-invalid"] == "true"
    assert "The books are closed for the invoice date." in page.by_id("f-invoice_date-error").text
    assert "The books are closed" in page.by_id("errors").text
    assert (again["memo"], again["l1-quantity"], again["customer"]) == ("Thank you", "7", fields["customer"])
    assert again["l1-discount"] == "10.555"
    assert "l2-ticked" not in again
    added = again["line"][-1]
    assert (again[f"{added}-description"], again[f"{added}-price"]) == ("Site visit", "80.00")
    assert again["intent_key"] != fields["intent_key"]


def test_a_corrected_form_is_a_new_intent(harbour, fill_in, control):
    browser, fields = fill_in(harbour)
    control.book(harbour.realm, "set_preferences", set={"AccountingInfoPrefs": {"BookCloseDate": "2100-01-31"}})
    _, invoice = pressed(browser, fields)
    submission.submit(invoice.pk)
    invoice.refresh_from_db()
    assert invoice.submission == Submission.REJECTED
    control.book(harbour.realm, "set_preferences", set={"AccountingInfoPrefs": {"BookCloseDate": "2020-01-31"}})
    again = Page(browser.post(address(invoice, "retry"))).fields()
    assert browser.post(CREATE, again).status_code == 200
    second = Invoice.objects.exclude(pk=invoice.pk).get()
    submission.submit(second.pk)
    second.refresh_from_db()
    assert second.submission == Submission.SUCCEEDED
    assert len([row for row in control.books(harbour.realm)["invoices"] if row["TotalAmt"] == 10740]) == 1


def test_a_taken_name_offers_the_customer_that_has_it(harbour, fill_in, control):
    browser, fields = fill_in(harbour, customer="new", name="Moss & Co")
    _, invoice = pressed(browser, fields)
    submission.submit(invoice.pk)
    page = Page(browser.get(address(invoice)))
    assert "“Moss & Co” is already a customer in QuickBooks." in page.text
    assert page.by_id("result-use").text == "Use “Moss & Co”"
    form = Page(browser.post(address(invoice, "retry"), {"use_customer": "yes"}))
    moss = next(c["Id"] for c in control.books(harbour.realm)["customers"] if c["DisplayName"] == "Moss & Co")
    assert form.fields()["customer"] == moss
    assert not form.has_id("errors")


def test_a_customer_that_was_created_before_the_refusal_is_chosen_in_the_form_again(harbour, fill_in, control):
    control.book(harbour.realm, "set_preferences", set={"AccountingInfoPrefs": {"BookCloseDate": "2100-01-31"}})
    browser, fields = fill_in(harbour, NORTHGATE)
    _, invoice = pressed(browser, fields)
    submission.submit(invoice.pk)
    form = Page(browser.post(address(invoice, "retry")))
    assert form.fields()["customer"] == CustomerLink.objects.get().customer_id
    assert "The books are closed" in form.by_id("errors").text
    assert "name is taken" not in form.text


def test_only_a_refused_invoice_goes_back_to_the_form(stored, browse, user):
    page = Page(browse(user).post(address(stored(), "retry")))
    assert state(page) == "sending"


def test_a_silent_service_on_the_way_back_to_the_form(harbour, browse, deal_id, control):
    made = make_pending_invoice(
        harbour.company,
        to_json(a_draft(bill_to=a_bill_to(address=Address()))),
        deal_id=deal_id(harbour, RACKING),
        created_by_id=harbour.user.user_id,
        **refusal(code="6140", field="number"),
    )
    control.fault("status", service="pipedrive", status=503, times=None)
    answer = browse(harbour.user).post(address(made, "retry"))
    assert (answer.status_code, answer.headers["X-Fragment"]) == (503, "swap")
    assert any(e.attributes.get("hx-get") == address(made) for e in Page(answer).elements)


def test_without_a_connection_there_is_no_way_back_to_the_form(stored, browse, user, quickbooks):
    invoice = stored(**refusal(code="6140"))
    quickbooks.delete()
    assert browse(user).post(address(invoice, "retry")).status_code == 409
