"""Rights by mouse and keyboard, and the history of an invoice behind its menu."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from invoices.models import QuickBooksWrite
from tests.conftest import connect_user
from tests.factories import make_invoice
from tests.invoices.test_deal_gateway import deal_called

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900), pytest.mark.django_db(transaction=True)]
DEAL = "Bramley Foods – warehouse racking, phase 2"


def test_rights_are_given_and_the_history_is_read(live_app, person, connect, control):
    tenant = connect("GB")
    tom = connect_user(control, tenant.company, tenant.pair, "GB", tenant.pair.others[0]["id"])
    invoice = make_invoice(tenant.company, deal_id=deal_called(control, tenant.pair, DEAL), realm_id=tenant.realm)
    for kind, outcome in (("create_customer", "done"), ("create_invoice", "unknown"), ("send", "refused")):
        QuickBooksWrite.objects.create(
            company=tenant.company, invoice=invoice, kind=kind, outcome=outcome, request_id="5f0c", trace_id="1-6743",
            asked_by_name=tom.name, sent_fields=["Line", "CustomerRef", "PrivateNote"], sent_digest="ab" * 32,
        )  # fmt: skip
    priya = person()
    priya.sign_in("Priya Nair", tenant.pair.company_domain)
    priya.open_settings()
    page = priya.settings
    everyone = page.get_by_role("checkbox", name="Create: Everyone in Pipedrive")
    everyone.focus()
    everyone.press("Space")
    expect(page.get_by_text("1 change not saved: Create: Everyone in Pipedrive")).to_be_visible()
    page.get_by_role("button", name="Discard").click()
    expect(everyone).to_be_checked()
    everyone.uncheck()
    page.get_by_label("Due", exact=True).fill("x")
    page.get_by_role("button", name="Save for the company").click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_text("2 changes not saved: Due: 14 → x · Create: Everyone in Pipedrive")).to_be_visible()
    page.get_by_label("Due", exact=True).fill("14")
    page.get_by_role("checkbox", name="Void, delete: Everyone in Pipedrive").uncheck()
    assert priya.shut_out_by("settings") == []
    priya.save_settings()
    expect(everyone).not_to_be_checked()
    expect(page.get_by_role("checkbox", name="Create: Administrators")).to_be_disabled()

    priya.open_deal(DEAL)
    more = priya.panel.get_by_role("button", name="More for invoice")
    more.focus()
    more.press("Enter")
    priya.panel.get_by_role("menuitem", name="History").click()
    expect(priya.panel.get_by_role("heading", name="History of invoice")).to_be_focused()
    expect(priya.panel.get_by_text("Create the invoice: no answer in time")).to_be_visible()
    assert priya.shut_out_by("panel") == []
    priya.panel.get_by_role("button", name="Close").click()
    expect(more).to_be_focused()

    colleague = person(dark=True)
    colleague.sign_in(tom.name, tenant.pair.company_domain)
    colleague.open_deal(DEAL)
    expect(colleague.panel.get_by_text("Creating invoices is switched off for you. Priya Nair")).to_be_visible()
    expect(colleague.panel.get_by_role("button", name="New invoice")).to_have_count(0)
    assert colleague.shut_out_by("panel") == []
    colleague.open_settings()
    expect(colleague.settings.get_by_role("checkbox", name=f"Create: {tom.name}")).to_be_disabled()
    assert colleague.shut_out_by("settings") == []
