"""What every `InvoiceGateway` does: the same tests on the one in memory and on QuickBooks' stand-in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from integration_settings import reference
from integration_settings.errors import Rejected
from invoices.domain.draft import AmountsAre, Extras, FromEstimate
from invoices.domain.status import looks_voided
from invoices.invoice_gateway import QuickBooksGateway
from tests.factories import D, a_bill_to, a_draft, a_line
from tests.invoices.gateway_cases import new_id

pytestmark = pytest.mark.django_db


def test_a_customer_and_an_invoice_are_created_and_answered_completely(case):
    customer = case.customer(email="office@atlas.example")
    assert (customer.name, customer.email, customer.currency, customer.active) == (
        "Atlas Trade",
        "office@atlas.example",
        "GBP",
        True,
    )
    assert "organization 31" in customer.notes
    issued = case.invoice(customer.customer_id)
    assert issued.customer_id == customer.customer_id
    assert issued.customer_name == "Atlas Trade"
    assert (issued.currency, sum(issued.line_amounts)) == ("GBP", D(100))
    assert issued.total == issued.balance >= D(100)
    assert (issued.invoice_date, issued.due_date) == (case.draft().invoice_date, case.draft().due_date)
    assert issued.number
    assert issued.sync_token == "0"
    assert abs(issued.created_at - timezone.now()) < timedelta(minutes=1)
    assert not issued.voided
    assert not issued.deleted


def test_the_same_request_id_never_creates_twice(case):
    customer = case.customer()
    request_id = new_id()
    first = case.gateway.create_invoice(case.draft(), customer.customer_id, request_id=request_id)
    again = case.gateway.create_invoice(case.draft(), customer.customer_id, request_id=request_id)
    assert again.qbo_invoice_id == first.qbo_invoice_id
    assert case.invoice(customer.customer_id).qbo_invoice_id != first.qbo_invoice_id


def test_an_invoice_is_found_by_its_mark_alone(case):
    customer, other = case.customer(), case.customer("Somebody Else")
    request_id, since = new_id(), timezone.now() - timedelta(minutes=15)
    case.invoice(customer.customer_id)
    issued = case.gateway.create_invoice(
        case.draft(private_note="For the file"), customer.customer_id, request_id=request_id
    )
    find = case.gateway.find_invoice
    assert find(request_id, customer_id=customer.customer_id, since=since).qbo_invoice_id == issued.qbo_invoice_id
    assert find(new_id(), customer_id=customer.customer_id, since=since) is None
    assert find(request_id, customer_id=other.customer_id, since=since).qbo_invoice_id == issued.qbo_invoice_id
    assert find(request_id, customer_id=customer.customer_id, since=timezone.now() + timedelta(hours=1)) is None


def test_a_voided_invoice_is_still_found(case):
    customer, request_id = case.customer(), new_id()
    issued = case.gateway.create_invoice(case.draft(), customer.customer_id, request_id=request_id)
    case.void(issued.qbo_invoice_id)
    since = timezone.now() - timedelta(minutes=15)
    assert case.gateway.find_invoice(request_id, customer_id=customer.customer_id, since=since) is not None


@pytest.mark.parametrize("spelling", ["Atlas Trade", "ATLAS trade"])
def test_a_name_is_taken_once(case, spelling):
    first = case.customer()
    with pytest.raises(Rejected) as refused:
        case.customer(spelling)
    assert refused.value.code == "6240"
    assert case.gateway.customer_named(spelling).customer_id == first.customer_id
    case.deactivate_customer(first.customer_id)
    found = case.gateway.customer_named(spelling)
    assert (found.active, found.name) == (False, "Atlas Trade")


@pytest.mark.parametrize("name", ["O'Brien \\ Sons", "100% Cotton", "x' or DisplayName like '%", "a_b", "Bo -- b"])
def test_awkward_names_are_names(case, name):
    made = case.customer(name)
    case.customer("Axb")
    assert case.gateway.customer_named(name).customer_id == made.customer_id
    assert [found.customer_id for found in case.gateway.search_customers(name)] == [made.customer_id]
    assert case.gateway.customer_named("a%b") is None


def test_a_vendors_name_is_told_as_such(case):
    case.employ("Lakeview Dental Group")
    with pytest.raises(Rejected):
        case.customer("Lakeview Dental Group")
    assert case.gateway.customer_named("Lakeview Dental Group") is None
    assert case.gateway.owner_of_name("lakeview dental group") == "vendor"
    assert case.gateway.owner_of_name("Nobody at all") == ""


def test_what_is_inactive_is_named_by_its_field(case):
    customer = case.customer()
    draft = case.draft()
    assert case.gateway.inactive_reference(draft, customer.customer_id) == ""
    case.deactivate_item(case.item_id)
    with pytest.raises(Rejected) as refused:
        case.gateway.create_invoice(draft, customer.customer_id, request_id=new_id())
    assert refused.value.code == "610"
    assert case.gateway.inactive_reference(draft, customer.customer_id) == "lines.0.item"
    case.deactivate_customer(customer.customer_id)
    assert case.gateway.inactive_reference(draft, customer.customer_id) == "customer"


def test_a_customer_that_went_into_another_one_is_named_too(case):
    with pytest.raises(Rejected) as refused:
        case.gateway.create_invoice(case.draft(), "99999", request_id=new_id())
    assert (refused.value.code, refused.value.element) == ("2500", "")
    assert case.gateway.inactive_reference(case.draft(), "99999") == "customer"


def test_customers_are_found_by_any_part_of_their_name(case):
    for number in range(25):
        case.customer(f"Zebra crossing {number:02}")
    case.deactivate_customer(case.customer("Zebra gone").customer_id)
    found = case.gateway.search_customers("  CROSSING ")
    assert len(found) == 21
    assert case.gateway.search_customers("crossing 07")[0].name == "Zebra crossing 07"
    assert case.gateway.search_customers("zebra gone") == []
    assert case.gateway.search_customers("  ") == []


def test_customers_are_found_by_a_name_whose_accents_stand_by_themselves(case):
    """As in what is pasted from a Mac."""
    made = case.customer("Zoë Brûlé")
    assert [found.customer_id for found in case.gateway.search_customers("zoe\u0308 bru\u0302")] == [made.customer_id]


def test_likely_customers_are_found_by_name_and_by_email(case):
    made = case.customer("Ottoline Works Ltd", email="hello@ottoline.example")
    assert made.customer_id in [found.customer_id for found in case.gateway.customers_named_like("ottoline Works")]
    for alike in ("hello@ottoline.example", "somebody.else@ottoline.example"):
        assert [found.customer_id for found in case.gateway.customers_with_email_like(alike)] == [made.customer_id]
    assert case.gateway.customers_with_email_like("nobody@lot.ottoline.example") == []
    assert case.gateway.customers_with_email_like("") == []


def test_a_customer_with_several_addresses_is_found_by_each_of_them(case):
    made = case.customer("Quill & Sons", email="Pia.Quill@gmail.com, pia@quill.example, office@ledgers.example")
    for alike in ("pia.quill@gmail.com", "pia@quill.example", "sam@quill.example", "office@ledgers.example"):
        assert [found.customer_id for found in case.gateway.customers_with_email_like(alike)] == [made.customer_id]
    for other in ("quill@gmail.com", "ia.quill@gmail.com", "pia@quill.exam", "pia@quill.example.uk"):
        assert case.gateway.customers_with_email_like(other) == []


def test_among_hundreds_who_are_called_alike_the_very_one_is_found(case):
    for number in range(101):
        case.customer(f"Hotel {number:03} am Markt", email=f"desk{number}@inns.example")
    made = case.customer("Hotel Zur Post", email="post@inns.example")
    assert made.customer_id in [found.customer_id for found in case.gateway.customers_named_like("Hotel zur Post GmbH")]
    assert made.customer_id in [found.customer_id for found in case.gateway.customers_with_email_like(made.email)]


def test_a_search_names_those_first_who_begin_as_it_was_typed(case):
    for number in range(25):
        case.customer(f"Atrium {number:02} Zebra")
    made = case.customer("Zebra")
    found = case.gateway.search_customers("zebra")
    assert (found[0].customer_id, len(found)) == (made.customer_id, 21)


def test_of_free_mail_only_the_very_address_is_alike(case):
    made = case.customer("Pim Verhoeven", email="pim.verhoeven@gmail.com")
    found = case.gateway.customers_with_email_like("pim.verhoeven@gmail.com")
    assert [each.customer_id for each in found] == [made.customer_id]
    assert case.gateway.customers_with_email_like("somebody.else@gmail.com") == []


def test_changes_tell_payments_voids_and_deletions(case):
    paid, voided, deleted = (case.invoice().qbo_invoice_id for _ in range(3))
    since = timezone.now() - timedelta(minutes=5)
    case.pay(paid, "40.00")
    case.void(voided)
    case.delete(deleted)
    changes = case.gateway.changed_since(since)
    found = {invoice.qbo_invoice_id: invoice for invoice in changes.invoices}
    assert found[paid].balance == found[paid].total - 40
    assert paid in {invoice_id for payment in changes.payments for invoice_id in payment.invoice_ids}
    assert looks_voided(
        total=found[voided].total,
        line_amounts=found[voided].line_amounts,
        private_note=found[voided].private_note,
        earlier_total=None,
    )
    assert found[deleted].deleted
    assert not found[voided].deleted
    assert changes.time.tzinfo is not None
    assert abs(changes.time - datetime.now(UTC)) < timedelta(minutes=1)
    assert not changes.cut_off


def test_what_was_deleted_is_missing_when_read(case):
    kept, deleted = case.invoice().qbo_invoice_id, case.invoice().qbo_invoice_id
    case.delete(deleted)
    assert [invoice.qbo_invoice_id for invoice in case.gateway.read_invoices([kept, deleted])] == [kept]
    assert case.gateway.read_invoices([]) == []
    assert case.gateway.read_invoice(kept).qbo_invoice_id == kept
    assert case.gateway.read_invoice(deleted) is None


def test_the_payments_of_an_invoice_are_read_by_the_ids_it_names(case):
    invoice_id = case.invoice().qbo_invoice_id
    case.pay(invoice_id, "40.00")
    (payment,) = case.gateway.read_payments(case.gateway.read_invoice(invoice_id).payment_ids)
    assert (payment.invoice_ids, payment.credited) == ((invoice_id,), {})
    assert case.gateway.read_payments([]) == []


def test_open_invoices_of_a_customer_are_those_with_something_to_pay(case):
    customer_id = case.customer("Owes Something").customer_id
    issued = date(2026, 9, 1)
    paid, later, earlier = (
        case.invoice(customer_id, invoice_date=issued, due_date=date(2026, month, 1)) for month in (10, 12, 11)
    )
    case.invoice()
    case.pay(paid.qbo_invoice_id, str(paid.total))
    found = [invoice.qbo_invoice_id for invoice in case.gateway.open_invoices(customer_id)]
    assert found == [earlier.qbo_invoice_id, later.qbo_invoice_id]


def test_the_last_number_is_that_of_the_last_invoice(case):
    number = case.invoice().number
    assert case.gateway.last_number() == number


def test_a_foreign_currency_has_a_rate(case):
    assert case.gateway.exchange_rate("EUR", timezone.now().date()) > 0


def test_an_invoice_in_another_currency_than_the_customers_is_refused(case):
    customer = case.customer()
    with pytest.raises(Rejected):
        case.gateway.create_invoice(case.draft(currency="EUR"), customer.customer_id, request_id=new_id())


def test_voiding_keeps_the_number_and_takes_the_amounts(case):
    issued = case.invoice()
    voided = case.gateway.void_invoice(issued.qbo_invoice_id, issued.sync_token, request_id=new_id())
    assert (voided.number, voided.total, voided.balance) == (issued.number, 0, 0)
    assert int(voided.sync_token) > int(issued.sync_token)
    assert looks_voided(
        total=voided.total,
        line_amounts=voided.line_amounts,
        private_note=voided.private_note,
        earlier_total=None,
    )


def test_a_deleted_invoice_is_not_there_any_more(case):
    issued = case.invoice()
    case.gateway.delete_invoice(issued.qbo_invoice_id, issued.sync_token, request_id=new_id())
    assert case.gateway.read_invoices([issued.qbo_invoice_id]) == []
    with pytest.raises(Rejected) as refused:
        case.gateway.void_invoice(issued.qbo_invoice_id, issued.sync_token, request_id=new_id())
    assert refused.value.code == "610"


def test_an_old_version_is_refused_and_a_request_id_repeats_the_refusal(case):
    issued, request_id = case.invoice(), new_id()
    current = case.gateway.send_invoice(issued.qbo_invoice_id, "office@atlas.example", request_id=new_id())
    with pytest.raises(Rejected) as refused:
        case.gateway.void_invoice(issued.qbo_invoice_id, "77", request_id=request_id)
    assert refused.value.code == "5010"
    assert case.gateway.void_invoice(issued.qbo_invoice_id, current.sync_token, request_id=new_id()).total == 0


def test_an_invoice_with_a_payment_cannot_be_deleted(case):
    issued = case.invoice()
    case.pay(issued.qbo_invoice_id, "40.00")
    (current,) = case.gateway.read_invoices([issued.qbo_invoice_id])
    with pytest.raises(Rejected) as refused:
        case.gateway.delete_invoice(issued.qbo_invoice_id, current.sync_token, request_id=new_id())
    assert "link" in refused.value.detail.lower()


def test_an_email_leaves_its_time_and_its_address(case):
    issued, request_id = case.invoice(), new_id()
    assert issued.emailed_at is None
    for _ in range(2):
        sent = case.gateway.send_invoice(
            issued.qbo_invoice_id, "a@atlas.example, b@atlas.example", request_id=request_id
        )
        assert (sent.email, sent.emailed) == ("a@atlas.example, b@atlas.example", True)
        assert abs(sent.emailed_at - timezone.now()) < timedelta(minutes=1)
    assert case.letters(issued.qbo_invoice_id) == ["a@atlas.example, b@atlas.example"]


def test_the_document_is_a_pdf(case):
    assert case.gateway.invoice_pdf(case.invoice().qbo_invoice_id).startswith(b"%PDF")


def test_a_payment_link_is_given_where_the_customer_can_pay(case):
    issued = case.invoice(bill_to=a_bill_to(email=""))
    assert case.gateway.payment_link(issued.qbo_invoice_id) == ""
    case.gateway.send_invoice(issued.qbo_invoice_id, "a@atlas.example", request_id=new_id())
    assert case.gateway.payment_link(issued.qbo_invoice_id).startswith("http")


def test_copies_class_location_and_own_fields_reach_the_books(connect, control):
    for country, book_of in (("GB", "DepartmentRef"), ("US", "ClassRef")):
        tenant = connect(country)
        gateway = QuickBooksGateway(tenant.quickbooks)
        item = next(item for item in reference.items(tenant.company) if item.active and item.type == "Service")
        code = "NON" if country == "US" else next(c.id for c in reference.tax_codes(tenant.company) if c.active)
        tags = reference.classes(tenant.company) or reference.locations(tenant.company)
        extras = Extras(
            cc="boss@b.example",
            bcc="audit@b.example",
            class_id=tags[0].id,
            location_id=tags[0].id,
            own_fields=(("1", "BF-2026-0871"),),
        )
        currency = tenant.quickbooks.home_currency
        draft = a_draft(
            extras=extras,
            currency=currency,
            amounts_are=AmountsAre.WITHOUT_TAX_SETTING if country == "US" else AmountsAre.TAX_EXCLUSIVE,
            lines=(a_line(item_id=item.id, tax_code_id=code, service_date=date(2026, 11, 20)),),
        )
        customer = gateway.create_customer(a_bill_to(name="Extras Ltd"), currency, mark="", request_id=new_id())
        issued = gateway.create_invoice(draft, customer.customer_id, request_id=new_id())
        rows = control.books(tenant.realm)["invoices"]
        row = next(row for row in rows if row["Id"] == issued.qbo_invoice_id)
        assert (row["BillEmailCc"], row["BillEmailBcc"]) == (
            {"Address": "boss@b.example"},
            {"Address": "audit@b.example"},
        )
        assert row[book_of] == {"value": tags[0].id, "name": tags[0].name}
        assert [field["StringValue"] for field in row["CustomField"]] == ["BF-2026-0871"]
        assert row["Line"][0]["SalesItemLineDetail"]["ServiceDate"] == "2026-11-20"


def test_an_estimate_is_read_closed_by_its_invoice_and_refused_to_a_second_one(case):
    customer = case.customer()
    offered = case.offer(customer.customer_id)
    assert [each.id for each in case.gateway.estimates_of(customer.customer_id)] == [offered.id]
    assert (offered.is_open, offered.total, offered.currency) == (True, D("120.00"), "GBP")
    chosen = FromEstimate(offered.id, offered.number, customer.customer_id, "GBP", D("120.00"), D("20.00"))
    issued = case.invoice(customer.customer_id, estimate=chosen)
    assert issued.estimate_ids == (offered.id,)
    closed = case.gateway.read_estimate(offered.id)
    assert (closed.status, closed.invoice_ids) == ("Closed", (issued.qbo_invoice_id,))
    with pytest.raises(Rejected) as refusal:
        case.invoice(customer.customer_id, estimate=chosen)
    assert refusal.value.code == "6000"
    assert "estimate that does not exist or has already been invoiced" in refusal.value.detail
    assert case.gateway.read_estimate("999999") is None
    assert case.invoice(customer.customer_id).estimate_ids == ()
