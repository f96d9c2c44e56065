"""What the tests of the desk share: rows that QuickBooks refused, and the buttons of the page."""

from __future__ import annotations

from django.utils import timezone

from integration_settings import reference
from invoices import submission
from invoices.domain.draft import to_json
from invoices.domain.status import Submission
from tests.factories import a_draft, make_pending_invoice

DESK, CREATE = "/embed/settings/attention", "/embed/invoice/create"


def submit(invoice):
    submission.submit(invoice.pk)
    invoice.refresh_from_db()
    return invoice


def item_id(tenant, name):
    return next(item.id for item in reference.items(tenant.company) if item.name == name)


def refused(company, **fields):
    """A row that QuickBooks refused, as a deal worth 24,000.00 had it."""
    refusal = {"code": "6000", "field": "", "detail": "No."} | fields.pop("refusal", {})
    values = {
        "submission": Submission.REJECTED,
        "next_attempt_at": None,
        "settled_at": timezone.now(),
        "refusal": refusal,
        "deal_then": {"title": "Warehouse racking", "value": "24000", "currency": "GBP"},
    }
    return make_pending_invoice(company, **({"draft": to_json(a_draft())} | values | fields))


def press(page, start):
    """The address behind the button whose text begins so."""
    found = [e for e in page.elements if e.tag == "button" and e.text.startswith(start)]
    assert found, page.text
    return found[0].attributes.get("hx-post") or found[0].attributes["hx-get"]


def count(page):
    element = page.by_id("attention-count")
    return "" if "hidden" in element.attributes else element.text
