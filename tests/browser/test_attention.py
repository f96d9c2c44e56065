"""The desk by mouse and keyboard: one item chosen, and the invoices that it stopped are in QuickBooks."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from integration_settings import reference
from integration_settings.models import ItemLink
from invoices import services
from invoices.domain.status import Submission
from invoices.models import Invoice
from tests.conftest import visitor_of
from tests.factories import a_bill_to, a_draft, a_line
from tests.invoices.test_deal_gateway import deal_called
from tests.servers import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900), pytest.mark.django_db(transaction=True)]
DEALS = ("Bramley Foods – warehouse racking, phase 2", "Northgate Dental – storage fit-out")


def ask(tenant, control, title, **fields):
    """An invoice with an item that became inactive, as somebody's form had confirmed it."""
    items = {item.name: item.id for item in reference.items(tenant.company)}
    code = next(code for code in reference.tax_codes(tenant.company) if code.name == "20.0% S")
    bay = a_line(item_id=items["Pallet racking bay 3L (deleted)"], tax_code_id=code.id, product_id=501)
    deal_id = deal_called(control, tenant.pair, title)
    draft = a_draft(deal_id=deal_id, lines=(bay,), bill_to=a_bill_to(name=f"{title[:12]} Ltd"))
    visitor = visitor_of(tenant.user, "invoice")
    key = Invoice._meta.get_field("public_id").get_default()
    return services.request_invoice(visitor=visitor, draft=replace(draft, **fields), intent_key=key).invoice


def now_is(row, submission):
    return Invoice.objects.get(pk=row.pk).submission == submission


def test_one_item_is_chosen_and_both_invoices_are_created(live_app, worker, person, connect, control):
    tenant = connect("GB")
    refused = [ask(tenant, control, title) for title in DEALS]
    wait_until(lambda: all(now_is(row, Submission.REJECTED) for row in refused), what="refused")
    priya = person()
    priya.sign_in("Priya Nair", tenant.pair.company_domain)
    priya.open_settings()
    page = priya.settings
    expect(page.get_by_role("heading", name="“Pallet racking bay 3L” is inactive in QuickBooks")).to_be_visible()
    expect(page.get_by_role("link", name="Needs attention 1")).to_be_visible()
    page.get_by_role("link", name="Needs attention 1").click()

    page.get_by_role("button", name=re.compile("^What happened: ")).first.click()
    expect(page.get_by_role("heading", name="What happened")).to_be_focused()
    expect(page.get_by_role("cell", name=re.compile("Create the invoice: refused"))).to_be_visible()

    page.get_by_role("button", name="Choose item and run all 2").click()
    item = page.get_by_role("combobox", name="Which item in its place?")
    expect(item).to_be_focused()
    expect(page.get_by_role("listbox").get_by_role("option", name="Delivery")).to_be_visible()
    item.press("Escape")  # the open list covers what stands below
    page.get_by_role("button", name="Run all 2 again").click()
    expect(page.get_by_role("alert").get_by_text("Choose one of the active items of QuickBooks.")).to_be_visible()
    item.fill("deliv")
    expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(1)
    item.press("ArrowDown")
    item.press("Enter")
    assert priya.shut_out_by("settings") == []
    page.get_by_role("button", name="Run all 2 again").click()
    desk = page.get_by_role("region", name="Needs attention")
    expect(desk.get_by_text("2 invoices are on their way")).to_be_visible()
    expect(page.get_by_text(re.compile("Nothing needs you"))).to_be_visible()
    successors = [services.successor_of(row) for row in refused]
    wait_until(lambda: all(now_is(row, Submission.SUCCEEDED) for row in successors), what="created")
    assert len(control.books(tenant.realm)["invoices"]) >= len(successors)
    assert {link.item_name for link in ItemLink.objects.filter(company=tenant.company)} == {"Delivery"}
    expect(page.get_by_text("Done today 2")).to_be_visible()
    expect(page.get_by_text("Nothing is under way.")).to_be_visible()


def test_what_waits_is_cancelled_after_a_question_and_the_form_opens_from_the_desk(live_app, person, connect, control):
    tenant = connect("GB")
    refused, waiting = (ask(tenant, control, title) for title in DEALS)
    now = timezone.now()
    reasons = {"code": "6000", "field": "", "message": "", "detail": "Business Validation Error", "trace_id": ""}
    Invoice.objects.filter(pk=refused.pk).update(
        submission=Submission.REJECTED, refusal=reasons, settled_at=now, next_attempt_at=None
    )
    priya = person(dark=True)
    priya.sign_in("Priya Nair", tenant.pair.company_domain)
    priya.open_settings()
    page = priya.settings
    page.get_by_role("button", name=re.compile(f"^Withdraw: {DEALS[1]}")).click()
    expect(priya.page.get_by_role("button", name="Withdraw it")).to_be_visible()
    expect(page.locator("[data-asked]")).to_have_count(1)  # the list is not replaced while the question stands
    priya.page.get_by_role("button", name="Withdraw it").click()
    desk = page.get_by_role("region", name="Needs attention")
    expect(
        desk.get_by_text("There is no invoice of it in QuickBooks. What was entered stays on the deal.")
    ).to_be_visible()
    assert now_is(waiting, Submission.REJECTED)
    assert priya.shut_out_by("settings") == []
    page.get_by_role("button", name=re.compile(f"^Open the form: {DEALS[0]}")).click()
    expect(priya.form.get_by_text("QuickBooks says: “Business Validation Error”").first).to_be_visible()
