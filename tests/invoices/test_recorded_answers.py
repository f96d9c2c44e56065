"""Our code on answers that QuickBooks really gave: through the client and the gateway, from the transport up."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime

import pytest
import responses
from django.conf import settings

from integration_settings.country_words import country_code
from integration_settings.errors import (
    ConnectionExpired,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    ServiceUnavailable,
)
from integration_settings.quickbooks import QuickBooksClient
from invoices.domain.customer_update import Change, Comparison, CustomerField, PartyDetails
from invoices.domain.estimate import LeftOut
from invoices.domain.refusals import Step, field_of
from invoices.domain.status import InvoiceStatus, looks_voided
from invoices.invoice_answers import applied_payment, customer_record, estimate, issued_invoice, known_customer
from invoices.invoice_gateway import QuickBooksGateway
from invoices.models import Invoice
from invoices.reports import apply_report, mark_deleted, overdue_from, status_of, zone
from tests import recordings
from tests.factories import D, a_bill_to, a_draft, make_invoice
from tests.integration_settings.vendors import INTUIT_TOKEN, add_discovery, intuit_answer

PACIFIC = zone("America/Los_Angeles")


@pytest.fixture
def gateway(quickbooks):
    return QuickBooksGateway(quickbooks)


@pytest.fixture
def client(quickbooks):
    return QuickBooksClient(quickbooks)


def answer_with(vendor, recording, *, path=r".*", status=None):
    vendor.add(
        recording.method,
        re.compile(rf"http://127\.0\.0\.1:\d+/v3/company/\d+/{path}"),
        body=recording.body,
        status=status or recording.status,
        content_type=recording.content_type,
    )


def test_a_created_invoice_of_2026(vendor, gateway):
    answer_with(vendor, recordings.answer("create-invoice"), path="invoice")
    found = gateway.create_invoice(a_draft(), "1", request_id="request-1")
    assert (found.qbo_invoice_id, found.sync_token, found.number) == ("155", "0", "1042")
    assert (found.currency, found.total, found.balance, found.tax) == ("USD", D(100), D(100), D(0))
    assert (found.customer_id, found.customer_name) == ("1", "Amy's Bird Sanctuary")
    assert (found.invoice_date, found.due_date) == (date(2024, 1, 15), date(2024, 2, 14))
    assert found.line_amounts == (D(100),)
    assert found.created_at == datetime(2026, 5, 5, 9, 8, 55, tzinfo=UTC)
    assert "requestid=request-1" in vendor.calls[0].request.url


def test_an_estimate_of_2026_and_the_invoice_that_it_became(vendor, gateway):
    answer_with(vendor, recordings.answer("get-estimate"), path="estimate/100")
    told = gateway.read_estimate("100")
    assert (told.id, told.number, told.status, told.is_open) == ("100", "1001", "Closed", False)
    assert (told.customer_id, told.customer_name) == ("24", "Sonnenschein Family Store")
    assert (told.currency, told.total, told.tax) == ("USD", D("362.07"), D("26.82"))
    assert told.invoice_ids == ("130",)
    rows = [(line.description, line.item_id, line.quantity, line.unit_price, line.amount) for line in told.lines]
    assert rows[2] == ("Concrete for fountain installation", "3", D(5), D("9.50"), D("47.50"))
    assert [line.tax_code_id for line in told.lines] == ["TAX"] * 3
    assert (told.left_out, told.tax_after_discount, told.sales_tax_id) == ({}, False, "2")
    answer_with(vendor, recordings.answer("send-invoice"))
    assert gateway.send_invoice("103", "a@b.example", request_id="r").estimate_ids == ("41",)


def test_estimates_of_2026_in_a_list():
    told = [estimate(row) for row in recordings.answer("list-estimates").json["QueryResponse"]["Estimate"]]
    assert [each.status for each in told] == ["Pending"] * 4 + ["Closed"] * 4
    amount_alone = told[0].lines[0]
    assert (amount_alone.quantity, amount_alone.unit_price, amount_alone.amount) == (None, None, D(100))


def test_what_of_an_estimate_sells_nothing_is_counted_and_a_bundle_is_what_is_in_it():
    sold = {"DetailType": "SalesItemLineDetail", "Amount": D(10), "SalesItemLineDetail": {"ItemRef": {"value": "1"}}}
    subtotal = {"DetailType": "SubTotalLineDetail", "Amount": D(10), "SubTotalLineDetail": {}}
    told = estimate(
        {
            "Id": "7",
            "TotalAmt": D(30),
            "Line": [
                *(sold, {"DetailType": "DescriptionOnly", "Description": "Hello"}, subtotal),
                {"DetailType": "GroupLineDetail", "GroupLineDetail": {"Line": [sold, sold]}},
                {"DetailType": "SalesItemLineDetail", "Description": "no item"},
                {"DetailType": "TaxLineDetail", "Amount": D(1)},
                {"DetailType": "DiscountLineDetail", "Amount": D(2), "DiscountLineDetail": {"PercentBased": False}},
                {"DetailType": "DiscountLineDetail", "Amount": D(1), "DiscountLineDetail": {"PercentBased": False}},
                subtotal,
            ],
        }
    )
    assert len(told.lines) == 3
    assert (told.discount_amount, told.discount_percentage) == (D(2), None)
    assert told.left_out == {LeftOut.TEXTS: 2, LeftOut.SUBTOTALS: 1, LeftOut.BUNDLES: 1, LeftOut.OTHERS: 2}


def test_an_answer_that_says_nothing_of_the_balance_is_no_payment():
    assert issued_invoice({"Id": "7", "TotalAmt": D("120.00")}).balance == D("120.00")
    assert issued_invoice({"Id": "7", "TotalAmt": D("120.00"), "Balance": None}).balance == D("120.00")
    assert issued_invoice({"Id": "7", "TotalAmt": D("120.00"), "Balance": 0}).balance == 0


def test_a_created_invoice_of_2020(vendor, gateway):
    answer_with(vendor, recordings.cassette("create-invoice")[0], path="invoice")
    found = gateway.create_invoice(a_draft(), "1", request_id="request-1")
    assert (found.qbo_invoice_id, found.number, found.total) == ("266", "1043", D("100.00"))


def test_amounts_are_exact(vendor, gateway):
    vendor.add(responses.POST, re.compile(r".*/query.*"), body=recordings.answer("invoices").body)
    found = {invoice.qbo_invoice_id: invoice for invoice in gateway.read_invoices(["130"])}
    assert (found["130"].total, found["130"].line_amounts[:3]) == (D("362.07"), (D(275), D("12.75"), D("47.5")))
    assert found["130"].tax == D("362.07") - D("335.25")


def test_every_recorded_invoice_of_2026_has_a_status():
    rows = recordings.answer("invoices").json["QueryResponse"]["Invoice"]
    assert len(rows) > 20
    seen = set()
    for row in rows:
        found = issued_invoice(row)
        assert found.qbo_invoice_id
        assert found.updated_at >= found.created_at
        assert not looks_voided(
            total=found.total, line_amounts=found.line_amounts, private_note=found.private_note, earlier_total=None
        )
        assert bool(found.payment_ids) == any(link["TxnType"] == "Payment" for link in row["LinkedTxn"])
        seen.add(found.balance == 0)
    assert seen == {True, False}


def test_a_void_of_2022_is_recognised_by_its_zeros(company, vendor, client):
    before, after = recordings.cassette("void-invoice")[:2]
    row = make_invoice(company, qbo_invoice_id="264", total=None, tax=None, balance=None, qbo_updated_at=None)
    apply_report(row, issued_invoice(before.json["Invoice"]), place=PACIFIC)
    assert (row.total, row.number) == (D(100), "1041")
    vendor.add(responses.POST, re.compile(r".*/invoice\?.*operation=void.*"), body=after.body)
    voided = issued_invoice(client.void("Invoice", "264", "0", request_id="void-1"))
    apply_report(row, voided, place=PACIFIC)
    assert status_of(row, date(2022, 9, 2)) == InvoiceStatus.VOIDED
    assert (row.total, row.balance, row.sync_token) == (D(100), D(0), "1")
    assert row.voided_on == date(2022, 9, 2)


def test_a_deletion_is_a_few_words(company, vendor, client):
    recorded = recordings.cassette("delete-invoice")[1]
    vendor.add(responses.POST, re.compile(r".*/invoice\?.*operation=delete.*"), body=recorded.body)
    found = issued_invoice(client.delete("Invoice", "266", "0", request_id="delete-1"))
    assert (found.qbo_invoice_id, found.deleted, found.updated_at) == ("266", True, None)
    row = make_invoice(company, qbo_invoice_id="266")
    mark_deleted(row, place=PACIFIC, at=found.updated_at)
    assert Invoice.objects.get(pk=row.pk).deleted_on is not None


def test_a_sent_invoice_says_when(vendor, client):
    vendor.add(responses.POST, re.compile(r".*/invoice/103/send.*"), body=recordings.answer("send-invoice").body)
    found = issued_invoice(client.send_invoice("103", "geeta@example.com", request_id="send-1"))
    assert (found.emailed, found.emailed_at) == (True, datetime(2026, 5, 5, 9, 6, 31, tzinfo=UTC))


def test_a_pdf_is_a_pdf(vendor, client):
    recorded = recordings.cassette("get_pdf-invoice")[0]
    vendor.add(responses.GET, re.compile(r".*/invoice/130/pdf.*"), body=b"%PDF-1.4\n" + recorded.body[9:])
    assert client.invoice_pdf("130").startswith(b"%PDF")
    assert recorded.content_type.startswith("application/pdf")


def test_changes_are_grouped_by_entity(vendor, client, gateway):
    recorded = recordings.cassette("cdc-basic")[0]
    vendor.add(responses.GET, re.compile(r".*/cdc\?.*"), body=recorded.body)
    changes = client.changes(("Estimate", "Invoice"), datetime(2011, 10, 10, tzinfo=UTC))
    assert changes.time == datetime.fromisoformat(recorded.json["time"])
    assert [row["Id"] for row in changes.objects["Estimate"]][:1] == ["48"]
    assert changes.objects["Invoice"] == []
    found = gateway.changed_since(datetime(2011, 10, 10, tzinfo=UTC))
    assert (found.invoices, found.payments, found.cut_off) == ((), (), False)


def test_customers_are_read_as_candidates():
    rows = [known_customer(row) for row in recordings.answer("query-entities").json["QueryResponse"]["Customer"]]
    assert (rows[0].name, rows[0].email, rows[0].place, rows[0].currency) == (
        "Amy's Bird Sanctuary",
        "Birds@Intuit.com",
        "Bayshore",
        "USD",
    )
    assert all(row.active for row in rows)


@pytest.mark.parametrize("year", ["2020", "2026"])
def test_a_created_customer(vendor, gateway, year):
    recorded = recordings.answer("create-customer") if year == "2026" else recordings.cassette("create-customer")[0]
    answer_with(vendor, recorded, path="customer")
    found = gateway.create_customer(a_bill_to(), "USD", mark="Test", request_id="customer-1")
    assert found.customer_id == {"2020": "70", "2026": "60"}[year]
    assert found.active


def test_a_masked_tax_number_is_not_read_but_one_in_the_notes_is():
    row = {
        "Id": "1",
        "PrimaryTaxIdentifier": "XXXXXXX73846",
        "Notes": "Prefers post\nTax number: 12-3456789\nTelephone: 99",
    }
    assert known_customer(row).described().tax_ids == ("12-3456789",)
    assert known_customer(row | {"PrimaryTaxIdentifier": "GB 428173846"}).tax_ids[0] == "GB 428173846"


@pytest.mark.parametrize(
    ("told", "member"),
    [({"GSTIN": "29ABCDE1234F1Z5"}, "GSTIN"), ({}, "PrimaryTaxIdentifier"), ({"GSTIN": None}, "PrimaryTaxIdentifier")],
)
def test_an_indian_number_is_written_where_somebody_has_put_the_one_before(vendor, gateway, told, member):
    row = {"Id": "7", "SyncToken": "3", "DisplayName": "Malabar", "PrimaryTaxIdentifier": "XXXXX1234F"} | told
    base = f"{settings.QUICKBOOKS_API_URL}/v3/company/{gateway.client.connection.realm_id}/customer"
    vendor.get(f"{base}/7", json={"Customer": row})
    vendor.post(base, json={"Customer": row})
    record = gateway.read_customer("7")
    change = Change(CustomerField.TAX_ID, (record.tax_id,), ("27PQRSX9876L1Z2",))
    gateway.update_customer(record, [change], request_id="request-1")
    sent = json.loads(vendor.calls[-1].request.body)
    assert {name: sent.get(name) for name in ("GSTIN", "PrimaryTaxIdentifier") if name in sent} == {
        member: "27PQRSX9876L1Z2"
    }


def test_an_indian_number_that_quickbooks_has_in_the_field_of_its_own_is_no_difference():
    record = customer_record({"Id": "7", "SyncToken": "3", "DisplayName": "Malabar", "GSTIN": "29ABCDE1234F1Z5"})
    indian = Comparison(keeps_tax_ids=True, country_of=country_code, tax_id_label="GSTIN")
    assert indian.differences(record, PartyDetails(tax_id="29 ABCDE 1234F 1Z5")) == ()
    (other,) = indian.differences(record, PartyDetails(tax_id="29ABCDE1234F1Z6"))
    assert other.change == Change(CustomerField.TAX_ID, ("29ABCDE1234F1Z5",), ("29ABCDE1234F1Z6",))


def test_payments_name_their_invoices():
    rows = recordings.answer("payments").json["QueryResponse"]["Payment"]
    payment = next(applied_payment(row) for row in rows if row["Id"] == "128")
    assert (payment.invoice_ids, payment.paid_on) == (("96",), date(2026, 4, 8))
    unapplied = recordings.answer("create-payment").json["Payment"]
    assert (applied_payment(unapplied).invoice_ids, applied_payment(unapplied).gone) == ((), False)
    assert applied_payment(unapplied | {"TotalAmt": 0}).gone, "voided"
    assert applied_payment({"Id": "1", "status": "Deleted"}).gone
    assert applied_payment(recordings.answer("create-credit-memo").json["CreditMemo"]).invoice_ids == ()


# Faults


def test_a_taken_name_is_refused_at_the_name(vendor, gateway):
    answer_with(vendor, recordings.cassette("error-validation")[0], path="customer")
    with pytest.raises(Rejected) as refused:
        gateway.create_customer(a_bill_to(), "USD", mark="Test", request_id="customer-1")
    assert refused.value.code == "6240"
    field = field_of(Step.CUSTOMER, "6240", element=refused.value.element, detail=refused.value.detail)
    assert field == "customer.name"


def test_an_unknown_member_is_our_own_mistake_and_belongs_to_no_field(vendor, gateway):
    answer_with(vendor, recordings.cassette("error-400_json")[0], path="invoice")
    with pytest.raises(Rejected) as refused:
        gateway.create_invoice(a_draft(), "1", request_id="request-1")
    assert refused.value.code == "2010"
    assert field_of(Step.INVOICE, "2010", element=refused.value.element, detail=refused.value.detail) == ""


@pytest.mark.parametrize(
    ("names", "name"),
    [
        ({"DisplayName": "Moss", "FullyQualifiedName": "Moss & Co:Moss"}, "Moss"),
        ({"DisplayName": "", "FullyQualifiedName": "Moss & Co:Moss", "CompanyName": "Moss & Co"}, "Moss & Co:Moss"),
        ({"CompanyName": "Moss & Co (deleted)", "Active": False}, "Moss & Co"),
        ({}, ""),
    ],
)
def test_a_customer_without_a_display_name_has_another(names, name):
    assert known_customer({"Id": "7"} | names).name == customer_record({"Id": "7"} | names).name == name


def test_an_expired_token_is_no_refusal(vendor, gateway):
    recorded = recordings.cassette("error-401")[0]
    refused = vendor.add(responses.POST, re.compile(r".*/invoice.*"), body=recorded.body, status=401)
    add_discovery(vendor)
    vendor.post(INTUIT_TOKEN, json=intuit_answer())
    with pytest.raises(ConnectionExpired):
        gateway.create_invoice(a_draft(), "1", request_id="request-1")
    assert refused.call_count == 2


def test_an_impossible_id_is_refused(vendor, gateway):
    recorded = next(row for row in recordings.cassette("error-500") if b"2030" in row.body)
    vendor.add(responses.POST, re.compile(r".*/invoice.*"), body=recorded.body, status=400)
    with pytest.raises(Rejected) as refused:
        gateway.create_invoice(a_draft(), "1", request_id="request-1")
    assert refused.value.code == "2030"


def test_a_missing_object_is_told_apart(vendor, client):
    fault = next(
        item["Fault"] for item in recordings.cassette("batch-basic")[0].json["BatchItemResponse"] if "Fault" in item
    )
    assert fault["Error"][0]["code"] in ("610", "5010", "2010")
    body = '{"Fault":{"Error":[{"Message":"Object Not Found","Detail":"Object Not Found : x","code":"610"}]}}'
    vendor.add(responses.GET, re.compile(r".*/invoice/9.*"), body=body, status=400)
    with pytest.raises(NotFound):
        client.read("Invoice", "9")


@pytest.mark.parametrize(
    ("status", "expected"), [(500, OutcomeUnknown), (502, OutcomeUnknown), (504, OutcomeUnknown), (429, RateLimited)]
)
def test_xml_from_the_gateway_is_understood_by_its_status(vendor, gateway, status, expected):
    vendor.add(
        responses.POST,
        re.compile(r".*/invoice.*"),
        body=recordings.xml("generic_error"),
        status=status,
        content_type="application/xml",
    )
    with pytest.raises(expected):
        gateway.create_invoice(a_draft(), "1", request_id="request-1")


def test_xml_instead_of_changes_changes_nothing(vendor, gateway):
    vendor.add(responses.GET, re.compile(r".*/cdc.*"), body=recordings.xml("fault"), content_type="application/xml")
    with pytest.raises(ServiceUnavailable):
        gateway.changed_since(datetime(2026, 11, 1, tzinfo=UTC))


@pytest.mark.parametrize("told", ["9999-12-31T23:59:59-08:00", "0001-01-01T00:00:00+14:00"])
def test_a_time_at_the_edge_of_the_calendar_is_none(told):
    assert issued_invoice({"Id": "1", "MetaData": {"LastUpdatedTime": told}}).updated_at is None


def test_an_invoice_that_is_due_on_the_last_day_of_all_is_never_overdue():
    row = Invoice(due_date=date(9999, 12, 31), balance=D(10))
    assert overdue_from(row, PACIFIC) is None
