"""A company that connects other QuickBooks books: whatever is an id of the first ones is never used in them."""

from __future__ import annotations

import pytest

from integration_settings.models import ItemLink, QuickBooksConnection
from invoices import submission
from invoices.domain.status import Submission
from invoices.models import Invoice
from tests.invoices.desk import press, submit
from tests.invoices.form_answers import CREATE, CUSTOMER, CUSTOMERS, PREVIEW, address, pressed
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db
PANEL = "/embed/panel/content"


def test_a_form_serves_only_the_books_it_was_made_from(harbour, fill_in, browse):
    """In other books the same ids are other customers, items and tax codes."""
    browser, fields = fill_in(harbour)
    found = Page(browser.get(CUSTOMERS, {"q": "moss"})).with_attribute("data-value")
    option = found[0].attributes["data-value"]
    assert browser.post(CUSTOMER, fields | {"found": option}).status_code == 200
    QuickBooksConnection.objects.filter(company=harbour.company).update(realm_id="9130350000009999")
    for path in (PREVIEW, CREATE, CUSTOMER):
        answer = browser.post(path, fields | {"found": option})
        assert (answer.status_code, answer.headers["HX-Retarget"]) == (410, "#invoice")
        assert "Another QuickBooks company is connected now" in Page(answer).text
    assert browser.post("/embed/invoice/leave", fields).json()["fact"] == "Another QuickBooks company is connected now"
    assert not Invoice.objects.exists()


def test_in_other_books_a_refused_form_comes_back_without_the_ids_of_the_first(harbour, fill_in, control):
    browser, fields = fill_in(harbour, memo="Thank you", **{"l1-quantity": "7"})
    _, invoice = pressed(browser, fields)
    codes = {line["tax_code_id"] for line in invoice.draft["lines"]}
    Invoice.objects.update(realm_id="9130350000009999")
    submission.submit(invoice.pk)
    invoice.refresh_from_db()
    assert invoice.refusal["code"] == "other_books"
    ItemLink.objects.all().delete()  # the choice by hand was of the first books
    invoice.draft["extras"] |= {"class_id": "7", "location_id": "8", "own_fields": [["1", "PO 9"]]}
    invoice.draft["bill_to"]["customer_id"] = "4711"
    invoice.draft["lines"].append(invoice.draft["lines"][1] | {"attachment_id": None, "description": "Site visit"})
    invoice.save()
    again = Page(browser.post(address(invoice, "retry"))).fields()
    added = again["line"][-1]
    assert (again["memo"], again["l1-quantity"], again["customer"]) == ("Thank you", "7", fields["customer"])
    assert (again["l1-item"], again["l2-item"], again[f"{added}-item"]) == (fields["l1-item"], "", "")
    assert (again[f"{added}-description"], again[f"{added}-tax"]) == ("Site visit", "")
    assert again["l1-tax"] in codes, "proposed from the deal again"
    assert again.get("class_id", "") == again.get("location_id", "") == again.get("own-1", "") == ""


def test_nobody_is_said_to_ask_the_former_books_what_became_of_an_invoice(harbour, fill_in, browse, desk, control):
    control.fault("lost", method="POST", path="/invoice$", times=1)
    invoice = submit(pressed(*fill_in(harbour))[1])
    QuickBooksConnection.objects.filter(company=harbour.company).update(realm_id="9130350000009999")
    panel = Page(browse(harbour.user, "panel").get(PANEL, {"resource": "deal", "id": invoice.deal_id}))
    assert "Look for the invoice in the former one before you create it again." in panel.text
    assert "signs in again" not in panel.text, "somebody is signed in"
    result = Page(browse(harbour.user).get(address(invoice)))
    assert "the former one is asked once it is connected again" in result.text
    assert not result.has_id("result-check")
    waiting = desk(harbour.user)
    assert "no answer. We ask again once the former QuickBooks company is connected." in waiting.text
    assert not [element for element in waiting.elements if element.text == "Check now"]


def test_back_in_the_books_it_was_meant_for_it_runs_again_and_nothing_else_is_said_to_be_connected(
    harbour, fill_in, browse, desk
):
    """Somebody signed in to the wrong company while an invoice waited, and mended that."""
    invoice = pressed(*fill_in(harbour))[1]
    books = QuickBooksConnection.objects.filter(company=harbour.company)
    books.update(realm_id="9130350000009999")
    submit(invoice)
    assert "Another QuickBooks company was connected meanwhile" in desk(harbour.user).text
    assert not [e for e in desk(harbour.user).elements if e.tag == "button" and e.text.startswith("Run again")]
    books.update(realm_id=harbour.realm)
    for page in (Page(browse(harbour.user).get(address(invoice))), desk(harbour.user)):
        assert "Another QuickBooks company is connected" not in page.text
    browse(harbour.user, "settings").post(press(desk(harbour.user), "Run again"))
    assert submit(Invoice.objects.latest("pk")).submission == Submission.SUCCEEDED
