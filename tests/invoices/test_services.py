"""What the pages ask for, over both stand-ins: forms, intents, customers, totals to the cent."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration_settings import reference
from integration_settings.errors import ConnectionExpired, NotFound
from integration_settings.models import CompanySettings, ConnectionState, QuickBooksConnection
from integration_settings.pipedrive_fields import pipedrive_fields
from invoices import drafting, services, submission
from invoices.domain.checks import Severity
from invoices.domain.deal import Discount
from invoices.domain.draft import AmountsAre, from_json, line_discount
from invoices.domain.matching import Evidence, ItemReason, Strength
from invoices.domain.money import Money
from invoices.domain.status import Submission
from invoices.domain.tax import TaxReason
from invoices.invoice_gateway import QuickBooksGateway
from invoices.models import CustomerLink, Invoice
from tests.conftest import connect_user, visitor_of
from tests.factories import D, a_bill_to, a_draft, a_line, make_customer_link
from tests.invoices.test_deal_gateway import deal_called


@pytest.fixture
def harbour(connect):
    return connect("GB")


def prepared(tenant, control, title, user=None):
    return drafting.prepare(visitor_of(user or tenant.user, "invoice"), deal_called(control, tenant.pair, title))


def created(tenant, draft, key=None):
    requested = services.request_invoice(
        visitor=visitor_of(tenant.user, "invoice"), draft=draft, intent_key=key or uuid.uuid4()
    )
    submission.submit(requested.invoice.pk)
    requested.invoice.refresh_from_db()
    return requested.invoice


def blocking(findings):
    return [(finding.field, finding.code) for finding in findings if finding.severity == Severity.BLOCKS]


# The form


def test_the_deal_of_the_pictures_opens_as_in_the_pictures(harbour, control):
    found = prepared(harbour, control, "Bramley Foods – warehouse racking, phase 2")
    assert [(item.reason, item.name) for item in found.item_proposals] == [
        (ItemReason.SKU, "Pallet racking bay 4L"),
        (ItemReason.NONE, ""),
        (ItemReason.NONE, ""),
        (ItemReason.NONE, ""),
    ]
    assert [(tax.code_name, tax.reason) for tax in found.tax_proposals] == [
        ("20.0% S", TaxReason.PRODUCT_TAX),
        ("20.0% S", TaxReason.PRODUCT_TAX),
        ("20.0% S", TaxReason.PRODUCT_TAX),
        ("0.0% Z", TaxReason.PRODUCT_TAX),
    ]
    assert (found.totals.net, found.totals.tax, found.totals.total) == (D(9000), D(1740), D(10740))
    assert found.draft.lines[0].discount == D("312.00")
    assert found.draft.due_date - found.draft.invoice_date == timedelta(days=found.due_days)
    assert blocking(found.findings) == [(f"lines.{index}.item", "no_item") for index in (1, 2, 3)]
    assert (found.customer.party_kind, found.customer.party_name) == ("organization", "Bramley Foods Limited")
    best = found.customer.candidates[0]
    assert (best.name, best.strength) == ("Bramley Foods Ltd", Strength.STRONG)
    assert best.evidence == (Evidence.SAME_NAME, Evidence.SAME_DOMAIN)
    assert found.customer.candidates[1].strength == Strength.WEAK
    assert found.customer.preselected == found.draft.bill_to.customer_id == best.customer_id
    assert found.draft.bill_to.name == "Bramley Foods Ltd"
    assert found.currencies[0] == "GBP"
    assert {"EUR", "USD"} <= set(found.currencies)
    assert all(item.active and item.type != "Category" for item in found.items)


def test_the_chosen_fields_fill_the_customer(harbour, control):
    fields = {field.name: field.code for field in pipedrive_fields(harbour.user)}
    CompanySettings.objects.filter(company=harbour.company).update(
        email_field=fields["Billing e-mail"], tax_id_field=fields["VAT no."], due_days=30
    )
    found = prepared(harbour, control, "Bramley Foods – warehouse racking, phase 2")
    assert found.draft.bill_to.email == "accounts@bramleyfoods.co.uk"
    assert found.draft.bill_to.tax_id == "GB 428 173 846"
    assert found.draft.bill_to.address.line2 == "Unit 3"
    assert found.due_days == 30


def test_a_linked_customer_needs_no_search(harbour, control):
    deal_id = deal_called(control, harbour.pair, "Bramley Foods – warehouse racking, phase 2")
    organization = drafting.prepare(visitor_of(harbour.user), deal_id).customer.party_id
    make_customer_link(harbour.company, party_id=organization, customer_id="7", name="Some Customer")
    control.forget_requests()
    found = drafting.prepare(visitor_of(harbour.user), deal_id)
    assert (found.customer.linked.customer_id, found.customer.preselected) == ("7", "7")
    assert found.customer.candidates == ()
    assert control.requests("quickbooks") == [], "lists are kept, the customer is known: QuickBooks is not asked"


def test_the_linked_customer_of_the_deals_currency_comes_before_one_of_another(harbour, control):
    deal_id = deal_called(control, harbour.pair, "Bramley Foods – warehouse racking, phase 2")
    party = drafting.prepare(visitor_of(harbour.user), deal_id).customer.party_id
    make_customer_link(harbour.company, party_id=party, customer_id="7", currency="GBP")
    make_customer_link(harbour.company, party_id=party, customer_id="8", currency="USD")
    assert drafting.prepare(visitor_of(harbour.user), deal_id).customer.preselected == "7"


def test_a_customer_linked_in_another_currency_is_offered_beside_the_one_that_fits(harbour, control):
    deal_id = deal_called(control, harbour.pair, "Bramley Foods – warehouse racking, phase 2")
    party = drafting.prepare(visitor_of(harbour.user), deal_id).customer.party_id
    make_customer_link(harbour.company, party_id=party, customer_id="4711", currency="USD")
    found = drafting.prepare(visitor_of(harbour.user), deal_id).customer
    assert [each.name for each in found.candidates if each.customer_id == found.preselected] == ["Bramley Foods Ltd"]
    assert found.linked is not None
    assert found.linked.customer_id == "4711"


@pytest.fixture
def billed(harbour, control):
    """billed("Another Ltd"): the company names the recipient in a field of the deal, and chose customer 7 before."""
    deal_id = deal_called(control, harbour.pair, "Bramley Foods – warehouse racking, phase 2")
    party = drafting.prepare(visitor_of(harbour.user), deal_id).customer.party_id
    make_customer_link(harbour.company, party_id=party, customer_id="7", name="Aire Leasing Ltd")
    field = next(each for each in pipedrive_fields(harbour.user) if each.name == "Customer PO")
    CompanySettings.objects.filter(company=harbour.company).update(recipient_field=field.code)

    def make(name):
        code, company = field.code.removeprefix("deal."), harbour.pair.pipedrive_company_id
        deal = control.company(company)["deals"][str(deal_id)]
        values = deal["custom_fields"] | {code: name}
        control.change_company(company, {"deals": {deal_id: {"custom_fields": values}}})
        return drafting.prepare(visitor_of(harbour.user), deal_id)

    return make


def test_the_customer_chosen_before_stands_where_the_deal_names_it(billed):
    assert billed("aire leasing limited").customer.preselected == "7"


def test_another_recipient_than_the_customer_chosen_before_is_not_billed_to_that_one(billed):
    found = billed("Pennine Capital Ltd")
    assert (found.customer.preselected, found.draft.bill_to.name) == ("", "Pennine Capital Ltd")
    assert found.customer.linked is not None, "it is still offered"
    assert found.customer.linked.customer_id == "7"


def test_the_recipient_that_a_deal_names_is_found_although_another_was_chosen_before(billed):
    assert billed("Bramley Foods Ltd").draft.bill_to.name == "Bramley Foods Ltd"


def test_each_person_of_an_organization_is_a_recipient_where_persons_are_billed(billed):
    CompanySettings.objects.update(recipient_field="person.name")
    found = billed("")
    assert found.customer.preselected != "7"
    assert found.draft.bill_to.name == found.deal.person.name


def test_a_deal_that_the_user_may_not_see_has_no_form_and_no_invoice(harbour, control):
    ewa = connect_user(control, harbour.company, harbour.pair, user_id=harbour.pair.others[1]["id"])
    hidden = deal_called(control, harbour.pair, "Confidential")
    with pytest.raises(NotFound):
        drafting.prepare(visitor_of(ewa), hidden)
    with pytest.raises(NotFound):
        services.request_invoice(visitor=visitor_of(ewa), draft=a_draft(deal_id=hidden), intent_key=uuid.uuid4())
    assert Invoice.objects.count() == 0


def test_without_quickbooks_there_is_no_form(connect, control):
    tenant = connect("GB", quickbooks=False)
    with pytest.raises(ConnectionExpired):
        prepared(tenant, control, "Bramley Foods")


def test_when_quickbooks_is_slow_or_down_stored_lists_serve(harbour, control):
    prepared(harbour, control, "Bramley Foods – warehouse racking, phase 2")
    control.fault("status", status=503, company=harbour.realm)
    found = prepared(harbour, control, "Bramley Foods – warehouse racking, phase 2")
    assert found.totals.total == D(10740)
    assert found.customer.candidates == ()


def test_a_foreign_deal_proposes_a_customer_in_its_currency(harbour, control):
    found = prepared(harbour, control, "Rheingold – Küchenlager Köln")
    assert found.draft.currency == "EUR"
    assert found.customer.candidates[0].currency == "EUR"


def test_where_numbers_are_given_by_hand_the_next_one_is_proposed(connect, control):
    tenant = connect("AU")
    found = prepared(tenant, control, "Northern Dive Club")
    numbers = {row.get("DocNumber") for row in control.books(tenant.realm)["invoices"]}
    assert found.draft.number
    assert found.draft.number not in numbers
    row = created(tenant, found.draft)
    assert (row.submission, row.number) == (Submission.SUCCEEDED, found.draft.number)
    again = created(tenant, found.draft)
    assert (again.refusal["code"], again.refusal["field"]) == ("6140", "number")


def test_totals_are_checked_with_what_was_invoiced_before(harbour, control):
    draft = billable(harbour, control, "Bramley Foods – warehouse racking, phase 2")
    created(harbour, draft)
    found = drafting.preview(harbour.company, draft, deal_value=Money(D(10000), "GBP"))
    codes = {finding.code: finding.values for finding in found.findings}
    assert codes["invoiced_before"]["count"] == 1
    assert codes["over_the_deal"]["amount"] == D("8000.00")
    assert found.blocked
    assert not drafting.preview(
        harbour.company, draft, deal_value=Money(D(10000), "GBP"), more_than_the_deal=True
    ).blocked


def test_one_order_in_two_deals_is_told_before_it_is_invoiced_twice(harbour, control):
    draft = billable(harbour, control, "Bramley Foods – warehouse racking, phase 2")
    first = created(harbour, draft)
    in_the_other_deal = replace(draft, deal_id=draft.deal_id + 1)
    found = drafting.preview(harbour.company, in_the_other_deal, reader_id=first.created_by_id)
    told = next(finding for finding in found.findings if finding.code == "same_again")
    assert (told.values["number"], told.values["created_by"]) == (first.number, first.created_by_name)
    assert not found.blocked
    one_more = replace(draft.lines[0], quantity=draft.lines[0].quantity + 1)
    larger = replace(in_the_other_deal, lines=(one_more, *draft.lines[1:]))
    assert "same_again" not in {each.code for each in drafting.preview(harbour.company, larger).findings}


def test_a_preview_asks_nobody(harbour, control):
    draft = billable(harbour, control, "Bramley Foods – warehouse racking, phase 2")
    control.forget_requests()
    assert drafting.preview(harbour.company, draft).totals.total == D(10740)
    assert control.requests() == []


def test_a_preview_knows_a_linked_customers_currency(harbour, control):
    draft = billable(harbour, control, "Bramley Foods – warehouse racking, phase 2")
    make_customer_link(harbour.company, customer_id=draft.bill_to.customer_id, currency="EUR")
    assert ("currency", "currency_clash") in blocking(drafting.preview(harbour.company, draft).findings)


def test_the_percentage_of_a_code_is_not_taken_from_the_form(harbour, control):
    draft = billable(harbour, control, "Bramley Foods – warehouse racking, phase 2")
    forged = replace(draft, lines=tuple(replace(line, tax_percentage=D(0)) for line in draft.lines))
    assert drafting.preview(harbour.company, forged).totals.tax == D(1740)


# The intent


def billable(tenant, control, title):
    """The deal's draft with an item on every line, as after a person has chosen the missing and inactive ones."""
    found = prepared(tenant, control, title)
    sold = [item.id for item in found.items]
    lines = (replace(line, item_id=line.item_id if line.item_id in sold else sold[0]) for line in found.draft.lines)
    return replace(found.draft, lines=tuple(lines))


def test_the_same_form_twice_is_one_intent(harbour, control):
    draft, key = billable(harbour, control, "Bramley Foods – warehouse racking, phase 2"), uuid.uuid4()
    visitor = visitor_of(harbour.user)
    first = services.request_invoice(visitor=visitor, draft=draft, intent_key=key)
    again = services.request_invoice(visitor=visitor, draft=draft, intent_key=key)
    other = services.request_invoice(visitor=visitor, draft=replace(draft, memo="changed"), intent_key=key)
    assert (first.differs, again.differs, other.differs) == (False, False, True)
    assert first.invoice.pk == again.invoice.pk == other.invoice.pk
    submission.submit(first.invoice.pk)
    assert services.request_invoice(visitor=visitor, draft=draft, intent_key=key).invoice.number


def test_an_intent_keeps_who_what_and_for_whom(harbour, control):
    draft = billable(harbour, control, "Bramley Foods – warehouse racking, phase 2")
    row = services.request_invoice(visitor=visitor_of(harbour.user), draft=draft, intent_key=uuid.uuid4()).invoice
    assert (row.created_by_id, row.created_by_name) == (harbour.user.user_id, harbour.user.name)
    assert row.organization_id
    assert row.person_id
    stored = from_json(row.draft)
    assert stored.lines == draft.lines
    assert stored.expected_total == D(10740)
    assert row.next_attempt_at <= timezone.now()


def test_billing_a_customer_remembers_whose_it_is(harbour, control):
    draft = billable(harbour, control, "Bramley Foods – warehouse racking, phase 2")
    row = created(harbour, draft)
    link = CustomerLink.objects.get(company=harbour.company)
    assert (link.customer_id, link.party_id, link.linked_by) == (
        draft.bill_to.customer_id,
        row.organization_id,
        harbour.user.name,
    )
    services.unlink_customer(visitor_of(harbour.user, "panel"), party=("organization", row.organization_id))
    assert CustomerLink.objects.count() == 0


def test_an_ended_connection_takes_no_new_intents(harbour):
    QuickBooksConnection.objects.update(state=ConnectionState.ENDED)
    with pytest.raises(ConnectionExpired):
        services.request_invoice(visitor=visitor_of(harbour.user), draft=a_draft(), intent_key=uuid.uuid4())


# What QuickBooks makes of it


@pytest.mark.parametrize(
    ("country", "title"),
    [
        ("GB", "Bramley Foods – warehouse racking, phase 2"),
        ("GB", "Northgate Dental – storage fit-out"),
        ("GB", "Regional depot – full kit list"),
        ("GB", "Rheingold – Küchenlager Köln"),
        ("AU", "Northern Dive Club"),
        ("AU", "Pemberton school camp"),
        ("AU", "Tanaka family"),
        ("CA", "Lakehead Hotels"),
        ("CA", "Café Éclair"),
        ("CA", "Pacific Crest"),
        ("CA", "Great Lakes Outfitters"),
        ("CA", "Olivier Gagné"),
        ("CA", "Hamilton Library"),
    ],
)
def test_quickbooks_total_is_the_forms_total(connect, control, country, title):
    tenant = connect(country)
    row = created(tenant, billable(tenant, control, title))
    assert row.refusal is None
    assert row.total == D(row.draft["expected_total"])


def test_american_tax_is_quickbooks_business(connect, control):
    tenant = connect("US")
    found = prepared(tenant, control, "Prairie Family Clinic")
    assert (found.draft.amounts_are, found.totals.tax_known) == (AmountsAre.WITHOUT_TAX_SETTING, False)
    row = created(tenant, billable(tenant, control, "Prairie Family Clinic"))
    assert row.draft["expected_total"] is None
    assert row.total - row.tax == found.totals.total
    assert row.tax == D("61.46")  # 10.25 % of 599.60


def test_a_taken_name_is_told_with_its_owner(connect, control):
    tenant = connect("US")
    row = created(tenant, billable(tenant, control, "Lakeview Dental"))
    assert row.submission == Submission.REJECTED
    assert (row.refusal["field"], row.refusal["taken_by"]) == ("customer.name", "vendor")


def test_an_invoice_may_carry_any_script_and_any_sign(harbour, control):
    draft = billable(harbour, control, "Bramley Foods – warehouse racking, phase 2")
    name = "<b>O'Brien & Sons</b> \\ שלום 🍕 Ķekava"
    lines = (replace(draft.lines[0], description=f"{name}\nsecond row"),)
    draft = replace(draft, bill_to=a_bill_to(name=name), lines=lines, memo=name, private_note=name)
    row = created(harbour, draft)
    assert (row.submission, row.customer_name) == (Submission.SUCCEEDED, name)
    (stored,) = (invoice for invoice in control.books(harbour.realm)["invoices"] if invoice["Id"] == row.qbo_invoice_id)
    assert stored["CustomerMemo"]["value"] == name


@st.composite
def random_lines(draw, names):
    count = draw(st.integers(min_value=1, max_value=8))
    rows = []
    for _ in range(count):
        quantity = draw(st.decimals(min_value=D("0.01"), max_value=D(300), places=2))
        price = draw(st.decimals(min_value=D("0.01"), max_value=D(900), places=3))
        discount = Discount(draw(st.decimals(min_value=0, max_value=90, places=1)), True)
        rows.append((quantity, price, discount, draw(st.sampled_from(names))))
    return rows


TAX_SETTINGS = {
    "GB": (["20.0% S", "5.0% R", "0.0% Z", "20.0% RC"], [AmountsAre.TAX_EXCLUSIVE, AmountsAre.TAX_INCLUSIVE]),
    "CA": (
        ["GST", "HST ON", "GST/PST BC", "GST/QST QC - 9.975", "Zero-rated"],
        [AmountsAre.TAX_EXCLUSIVE, AmountsAre.TAX_INCLUSIVE],
    ),
    "US": (["TAX", "NON"], [AmountsAre.WITHOUT_TAX_SETTING]),
}


@pytest.mark.parametrize("country", TAX_SETTINGS)
def test_random_invoices_come_back_with_the_total_that_was_shown(connect, control, country):
    """A stand-in that was written by others works out the same totals, to the cent."""
    pair, (names, tax_settings) = control.clone(country), TAX_SETTINGS[country]
    if country == "US":
        control.book(pair.realm, "tax_by_hand")
    tenant = connect(country, pair=pair)
    codes = {code.name: code for code in reference.tax_codes(tenant.company)}
    item = next(item for item in reference.items(tenant.company) if item.active)
    gateway, currency = QuickBooksGateway(tenant.quickbooks), tenant.quickbooks.home_currency
    customer = gateway.create_customer(a_bill_to(name="Totals Ltd"), currency, mark="m", request_id=uuid.uuid4().hex)
    rate = codes["Chicago, IL"].id if country == "US" else ""

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        random_lines(names),
        st.sampled_from(tax_settings),
        st.one_of(
            st.none(),
            st.decimals(min_value=D("0.1"), max_value=95, places=1).map(lambda value: ("percentage", value)),
            st.decimals(min_value=D("0.01"), max_value=D("0.99"), places=2).map(lambda value: ("amount", value)),
        ),
    )
    def check(rows, prices, whole):
        lines = tuple(
            a_line(
                item_id=item.id,
                quantity=quantity,
                unit_price=price,
                discount=line_discount(quantity, price, discount, currency),
                discount_text=f"{discount.value}%",
                tax_code_id=codes[name].id,
                tax_percentage=codes[name].percentage,
            )
            for quantity, price, discount, name in rows
        )
        draft = a_draft(lines=lines, amounts_are=prices, currency=currency, sales_tax_id=rate)
        if whole and sum(line.amount(currency) for line in lines) > 1:
            draft = replace(draft, **{f"discount_{whole[0]}": whole[1]})
        shown = drafting.preview(tenant.company, draft).totals
        issued = gateway.create_invoice(draft, customer.customer_id, request_id=uuid.uuid4().hex)
        assert (issued.total, issued.tax) == (shown.total, shown.tax)

    check()


# Searching and refreshing


def test_customers_are_searched_as_one_types(harbour):
    found = services.search_customers(harbour.quickbooks, "bramley")
    assert {candidate.name for candidate in found} >= {"Bramley Foods Ltd", "Bramley Farm Foods"}
    assert services.search_customers(harbour.quickbooks, "%") == []


def test_items_are_searched_by_words_of_name_and_sku(harbour):
    assert [item.name for item in services.search_items(harbour.company, "rack-4l")] == ["Pallet racking bay 4L"]
    assert [item.name for item in services.search_items(harbour.company, "bay PALLET")][:1] == ["Pallet racking bay 4L"]
    assert all(item.active for item in services.search_items(harbour.company, ""))


@pytest.mark.parametrize("typed", ["möbel", "MOBEL", "mo\u0308bel"])
@pytest.mark.parametrize("name", ["Möbelmontage", "Mo\u0308belmontage"])
def test_an_item_is_found_however_its_accents_are_written(harbour, typed, name):
    some = next(item for item in reference.items(harbour.company) if item.active)
    reference.keep_items(harbour.quickbooks, [replace(some, id="1001", name=name, sku="")])
    assert [item.name for item in services.search_items(harbour.company, typed)] == [name]


def test_an_item_that_is_called_what_was_typed_is_first_although_hundreds_contain_it(harbour):
    some = next(item for item in reference.items(harbour.company) if item.active)
    many = [replace(some, id=f"9{n:03}", name=f"Arm of brace {n:03}", sku="") for n in range(300)]
    called = [replace(some, id="1001", name="Zones:Brace", sku=""), replace(some, id="1002", name="Brace end", sku="")]
    reference.keep_items(harbour.quickbooks, [*many, *called, replace(some, id="1003", name="Zed", sku="brace")])
    found = [item.name for item in services.search_items(harbour.company, "BRACE")]
    assert found[:4] == ["Zed", "Zones:Brace", "Brace end", "Arm of brace 000"]


def test_a_refresh_asks_once_and_not_again_at_once(harbour, control):
    control.forget_requests()
    assert services.refresh_now(harbour.company)
    assert not services.refresh_now(harbour.company)
    assert len(control.requests("quickbooks", path="/cdc")) == 1


def test_a_refresh_of_nothing_says_so(company):
    company.quickbooks.delete()
    with pytest.raises(ConnectionExpired):
        services.refresh_now(company)


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_calls_run_side_by_side(connect, control):
    tenant = connect("GB")
    control.fault("latency", service="pipedrive", seconds=0.4)
    control.fault("latency", service="quickbooks", seconds=0.4)
    found = prepared(tenant, control, "Bramley Foods – warehouse racking, phase 2")
    assert found.totals.total == D(10740)
    for service in ("pipedrive", "quickbooks"):
        assert max(call["together"] for call in control.requests(service)) >= 3
