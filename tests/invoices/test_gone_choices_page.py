"""What somebody makes inactive in QuickBooks while our lists are young: refused once, and not offered again."""

from __future__ import annotations

import pytest

from integration_settings import reference
from integration_settings.models import CompanySettings
from integration_settings.profile import profile_of
from invoices import submission
from invoices.domain.status import Submission
from invoices.models import Invoice
from tests.invoices.form_answers import CREATE, address, finding_titles, pressed, told_at
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db
GLOVES = "Prairie Family Clinic – gloves"


@pytest.fixture
def refuse_and_reopen(control):
    """refuse_and_reopen(tenant, browser, fields, "Class", "1") -> the form again, after that was made inactive"""

    def make(tenant, browser, fields, entity, gone):
        control.book(tenant.realm, "list_activity", entity=entity, id=gone, active=False)
        _, invoice = pressed(browser, fields)
        submission.submit(invoice.pk)
        invoice.refresh_from_db()
        assert (invoice.submission, invoice.refusal["code"]) == (Submission.REJECTED, "610")
        return Page(browser.post(address(invoice, "retry")))

    return make


def created_after(browser, page, **changes):
    """The next press, with the form as it stands but for what is changed, leads to an invoice."""
    assert browser.post(CREATE, page.fields() | changes).status_code == 200
    invoice = Invoice.objects.latest("pk")
    submission.submit(invoice.pk)
    invoice.refresh_from_db()
    return invoice.submission == Submission.SUCCEEDED


def test_a_location(harbour, fill_in, refuse_and_reopen):
    browser, fields = fill_in(harbour, location_id="1")
    page = refuse_and_reopen(harbour, browser, fields, "Department", "1")
    assert any(title.startswith("Location: what was chosen") for title in finding_titles(page, "error"))
    assert "Leeds" not in page.by_id("f-location_id").text
    assert created_after(browser, page)


def test_a_tax_code_is_named_by_the_result_and_at_its_line(connect, fill_in, control, browse, desk):
    birchline = connect("CA")
    browser, fields = fill_in(birchline, "Lakehead Hotels – lobby")
    assert fields["l2-tax"] != fields["l3-tax"]
    control.book(birchline.realm, "list_activity", entity="TaxCode", id=fields["l3-tax"], active=False)
    _, invoice = pressed(browser, fields)
    submission.submit(invoice.pk)
    invoice.refresh_from_db()
    assert invoice.refusal["field"] == "lines.2.tax_code"
    said = "A tax code on this invoice is inactive in QuickBooks or no longer there."
    assert said in Page(browser.get(address(invoice, "result"))).text
    assert said.rstrip(".") in desk(birchline.user).text
    page = Page(browser.post(address(invoice, "retry")))
    assert page.by_id("l3-tax-error").text.startswith(said)
    assert created_after(browser, Page(browser.post(address(invoice, "retry"))), **{"l3-tax": fields["l1-tax"]})


def test_a_class(connect, fill_in, refuse_and_reopen):
    tenant = connect("US")
    browser, fields = fill_in(tenant, GLOVES, class_id="1")
    page = refuse_and_reopen(tenant, browser, fields, "Class", "1")
    assert any(title.startswith("Class: what was chosen") for title in finding_titles(page, "error"))
    assert created_after(browser, page)


def test_the_account_that_new_items_get(harbour, open_form, refuse_and_reopen):
    account = reference.income_accounts(harbour.company)[1].id
    CompanySettings.objects.filter(company=harbour.company).update(
        item_policy="create", income_account_id=account, items_realm_id=harbour.realm
    )
    browser, fields, _ = open_form(harbour)
    assert fields["l2-item"] == "new"
    page = refuse_and_reopen(harbour, browser, fields, "Account", account)
    assert page.fields()["l2-item"] == ""
    assert browser.post(CREATE, page.fields()).status_code == 422


def test_the_account_for_discounts(harbour, fill_in, refuse_and_reopen):
    browser, fields = fill_in(harbour, discount="5%")
    account = profile_of(harbour.quickbooks).discount_account_id
    page = refuse_and_reopen(harbour, browser, fields, "Account", account)
    assert told_at(page, "f-discount").startswith("The account for discounts is inactive in QuickBooks.")
    assert page.fields()["discount"] == "5%"
