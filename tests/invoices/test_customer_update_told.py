"""What is said of a customer's update once the invoice was asked for: in the panel's row, and on the result."""

from __future__ import annotations

import pytest
from django.utils import timezone

from invoices.domain.draft import to_json
from invoices.domain.status import Submission
from invoices.models import CustomerUpdate
from tests.factories import a_draft, make_invoice, make_pending_invoice
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db
DEAL = 12
REFUSED = {"code": "edited_elsewhere", "field": "email", "message": "", "detail": "", "trace_id": ""}


def make_draft():
    return to_json(a_draft(deal_id=DEAL))


@pytest.fixture
def updating(company):
    """updating(invoice, **columns): an update of its customer's e-mail address and tax number."""

    def make(invoice, **columns):
        changes = [{"field": name, "before": ["a@b.example"], "after": ["c@d.example"]} for name in ("email", "tax_id")]
        values = {"company": company, "invoice": invoice, "customer_id": "7", "request_id": "r"}
        return CustomerUpdate.objects.create(
            **(values | {"customer_name": "Bramley Foods Ltd", "changes": changes} | columns)
        )

    return make


@pytest.fixture
def browser(browse, user, seen):
    seen(user, DEAL)
    return browse(user, "panel")


STORIES = [
    ({}, "The customer is being updated in QuickBooks…"),
    (
        {"submission": Submission.UNKNOWN},
        "QuickBooks did not answer in time. We are checking whether the customer was updated.",
    ),
    (
        {"submission": Submission.REJECTED, "refusal": REFUSED},
        "The customer was not updated. Bramley Foods Ltd was changed in QuickBooks meanwhile. "
        "Look at both versions before you write.",
    ),
]


@pytest.mark.parametrize("columns, words", STORIES, ids=["pending", "unknown", "edited elsewhere"])
def test_the_row_says_what_becomes_of_it(browser, company, updating, columns, words):
    updating(make_invoice(company, deal_id=DEAL), **columns)
    page = Page(browser.get("/embed/panel/content", {"resource": "deal", "id": DEAL}))
    (line,) = page.by_class("row__doing")
    failed = "refusal" in columns
    assert line.text == words + (" Dismiss" if failed else "")
    assert page.by_id("panel-poll").attributes["data-poll-seconds"] == ("10" if failed else "2")


def test_a_reason_that_was_read_can_be_put_away(browser, company, updating):
    invoice = make_invoice(company, deal_id=DEAL)
    updating(invoice, submission=Submission.REJECTED, refusal=REFUSED, settled_at=timezone.now())
    page = Page(browser.get("/embed/panel/content", {"resource": "deal", "id": DEAL}))
    away = page.by_id(f"away-customer-{invoice.public_id}").attributes["hx-post"]
    page = Page(browser.post(away))
    assert page.by_class("row__doing") == []
    assert page.has_id(f"invoice-{invoice.public_id}")


def test_a_done_update_leaves_the_row_quiet(browser, company, updating):
    updating(make_invoice(company, deal_id=DEAL), submission=Submission.SUCCEEDED)
    page = Page(browser.get("/embed/panel/content", {"resource": "deal", "id": DEAL}))
    assert page.by_class("row__doing") == []


@pytest.mark.parametrize(
    "columns, words, state",
    [
        *[(columns, words, "current") for columns, words in STORIES[:2]],
        (*STORIES[2], "warning"),
        ({"submission": Submission.SUCCEEDED}, "Customer updated in QuickBooks: E-mail, VAT number", "done"),
    ],
    ids=["pending", "unknown", "edited elsewhere", "done"],
)
def test_the_result_stays_created_and_tells_of_the_customer(browse, company, user, updating, columns, words, state):
    invoice = make_invoice(company, created_by_id=user.user_id, draft=make_draft())
    updating(invoice, **columns)
    page = Page(browse(user).get(f"/embed/invoice/{invoice.public_id}/result"))
    assert page.by_id("result").attributes["data-state"] == "created"
    (step,) = page.by_class("step")
    assert step.text == words
    assert f"step--{state}" in step.classes
    assert ("hx-get" in page.by_id("poll").attributes) == (state == "current")


def test_while_the_invoice_is_created_the_customer_is_one_of_the_steps(browse, company, user, updating):
    invoice = make_pending_invoice(company, make_draft(), created_by_id=user.user_id)
    updating(invoice)
    page = Page(browse(user).get(f"/embed/invoice/{invoice.public_id}/result"))
    assert page.by_class("step")[-1].text == "The customer is being updated in QuickBooks…"
