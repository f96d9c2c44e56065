"""A deal's files go to QuickBooks with its invoice: from the page that tells what became of it, and from the panel."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from invoices.domain.status import Submission
from invoices.models import InvoiceAction
from tests.invoices.test_deal_gateway import deal_called
from tests.servers import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900), pytest.mark.django_db(transaction=True)]
SHELVES = "Spare shelves, Hull"
QUOTE, ORDER = "Quote BF phase 2.pdf", "Signed order BF-2026-0871.pdf"


def test_files_are_attached_and_go_along_with_the_email(live_app, worker, person, connect, control):
    tenant = connect("GB")
    company, deal = tenant.pair.pipedrive_company_id, deal_called(control, tenant.pair, SHELVES)
    files = [row["id"] for row in control.company(company)["files"].values() if row["name"] in (QUOTE, ORDER)]
    control.change_company(company, {"files": {str(each): {"deal_id": deal} for each in files}})
    priya = person()
    priya.sign_in("Priya Nair", tenant.pair.company_domain)
    priya.open_deal(SHELVES)
    priya.start_invoice()
    priya.create_invoice()
    number = priya.expect_created()
    form, panel = priya.form, priya.panel

    form.get_by_role("button", name="Attach files…").click()
    listed = form.get_by_role("group", name=f"Attach the deal’s files to invoice {number}")
    expect(listed.get_by_role("checkbox")).to_have_count(2)
    assert priya.shut_out_by("invoice") == []
    form.get_by_role("button", name="Attach", exact=True).click()
    expect(form.get_by_text("Tick the files to attach.")).to_be_visible()
    listed.get_by_role("checkbox", name=re.compile(ORDER)).check()
    form.get_by_role("button", name="Attach", exact=True).click()
    expect(form.get_by_text("1 attached")).to_be_visible(timeout=60_000)
    priya.close_modal()

    more = panel.get_by_role("button", name=f"More for invoice {number}")
    more.focus()
    more.press("Enter")
    panel.get_by_role("menuitem", name="Attach files…").click()
    expect(panel.get_by_role("checkbox", name=re.compile(f"{ORDER}.*attached already"))).not_to_be_checked()
    assert priya.shut_out_by("panel") == []
    panel.get_by_role("checkbox", name=re.compile(QUOTE)).check()
    panel.get_by_role("button", name="Attach", exact=True).click()
    wait_until(lambda: InvoiceAction.objects.filter(submission=Submission.SUCCEEDED).count() == 2)
    assert sorted(row["FileName"] for row in control.books(tenant.realm)["attachables"]) == [QUOTE, ORDER]

    expect(panel.get_by_text("Files are being attached")).to_have_count(0, timeout=60_000)
    more.click()
    panel.get_by_role("menuitem", name="Send by e-mail…").click()
    panel.get_by_role("button", name=f"Send invoice {number}").click()
    wait_until(lambda: control.books(tenant.realm)["outbox"])
    assert sorted(control.books(tenant.realm)["outbox"][-1]["files"]) == [QUOTE, ORDER]
