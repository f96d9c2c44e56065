"""What the tests of the invoice form share: its addresses, and its answers read as a person reads them."""

from __future__ import annotations

from invoices.models import Invoice
from tests.invoices.fragments import Page

FORM, PREVIEW, CREATE = "/embed/invoice/form", "/embed/invoice/preview", "/embed/invoice/create"
CUSTOMERS, CUSTOMER, ITEMS = "/embed/invoice/customers", "/embed/invoice/customer", "/embed/invoice/items"
NAME = "/embed/invoice/name"


def finding_titles(page, kind):
    return [element.text for element in page.by_class(f"finding--{kind}")]


def previewed(browser, fields, **changes):
    answer = browser.post(PREVIEW, fields | changes)
    assert answer.status_code == 200
    return Page(answer)


def refused(browser, fields, **changes):
    """The form as it comes back after a press that could not be taken; nothing was stored."""
    answer = browser.post(CREATE, fields | changes)
    assert answer.status_code == 422, answer.content.decode()[:500]
    assert not Invoice.objects.exists()
    return Page(answer)


def told_at(page, field):
    """The fault's sentence at its field, joined to it for screen readers."""
    control = page.by_id(field)
    assert control.attributes["aria-invalid"] == "true"
    assert f"{field}-error" in control.attributes["aria-describedby"].split()
    return page.by_id(f"{field}-error").text


def address(invoice, what="result"):
    return f"/embed/invoice/{invoice.public_id}/{what}"


def pressed(browser, fields):
    """(page of the answer, the stored intent)"""
    answer = browser.post(CREATE, fields)
    assert answer.status_code == 200, Page(answer).text
    return Page(answer), Invoice.objects.get()


def state(page):
    return page.by_id("result").attributes["data-state"]
