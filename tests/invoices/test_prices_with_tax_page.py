"""American deals whose prices in Pipedrive have tax in them: their invoices are before tax, and so is what they are
compared with.

The deal is worth 599.60 with 8 % in it, 555.19 without. QuickBooks charges 10.25 %, or nothing at all.
"""

from __future__ import annotations

import pytest
from django.utils import timezone

from integration_settings import services
from integration_settings.pipedrive_fields import pipedrive_fields
from integration_settings.stages import stages
from invoices import notes, submission
from invoices.domain.money import Money
from invoices.models import Invoice
from invoices.selectors import panel
from tests.factories import D, make_invoice
from tests.invoices.desk import CREATE
from tests.invoices.fragments import Page
from tests.invoices.test_repairs import press, refuse
from tests.invoices.test_sales_tax_by_hand import GLOVES, PREVIEW, cedar, created, put_tax_into_prices

__all__ = ["cedar"]

pytestmark = pytest.mark.django_db
WORTH, BEFORE_TAX = D("599.60"), D("555.19")
NOT_TAXABLE = {"l1-tax": "NON"}


def dollars(amount):
    return Money(D(amount), "USD")


@pytest.fixture
def gloves(cedar, control, deal_id):
    """The deal's id, with 8 % in its prices."""
    deal = deal_id(cedar, GLOVES)
    put_tax_into_prices(control, cedar, deal, 8)
    return deal


@pytest.fixture
def invoice(cedar, gloves, fill_in):
    """invoice(**changes): the deal's next invoice, as QuickBooks has made it."""

    def make(**changes):
        browser, fields = fill_in(cedar, GLOVES, **changes)
        answer = browser.post(CREATE, fields)
        assert answer.status_code == 200, Page(answer).text
        row = Invoice.objects.latest("pk")
        submission.submit(row.pk)
        row.refresh_from_db()
        return row

    return make


@pytest.fixture
def sums(cedar, gloves):
    def sums(worth=WORTH):
        return panel(cedar.company, resource="deal", resource_id=gloves, deal_value=dollars(worth)).sums

    return sums


def in_short(sums):
    return sums.deal_value.amount, sums.invoiced.amount, sums.not_invoiced.amount, sums.over


@pytest.mark.parametrize("charged", [{}, NOT_TAXABLE], ids=["more tax than the deal has", "none"])
def test_a_deal_that_is_invoiced_whole_counts_as_whole_whatever_tax_quickbooks_adds(invoice, sums, charged):
    row = invoice(**charged)
    assert row.total - row.tax == BEFORE_TAX
    assert in_short(sums()) == (BEFORE_TAX, BEFORE_TAX, 0, None)
    assert not sums().with_tax


def test_the_same_where_quickbooks_works_out_the_tax(connect, control, deal_id, fill_in):
    tenant = connect("US")
    deal = deal_id(tenant, GLOVES)
    put_tax_into_prices(control, tenant, deal, 8)
    row = created(*fill_in(tenant, GLOVES))
    shown = panel(tenant.company, resource="deal", resource_id=deal, deal_value=dollars(WORTH)).sums
    assert row.tax
    assert in_short(shown) == (BEFORE_TAX, BEFORE_TAX, 0, None)


def test_of_a_part_the_rest_is_what_the_next_form_bills(invoice, sums):
    first = invoice(**{"l1-quantity": "36"})
    rest = sums().not_invoiced
    last = invoice()
    assert rest.amount == BEFORE_TAX - (first.total - first.tax) == last.total - last.tax
    assert in_short(sums()) == (BEFORE_TAX, BEFORE_TAX, 0, None)


def test_a_deal_that_is_worth_more_by_now_has_a_rest_in_proportion(invoice, sums):
    invoice()
    assert in_short(sums(WORTH * 2)) == (BEFORE_TAX * 2, BEFORE_TAX, BEFORE_TAX, None)


def test_the_panel_says_what_the_deal_value_is_without(cedar, gloves, invoice, browse):
    invoice()
    page = Page(browse(cedar.user, "panel").get("/embed/panel/content", {"resource": "deal", "id": gloves}))
    assert "$555.19 invoiced" in page.text
    assert "of $555.19" in page.text
    said = "Amounts here are without sales tax, and so is the deal value; in Pipedrive it is with sales tax."
    assert said in page.text


def test_the_form_says_how_much_of_the_deal_it_bills_without_tax(cedar, gloves, open_form):
    _, _, page = open_form(cedar, GLOVES)
    assert "The deal is worth $555.19. This invoice bills all of it. Amounts here are without sales tax." in page.text


def test_more_than_the_deal_has_without_tax_is_more_than_the_deal(cedar, gloves, fill_in, invoice):
    """43 of 40 pieces are below the deal's value, which has tax in it."""
    browser, fields = fill_in(cedar, GLOVES, **{"l1-quantity": "43"})
    answer = browser.post(PREVIEW, fields)
    assert "$41.63 more than the deal" in Page(answer).text
    assert browser.post(CREATE, fields).status_code == 422


def test_an_invoice_of_an_earlier_version_counts_as_it_did(cedar, gloves, sums):
    then = {"value": "599.60", "currency": "USD", "with_tax": True}
    amounts = {"total": D("612.10"), "tax": D("56.91"), "balance": D(0), "currency": "USD"}
    make_invoice(cedar.company, deal_id=gloves, deal_then=then, **amounts)
    assert in_short(sums()) == (WORTH, D("612.10"), 0, dollars("12.50"))


def test_the_same_when_a_refused_one_is_run_again(cedar, gloves, fill_in, sums):
    browser, fields = fill_in(cedar, GLOVES)
    browser.post(CREATE, fields)
    refuse(Invoice.objects.get())
    (again,) = press(cedar)[0].started
    submission.submit(again.pk)
    assert in_short(sums()) == (BEFORE_TAX, BEFORE_TAX, 0, None)


@pytest.fixture
def chosen(cedar, gloves, control):
    """The deal's status is told, and a paid deal goes to this stage."""
    shown = control.company(cedar.pair.pipedrive_company_id)["deals"][str(gloves)]
    last = [each.id for each in stages(cedar.user) if each.pipeline_id == shown["pipeline_id"]][-1]
    field = next(
        each.code for each in pipedrive_fields(cedar.user) if each.tells_of_invoices and each.type == "varchar"
    )
    values = {"deal_status_field": field, "paid_stages": {str(shown["pipeline_id"]): last}}
    services.save_settings(cedar.company, by=cedar.user, values=values)
    return last


@pytest.mark.parametrize(("quantity", "goes"), [("40", True), ("39", False)])
def test_a_deal_goes_to_its_stage_when_all_of_it_is_paid(cedar, gloves, invoice, chosen, control, quantity, goes):
    row = invoice(**{"l1-quantity": quantity, **NOT_TAXABLE})
    Invoice.objects.filter(pk=row.pk).update(balance=0, note_due_at=timezone.now(), qbo_updated_at=timezone.now())
    notes.publish_note(row.pk)
    shown = control.company(cedar.pair.pipedrive_company_id)["deals"][str(gloves)]
    assert (shown["stage_id"] == chosen) is goes
