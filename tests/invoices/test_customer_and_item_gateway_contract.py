"""What every `InvoiceGateway` does with customers and items: see `gateway_cases`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from integration_settings.errors import Rejected
from invoices.domain.customer_update import AddressParts, Change, CustomerField, values_of
from tests.factories import D, a_line
from tests.invoices.gateway_cases import new_id

pytestmark = pytest.mark.django_db


def whole(parts):
    """An address with something in every part that can be left over."""
    return CustomerField.ADDRESS, parts.values


def changed_to(record, *pairs):
    return [Change(where, values_of(where, record), after) for where, after in pairs]


def test_a_customer_is_read_with_all_that_can_be_updated(case):
    made = case.customer(email="office@atlas.example", tax_id="GB428173846")
    record = case.gateway.read_customer(made.customer_id)
    assert (record.name, record.email, record.active) == ("Atlas Trade", "office@atlas.example", True)
    assert record.address == AddressParts("4 Mill Lane", "Leeds", "", "LS1 4AB", "United Kingdom")
    assert record.tax_id == "XXXXXX73846"
    assert "organization 31" in record.notes
    assert case.gateway.read_customer("987654321") is None
    case.deactivate_customer(made.customer_id)
    assert (case.gateway.read_customer(made.customer_id).active, record.name) == (False, "Atlas Trade")


def test_an_update_writes_what_it_names_and_leaves_the_rest(case):
    made = case.customer(email="office@atlas.example", tax_id="GB428173846")
    before = case.gateway.read_customer(made.customer_id)
    address = AddressParts("Unit 3\nAire Park", "Leeds", "", "LS11 5PS", "United Kingdom")
    written = case.gateway.update_customer(before, changed_to(before, whole(address)), request_id=new_id())
    assert written == case.gateway.read_customer(made.customer_id)
    assert written == replace(before, address=address, sync_token="1")
    changes = changed_to(written, (CustomerField.EMAIL, ("a@atlas.example",)), (CustomerField.TAX_ID, ("GB999000111",)))
    again = case.gateway.update_customer(written, changes, request_id=new_id())
    assert again == replace(written, email="a@atlas.example", tax_id="XXXXXX00111", sync_token="2")


def test_nothing_of_the_old_address_stays_behind(case):
    made = case.customer()
    old = case.gateway.read_customer(made.customer_id)
    shorter = AddressParts("4 Mill Lane, Leeds LS1 4AB")
    written = case.gateway.update_customer(old, changed_to(old, whole(shorter)), request_id=new_id())
    assert written.address == shorter


def test_a_line_is_added_to_the_notes(case):
    made = case.customer()
    old = case.gateway.read_customer(made.customer_id)
    change = Change(CustomerField.NOTES, (), ("DE123456789", "VAT number: DE123456789"))
    written = case.gateway.update_customer(old, [change], request_id=new_id())
    assert written.notes == f"{old.notes}\nVAT number: DE123456789"


def test_an_update_of_an_old_version_is_refused_and_a_request_id_repeats_its_answer(case):
    made, request_id = case.customer(), new_id()
    old = case.gateway.read_customer(made.customer_id)
    changes = changed_to(old, (CustomerField.EMAIL, ("a@atlas.example",)))
    first = case.gateway.update_customer(old, changes, request_id=request_id)
    assert case.gateway.update_customer(old, changes, request_id=request_id) == first
    with pytest.raises(Rejected) as refused:
        case.gateway.update_customer(old, changes, request_id=new_id())
    assert refused.value.code == "5010"
    assert case.gateway.read_customer(made.customer_id) == first


# Items


def test_a_new_item_can_be_invoiced_at_once(case):
    made = case.item()
    assert (made.name, made.sku, made.type, made.active) == ("Mezzanine gate", "GATE-1", "Service", True)
    assert made.tax_code_id == case.tax_code_id
    line = a_line(item_id=made.id, tax_code_id=case.tax_code_id)
    assert case.invoice(lines=(line,)).total >= D(100)


def test_the_same_request_id_never_creates_two_items(case):
    request_id = new_id()
    assert case.item(request_id=request_id).id == case.item(request_id=request_id).id


@pytest.mark.parametrize("spelling", ["Mezzanine gate", "MEZZANINE gate"])
def test_an_items_name_is_taken_once_also_by_an_inactive_one(case, spelling):
    made = case.item()
    for _ in range(2):
        with pytest.raises(Rejected) as refused:
            case.item(spelling)
        assert refused.value.code == "6240"
        found = case.gateway.item_named(spelling)
        assert found.id == made.id
        case.deactivate_item(made.id)
    assert not found.active


def test_a_category_has_its_name_too(case):
    case.add_category("Gates and barriers")
    with pytest.raises(Rejected) as refused:
        case.item("Gates and barriers")
    assert refused.value.code == "6240"
    assert case.gateway.item_named("gates AND barriers").type == "Category"
    assert case.gateway.item_named("Gates") is None


def test_an_item_needs_an_income_account(case):
    with pytest.raises(Rejected):
        case.item(income_account_id="")


def test_what_quickbooks_takes_in_no_name_is_cleaned_on_its_way(case):
    assert case.item("Gate:  left\thinged\n").name == "Gate – left hinged"
    long = case.item("y" * 130, product_code="z" * 101)
    assert (long.name, long.sku) == ("y" * 100, "")
