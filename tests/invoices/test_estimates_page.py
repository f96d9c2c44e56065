"""An invoice made from an estimate in QuickBooks: found from the form, taken over, linked, and never invoiced twice."""

from __future__ import annotations

import uuid

import pytest
from django.utils import timezone

from integration_settings.models import CompanySettings
from invoices import notes, services, submission
from invoices.domain.draft import AmountsAre
from invoices.domain.status import Submission
from invoices.invoice_gateway import QuickBooksGateway
from invoices.models import Invoice
from tests.conftest import visitor_of
from tests.factories import D, make_invoice
from tests.invoices.desk import item_id
from tests.invoices.form_answers import CREATE, FORM, address, finding_titles, pressed, previewed
from tests.invoices.fragments import Page
from tests.invoices.intents import in_the_books, settle
from tests.invoices.selling import SHELVES
from tests.invoices.test_lost_rows import look

pytestmark = pytest.mark.django_db

ESTIMATES, ESTIMATE, CARD = "/embed/invoice/estimates", "/embed/invoice/estimate", "/embed/invoice/customer-update"
YEARLY = "Bramley Foods – annual maintenance"


@pytest.fixture
def books(harbour, control):
    """What the bookkeeper has and does."""

    class Books:
        def estimate(self, number):
            rows = control.books(harbour.realm)["estimates"]
            return next(row for row in rows if row["DocNumber"] == number)

        def customer(self, name):
            rows = control.books(harbour.realm)["customers"]
            return next(row["Id"] for row in rows if row["DisplayName"] == name)

        def code(self, name):
            return next(row["Id"] for row in control.books(harbour.realm).get("taxcodes", []) if row["Name"] == name)

        def edit(self, number, **members):
            return control.book(harbour.realm, "edit_estimate", id=self.estimate(number)["Id"], set=members)

        def add(self, *lines, customer="Bramley Foods Ltd", **members):
            body = {"CustomerRef": {"value": self.customer(customer)}, "CurrencyRef": {"value": "GBP"}}
            body |= {"GlobalTaxCalculation": "TaxExcluded", "Line": list(lines), **members}
            return control.book(harbour.realm, "add_estimate", set=body)["DocNumber"]

        def delete(self, number):
            control.book(harbour.realm, "delete_estimate", id=self.estimate(number)["Id"])

        def sold(self, amount, name="Installation", **detail):
            row = self.estimate("1001")["Line"][0]["SalesItemLineDetail"]
            detail = {"ItemRef": {"value": item_id(harbour, name)}, "TaxCodeRef": row["TaxCodeRef"], **detail}
            return {"DetailType": "SalesItemLineDetail", "Amount": amount, "SalesItemLineDetail": detail}

    return Books()


@pytest.fixture
def choose(books):
    """choose(browser, fields, "1001") -> the form's page with that estimate"""

    def make(browser, fields, number):
        shown = Page(browser.get(ESTIMATES, {"customer": fields["customer"]}))
        return Page(browser.post(ESTIMATE, fields | {"estimate": offer(shown, number)}))

    return make


@pytest.fixture
def with_estimate(harbour, fill_in, choose):
    """with_estimate("1001") -> (browser, fields): a form of that deal that would invoice the estimate"""

    def make(number="1001", title=SHELVES):
        browser, fields = fill_in(harbour, title)
        return browser, choose(browser, fields, number).fields()

    return make


def offer(page, number):
    """The value of the button beside that estimate."""
    label = f"Invoice it: Estimate {number}"
    return next(each.attributes["value"] for each in page.elements if each.attributes.get("aria-label") == label)


def titles(page):
    return [row.text for row in page.elements if row.tag == "tr" and "Estimate 1" in row.text]


def link_of(row):
    return [(linked["TxnType"], linked["TxnId"]) for linked in row["LinkedTxn"]]


# Finding one


def test_the_form_opens_without_a_word_of_estimates_and_without_a_read(harbour, open_form, control):
    control.forget_requests()
    _, _, page = open_form(harbour, SHELVES)
    assert not page.has_id("f-offers")
    assert "stimate" not in page.text
    assert not [call for call in control.requests("quickbooks") if "stimate" in str(call)]


def test_beside_a_known_customer_stands_a_way_to_its_estimates_and_beside_a_new_one_none(harbour, fill_in, control):
    browser, fields = fill_in(harbour, SHELVES)
    link = Page(browser.post(CARD, fields)).by_id("f-offers")
    assert link.text == "Estimates of this customer"
    control.forget_requests()
    page = Page(browser.get(link.attributes["hx-get"]))
    assert len(control.requests("quickbooks")) == 1
    accepted, pending = titles(page)[::-1] if "1001" in titles(page)[1] else titles(page)
    assert "£1,795.50" in accepted
    assert "Accepted" in accepted
    assert "Estimate 1002" in pending
    assert "Pending · valid until" in pending
    assert not Page(browser.post(CARD, fields | {"customer": "new"})).has_id("f-offers")


def test_only_what_can_be_invoiced_is_listed(harbour, browse, books):
    page = Page(browse(harbour.user).get(ESTIMATES, {"customer": books.customer("Moss & Co")}))
    assert "no estimate in QuickBooks that can be invoiced" in page.text, "one was rejected, one is closed"


def test_whoever_may_not_create_invoices_sees_no_estimates(harbour, fill_in, colleague, browse, books):
    tom = colleague(harbour)
    CompanySettings.objects.update(everyone_creates=False)
    browser = browse(tom)
    page = Page(browser.get(ESTIMATES, {"customer": books.customer("Bramley Foods Ltd")}))
    assert "£" not in page.text
    assert "Priya Nair" in page.text


def test_while_quickbooks_does_not_answer_that_is_said_with_a_way_to_try_again(harbour, browse, books, control):
    customer = books.customer("Bramley Foods Ltd")
    control.fault("status", service="quickbooks", status=503, path="/query", times=None)
    page = Page(browse(harbour.user).get(ESTIMATES, {"customer": customer}))
    assert page.by_id("estimates-again").text == "Try again"


# Taking one over


def test_its_lines_and_its_discount_stand_in_the_form_and_the_deals_are_not_ticked(with_estimate, books):
    browser, fields = with_estimate("1001")
    page = previewed(browser, fields)
    assert "Total £1,795.50" in page.text
    assert fields["discount"] == "5%"
    assert (fields["e1-quantity"], fields["e1-price"], fields["e1-ticked"]) == ("50", "31.50", "yes")
    assert "l1-ticked" not in fields
    assert "than the estimate" not in page.text


def test_what_an_invoice_has_no_place_for_is_told(harbour, fill_in, choose):
    page = choose(*fill_in(harbour, SHELVES), "1002")
    assert page.by_id("f-estimate-title").text == "Estimate 1002 · £21,120.00"
    assert "1 line of text is not taken over." in page.by_id("f-estimate").text


def test_choosing_asks_quickbooks_nothing(harbour, fill_in, control):
    browser, fields = fill_in(harbour, SHELVES)
    shown = Page(browser.get(ESTIMATES, {"customer": fields["customer"]}))
    control.forget_requests()
    page = Page(browser.post(ESTIMATE, fields | {"estimate": offer(shown, "1001")}))
    assert control.requests("quickbooks") == []
    assert "load" not in page.by_id("customer-update").attributes["hx-trigger"].split(", ")


def test_without_it_the_form_is_as_it_was(harbour, fill_in, choose):
    browser, fields = fill_in(harbour, SHELVES)
    chosen = choose(browser, fields, "1001").fields()
    page = Page(browser.post(ESTIMATE, chosen | {"estimate": ""}))
    assert not page.has_id("f-estimate")
    again = page.fields()
    assert {name: text for name, text in again.items() if name != "kept"} == {
        name: text for name, text in fields.items() if name != "kept"
    }


def test_one_in_place_of_another_leaves_nothing_of_the_first(harbour, fill_in, choose):
    browser, fields = fill_in(harbour, SHELVES)
    first = choose(browser, fields, "1001").fields()
    second = choose(browser, first, "1002").fields()
    assert second["discount"] == ""
    assert [second[f"e{place}-quantity"] for place in (1, 2)] == ["24", "8"]
    back = Page(browser.post(ESTIMATE, second | {"estimate": ""})).fields()
    assert back["l1-ticked"] == "yes"


def test_the_tax_of_the_prices_is_that_of_the_estimate(harbour, fill_in, choose, books):
    number = books.add(
        books.sold(83.33, Qty=3, UnitPrice=27.7766667, TaxInclusiveAmt=100), GlobalTaxCalculation="TaxInclusive"
    )
    browser, fields = fill_in(harbour, SHELVES)
    chosen = choose(browser, fields, number).fields()
    assert chosen["amounts_are"] == "inclusive"
    page = previewed(browser, chosen)
    assert "Total £100.00" in page.text
    assert "than the estimate" not in page.text
    _, invoice = pressed(browser, chosen | {"over_deal": "yes"})
    settle(invoice)
    assert invoice.total == D("100.00")


def test_an_item_that_is_not_used_any_more_is_chosen_anew(harbour, fill_in, choose, books, control):
    number = books.add(books.sold(95, "Inspection plan", Qty=1, UnitPrice=95))
    control.book(harbour.realm, "deactivate_item", id=item_id(harbour, "Inspection plan"))
    services.refresh_now(harbour.company)
    browser, fields = fill_in(harbour, SHELVES)
    page = previewed(browser, choose(browser, fields, number).fields())
    assert any("item" in title for title in finding_titles(page, "error"))


def test_more_and_less_than_the_estimate_are_told(with_estimate):
    browser, fields = with_estimate("1001")
    more = previewed(browser, fields | {"e1-quantity": "51"})
    assert "This invoices £35.90 more than the estimate" in more.text
    less = previewed(browser, fields | {"e1-quantity": "49"})
    assert "This invoices £35.92 less than the estimate" in less.text
    assert "QuickBooks closes “Estimate 1001” all the same" in less.text


def test_in_america_both_are_compared_before_the_tax_that_quickbooks_adds(connect, fill_in):
    american = connect("US")
    browser, fields = fill_in(american, "Prairie Family Clinic – gloves")
    shown = Page(browser.get(ESTIMATES, {"customer": fields["customer"]}))
    chosen = Page(browser.post(ESTIMATE, fields | {"estimate": offer(shown, "1001")})).fields()
    assert "than the estimate" not in previewed(browser, chosen).text
    _, invoice = pressed(browser, chosen)
    settle(invoice)
    invoice.refresh_from_db()
    assert invoice.estimate_kept


# The invoice


def test_the_invoice_closes_the_estimate_and_both_keep_the_link(harbour, with_estimate, books, control, browse):
    browser, fields = with_estimate("1001")
    _, invoice = pressed(browser, fields)
    estimate = books.estimate("1001")
    assert invoice.confirmed.estimate.id == invoice.estimate_id == estimate["Id"]
    settle(invoice)
    (made,) = in_the_books(control, harbour, invoice)
    assert link_of(made) == [("Estimate", estimate["Id"])]
    closed = books.estimate("1001")
    assert (closed["TxnStatus"], link_of(closed)) == ("Closed", [("Invoice", made["Id"])])
    invoice.refresh_from_db()
    assert (invoice.estimate_kept, invoice.total) == (True, D(str(estimate["TotalAmt"])))
    assert "Estimate 1001 · linked and closed in QuickBooks" in Page(browser.get(address(invoice))).text
    panel = Page(browse(harbour.user, "panel").get("/embed/panel/content", {"resource": "deal", "id": invoice.deal_id}))
    assert "from estimate 1001" in panel.text
    history = Page(browser.get(address(invoice, "history")))
    assert "Priya Nair asked for the invoice, from estimate 1001" in history.text
    assert "Estimate" in history.text
    note = str(notes.note_of(invoice, invoice.company.quickbooks, reader=harbour.user, now=timezone.now()).html)
    assert "<li>Estimate 1001</li>" in note


def test_a_second_press_finds_the_first_ones_invoice(with_estimate):
    browser, fields = with_estimate("1001")
    pressed(browser, fields)
    assert browser.post(CREATE, fields).status_code == 200
    assert Invoice.objects.count() == 1


def test_a_lost_answer_and_a_forgotten_request_id_end_with_one_invoice(harbour, with_estimate, control):
    browser, fields = with_estimate("1001")
    _, invoice = pressed(browser, fields)
    control.fault("lost", method="POST", path="/invoice$", times=1)
    control.fault("ignore_requestid", method="POST", path="/invoice$", times=None)
    settle(invoice)
    assert invoice.submission == Submission.SUCCEEDED
    assert len(in_the_books(control, harbour, invoice)) == 1


def test_an_invoice_without_the_link_is_told_with_what_to_do(harbour, with_estimate, books, browse):
    browser, fields = with_estimate("1001")
    _, invoice = pressed(browser, fields)
    settle(invoice)
    books.delete("1001")  # which takes the link away
    services.refresh_now(harbour.company)
    for page in (browser.get(address(invoice)), browser.get(address(invoice, "history"))):
        assert "QuickBooks has not linked it: close the estimate there" in Page(page).text


# What must not happen


def test_an_estimate_is_not_invoiced_to_another_customer(harbour, with_estimate, books, browse):
    browser, fields = with_estimate("1001")
    shown = Page(browser.get("/embed/invoice/customers", {"q": "Moss"}))
    moss = next(each.attributes["data-value"] for each in shown.by_class("option") if "Moss" in each.text)
    section = Page(browser.post("/embed/invoice/customer", fields | {"found": moss}))
    fields |= {"kept": section.by_id("f-kept").attributes["value"], "customer": books.customer("Moss & Co")}
    answer = browser.post(CREATE, fields)
    assert answer.status_code == 422
    page = Page(answer)
    assert "The estimate is another customer’s" in page.by_id("errors").text
    assert "do not use the estimate" in page.by_id("f-estimate-error").text
    assert not Invoice.objects.exists()


def test_nor_in_another_currency(harbour, with_estimate, control):
    browser, fields = with_estimate("1001")
    assert "The estimate has another currency" in previewed(browser, fields | {"currency": "EUR"}).text


def test_two_forms_with_one_estimate_make_one_invoice(harbour, with_estimate):
    browser, fields = with_estimate("1001")
    _, other = with_estimate("1001", YEARLY)
    pressed(browser, fields)
    answer = browser.post(CREATE, other | {"over_deal": "yes"})
    assert answer.status_code == 422
    assert "The estimate is invoiced already" in Page(answer).by_id("errors").text
    assert Invoice.objects.count() == 1


def test_also_when_both_press_in_the_same_second(harbour, with_estimate, deal_id):
    """The checks of both had found nothing: the company's lock decides."""
    browser, fields = with_estimate("1001")
    _, invoice = pressed(browser, fields)
    draft = invoice.confirmed
    with pytest.raises(services.EstimateUsed):
        services.request_invoice(
            visitor=visitor_of(harbour.user, "invoice"), draft=draft, intent_key=uuid.uuid4(), seen=services.UNSEEN
        )
    assert Invoice.objects.count() == 1


def test_what_is_on_its_way_is_listed_and_cannot_be_chosen(with_estimate):
    browser, fields = with_estimate("1001")
    pressed(browser, fields)
    page = Page(browser.get(ESTIMATES, {"customer": fields["customer"]}))
    assert "An invoice of it was asked for already." in page.text
    with pytest.raises(StopIteration):
        offer(page, "1001")


@pytest.mark.parametrize(
    "gone", [{"submission": Submission.REJECTED}, {"voided_on": "2026-11-20"}, {"deleted_on": "2026-11-20"}]
)
def test_an_invoice_that_counts_no_more_leaves_the_estimate_free(harbour, with_estimate, books, gone):
    browser, fields = with_estimate("1001")
    make_invoice(harbour.company, estimate_id=books.estimate("1001")["Id"], **gone)
    answer = browser.post(CREATE, fields)
    assert answer.status_code == 200


def test_an_estimate_of_other_books_with_the_same_id_is_another_one(harbour, with_estimate, books):
    browser, fields = with_estimate("1001")
    make_invoice(harbour.company, estimate_id=books.estimate("1001")["Id"], realm_id="9130350000000999")
    assert browser.post(CREATE, fields).status_code == 200


def test_deleting_the_invoice_lets_the_estimate_be_invoiced_again(
    harbour, with_estimate, books, control, fill_in, choose
):
    browser, fields = with_estimate("1001")
    _, invoice = pressed(browser, fields)
    settle(invoice)
    control.book(harbour.realm, "delete", id=invoice.qbo_invoice_id)
    services.refresh_now(harbour.company)
    invoice.refresh_from_db()
    assert invoice.deleted_on
    again_browser, again = fill_in(harbour, SHELVES)
    page = choose(again_browser, again, "1001")
    assert again_browser.post(CREATE, page.fields()).status_code == 200


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        (lambda books: books.edit("1001", TxnStatus="Rejected"), "closed, rejected or deleted"),
        (lambda books: books.edit("1001", TxnStatus="Closed"), "closed, rejected or deleted"),
        (lambda books: books.delete("1001"), "closed, rejected or deleted"),
        (lambda books: books.edit("1001", Line=[books.sold(1000, Qty=1, UnitPrice=1000)]), "was changed in QuickBooks"),
    ],
    ids=["rejected", "closed", "deleted", "changed"],
)
def test_what_became_of_it_since_the_choice_is_told_at_the_estimate(harbour, with_estimate, books, control, deed, said):
    browser, fields = with_estimate("1001")
    _, invoice = pressed(browser, fields)
    before = len(control.books(harbour.realm)["invoices"])
    deed(books)
    settle(invoice)
    assert invoice.submission == Submission.REJECTED
    assert len(control.books(harbour.realm)["invoices"]) == before
    page = Page(browser.post(address(invoice, "retry")))
    assert said in page.by_id("f-estimate-error").text
    assert page.fields()["e1-ticked"] == "yes"
    plain = Page(browser.post(ESTIMATE, page.fields() | {"estimate": ""})).fields()
    assert ("e1-ticked" in plain, plain["l1-ticked"], plain["discount"]) == (False, "yes", ""), "the deal's, not its"
    answer = browser.post(CREATE, plain)
    assert answer.status_code == 200
    second = Invoice.objects.latest("pk")
    settle(second)
    assert (second.submission, second.estimate_id) == (Submission.SUCCEEDED, "")


def test_quickbooks_own_refusal_stands_at_the_estimate(harbour, with_estimate, books):
    """Somebody invoices it in QuickBooks after the worker has read it."""
    browser, fields = with_estimate("1001")
    _, invoice = pressed(browser, fields)

    class Overtaken(QuickBooksGateway):
        def read_estimate(self, estimate_id):
            found = super().read_estimate(estimate_id)
            books.edit("1001", TxnStatus="Closed")
            return found

    settle(invoice, lambda row_id: submission.submit(row_id, Overtaken))
    assert (invoice.submission, invoice.refusal["field"]) == (Submission.REJECTED, "estimate")
    page = Page(browser.post(address(invoice, "retry")))
    assert "QuickBooks says: “You've attempted" in page.by_id("f-estimate-error").text


def test_a_form_that_was_left_is_taken_up_with_its_estimate(harbour, with_estimate, browse):
    browser, fields = with_estimate("1001")
    assert browser.post("/embed/invoice/leave", fields).status_code == 204
    page = Page(browser.get(FORM, {"deal": fields["deal"]}))
    assert "Estimate 1001" in page.by_id("f-estimate").text
    _, invoice = pressed(browser, page.fields())
    assert invoice.estimate_id


def test_an_invoice_that_comes_back_from_quickbooks_has_its_estimate(harbour, with_estimate, books):
    browser, fields = with_estimate("1001")
    _, invoice = pressed(browser, fields)
    settle(invoice)
    invoice.delete()
    look(harbour.company)
    assert Invoice.objects.get().estimate_id == books.estimate("1001")["Id"]


def test_an_estimate_that_nobody_offered_is_not_taken(harbour, fill_in, colleague, browse, books):
    browser, fields = fill_in(harbour, SHELVES)
    shown = Page(browse(colleague(harbour)).get(ESTIMATES, {"customer": fields["customer"]}))
    for value in ("forged", offer(shown, "1001")):
        answer = browser.post(ESTIMATE, fields | {"estimate": value})
        assert answer.status_code == 410


def test_a_form_of_a_version_that_knows_of_no_estimates_is_not_made_another_invoice(with_estimate, monkeypatch):
    """The old code reads no memory that has more in it than it knows: nothing is created, and the next try may go to a
    process of the new version.
    """
    from invoices import form_memory

    browser, fields = with_estimate("1001")
    known = form_memory.Memory

    def of_the_old_version(**stored):
        if stored["estimate"]:
            raise TypeError
        return known(**stored)

    monkeypatch.setattr(form_memory, "Memory", of_the_old_version)
    assert browser.post(CREATE, fields).status_code == 503
    assert not Invoice.objects.exists()


def test_prices_without_tax_stay_so(with_estimate):
    browser, fields = with_estimate("1002")
    _, invoice = pressed(browser, fields | {"over_deal": "yes"})
    assert invoice.confirmed.amounts_are == AmountsAre.TAX_EXCLUSIVE
