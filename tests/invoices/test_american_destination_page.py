"""Automated sales tax goes by the place of the customer, so QuickBooks has to know it as a place to ship to."""

from __future__ import annotations

import pytest

from invoices import customer_updates, submission
from invoices.forms import NEW_CUSTOMER
from invoices.models import CustomerUpdate, Invoice
from tests.factories import D
from tests.invoices.form_answers import CREATE

pytestmark = pytest.mark.django_db
GLOVES = "Prairie Family Clinic – gloves"
PLACE = {"street": "9 Pine St", "city": "Portland", "region": "OR", "postal_code": "97201", "country": "United States"}


@pytest.fixture
def billed(connect, fill_in):
    """billed(region="OR", …): (tenant, the invoice as QuickBooks answered) for a new customer of that place"""

    def make(**place):
        tenant = connect("US")
        browser, fields = fill_in(tenant, GLOVES)
        fields |= {"customer": NEW_CUSTOMER, "name": "Rose City Labs", "over_deal": "yes"} | PLACE | place
        assert browser.post(CREATE, fields).status_code == 200
        submission.submit(Invoice.objects.get().pk)
        return tenant, Invoice.objects.get()

    return make


@pytest.mark.parametrize(
    ("place", "taxed"),
    [
        ({}, False),  # Oregon has no sales tax
        ({"city": "Tacoma", "region": "WA", "postal_code": "98402"}, True),
        ({"city": "Köln", "region": "", "postal_code": "50667", "country": "Germany"}, False),
    ],
)
def test_a_new_customer_is_taxed_by_his_own_place_and_not_by_the_company_s(billed, place, taxed):
    _, invoice = billed(**place)
    assert bool(invoice.tax) is taxed
    assert invoice.total > D(0)


def test_an_address_that_names_no_place_leaves_it_to_the_company_s(billed, control):
    tenant, invoice = billed(street="Somewhere", city="", region="", postal_code="", country="")
    customer = next(row for row in control.books(tenant.realm)["customers"] if row["Id"] == invoice.customer_id)
    assert (customer["BillAddr"]["Line1"], "ShipAddr" in customer) == ("Somewhere", False)


def test_where_bill_and_goods_go_to_one_place_they_move_together(billed, control):
    tenant, invoice = billed()
    record = customer_updates.QuickBooksGateway(tenant.quickbooks).read_customer(invoice.customer_id)
    moved = ("1 Main St", "Tacoma", "WA", "98402", "United States")
    change = customer_updates.Change(customer_updates.CustomerField.ADDRESS, record.address.values, moved)
    customer_updates.store(invoice, customer_updates.Wish(invoice.customer_id, record.name, (change,)))
    customer_updates.carry_out(CustomerUpdate.objects.get().pk)
    customer = next(row for row in control.books(tenant.realm)["customers"] if row["Id"] == invoice.customer_id)
    for member in ("BillAddr", "ShipAddr"):
        assert customer[member]["City"] == "Tacoma"
