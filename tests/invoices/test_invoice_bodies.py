"""A draft as the JSON that QuickBooks takes: known members, exact numbers, nothing it would refuse."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invoices.domain.books import ClassPer, OwnField
from invoices.domain.customer_update import AddressParts, Change, CustomerField, CustomerRecord
from invoices.domain.deal import Address, Discount
from invoices.domain.draft import AmountsAre, Extras, from_json, line_discount, to_json
from invoices.domain.money import round_amount, unit_price_for
from invoices.domain.tax import totals
from invoices.invoice_bodies import (
    carries_mark,
    customer_body,
    customer_update_body,
    invoice_body,
    item_body,
    mark_line,
    mark_of,
    marked_deal,
    request_id_of_found,
    sent_lines,
)
from invoices.presentation.history import in_words
from tests.factories import D, a_bill_to, a_draft, a_line

from .domain.books import BY_ID, books

GB, US, AU = books("GB", discount_account_id="86"), books("US"), books("AU", custom_numbers=True)
MARK = mark_line(12, "request-1", "our app for company 4001")


def body(draft=None, of=GB, customer_id="7"):
    return invoice_body(draft or a_draft(), customer_id, of, mark=MARK)


def details(draft, of=GB):
    return [line.body["SalesItemLineDetail"] | {"Amount": line.body["Amount"]} for line in sent_lines(draft, of)]


def test_a_british_invoice():
    draft = a_draft(memo=" Thank you ", private_note="For the file", currency="GBP")
    assert body(draft) == {
        "CustomerRef": {"value": "7"},
        "TxnDate": "2026-11-24",
        "DueDate": "2026-12-08",
        "Line": [
            {
                "DetailType": "SalesItemLineDetail",
                "Amount": D("100.00"),
                "Description": "Pallet racking bay 4L",
                "SalesItemLineDetail": {
                    "ItemRef": {"value": "1"},
                    "Qty": D(2),
                    "UnitPrice": D("50.00"),
                    "TaxCodeRef": {"value": "2"},
                },
            }
        ],
        "PrivateNote": f"For the file\n{MARK}",
        "GlobalTaxCalculation": "TaxExcluded",
        "CurrencyRef": {"value": "GBP"},
        "BillEmail": {"Address": "office@bramleyfoods.co.uk"},
        "CustomerMemo": {"value": "Thank you"},
    }


def test_what_nobody_gave_is_no_member():
    empty = a_draft(bill_to=a_bill_to(email=""), memo=" ", private_note=" ")
    assert set(body(empty, WITH_EVERYTHING)) == {
        *("CustomerRef", "TxnDate", "DueDate", "Line", "PrivateNote", "GlobalTaxCalculation", "CurrencyRef")
    }
    assert body(empty)["PrivateNote"] == MARK
    by_class = books("GB", class_per=ClassPer.LINE)
    assert set(body(empty, by_class)["Line"][0]["SalesItemLineDetail"]) == {"ItemRef", "Qty", "UnitPrice", "TaxCodeRef"}


def test_the_customers_terms_stand_beside_the_due_date_that_they_gave():
    assert body(a_draft(term_id="3"))["SalesTermRef"] == {"value": "3"}


def test_an_american_invoice_knows_no_tax_setting_and_no_currency():
    draft = a_draft(
        amounts_are=AmountsAre.WITHOUT_TAX_SETTING,
        currency="USD",
        lines=(a_line(tax_code_id="TAX"), a_line(tax_code_id="NON")),
        discount_percentage=D(10),
    )
    found = body(draft, US)
    assert "GlobalTaxCalculation" not in found
    assert "CurrencyRef" not in found
    assert found["ApplyTaxAfterDiscount"] is True
    assert [line["SalesItemLineDetail"]["TaxCodeRef"]["value"] for line in found["Line"][:2]] == ["TAX", "NON"]


def test_without_sales_tax_no_line_has_a_code():
    draft = a_draft(amounts_are=AmountsAre.NO_TAX)
    assert body(draft)["GlobalTaxCalculation"] == "NotApplicable"
    assert "TaxCodeRef" not in details(draft)[0]
    draft = a_draft(amounts_are=AmountsAre.WITHOUT_TAX_SETTING, lines=(a_line(tax_code_id="TAX"),))
    assert "TaxCodeRef" not in details(draft, books("US", uses_sales_tax=False))[0]


def test_nobody_chose_to_bill_without_tax_where_the_company_has_none():
    """So QuickBooks refuses it once there is one."""
    draft = a_draft(amounts_are=AmountsAre.WITHOUT_TAX_SETTING, lines=(a_line(tax_code_id=""),))
    assert body(draft, books("GB", uses_sales_tax=False))["GlobalTaxCalculation"] == "TaxExcluded"


def test_prices_with_tax_are_sent_net_with_the_gross_beside():
    draft = a_draft(amounts_are=AmountsAre.TAX_INCLUSIVE, lines=(a_line(quantity=D(3), unit_price=D("9.99")),))
    (found,) = details(draft)
    assert (found["Amount"], found["TaxInclusiveAmt"]) == (D("24.98"), D("29.97"))
    assert round_amount(found["Qty"] * found["UnitPrice"], "GBP") == found["Amount"]


def test_a_number_is_sent_only_where_quickbooks_does_not_count():
    assert "DocNumber" not in body(a_draft(number="BF-1"))
    assert body(a_draft(number="BF-1"), AU)["DocNumber"] == "BF-1"
    assert "DocNumber" not in body(a_draft(), AU)


@pytest.mark.parametrize(
    ("currency", "rate", "sent"), [("EUR", "0.85", True), ("GBP", "0.85", False), ("EUR", None, False)]
)
def test_a_rate_is_sent_for_foreign_currencies_only(currency, rate, sent):
    draft = a_draft(currency=currency, exchange_rate=D(rate) if rate else None)
    assert ("ExchangeRate" in body(draft)) is sent
    assert body(draft)["CurrencyRef"] == {"value": currency}


@pytest.mark.parametrize(
    ("discount", "expected"),
    [
        (
            {"discount_percentage": D(10)},
            {"PercentBased": True, "DiscountPercent": D(10), "DiscountAccountRef": {"value": "86"}},
        ),
        ({"discount_amount": D(10)}, {"PercentBased": False, "DiscountAccountRef": {"value": "86"}}),
    ],
)
def test_a_discount_on_everything_is_a_line_of_its_own(discount, expected):
    last = body(a_draft(**discount))["Line"][-1]
    assert (last["DetailType"], last["Amount"]) == ("DiscountLineDetail", D("10.00"))
    assert last["DiscountLineDetail"] == expected
    assert "DiscountAccountRef" not in body(a_draft(**discount), US)["Line"][-1]["DiscountLineDetail"]
    assert "ApplyTaxAfterDiscount" not in body(a_draft(**discount))


def test_a_percentage_with_more_decimals_than_quickbooks_takes_goes_as_its_amount():
    for percentage in ("33.333333333333336", "33.333333"):
        last = body(a_draft(discount_percentage=D(percentage)))["Line"][-1]
        assert last["Amount"] == D("33.33")
        assert last["DiscountLineDetail"] == {"PercentBased": False, "DiscountAccountRef": {"value": "86"}}
    last = body(a_draft(discount_percentage=D("33.33333")))["Line"][-1]
    assert last["DiscountLineDetail"]["DiscountPercent"] == D("33.33333")


BY_HAND = books("US", automated_sales_tax=False)
AMERICAN = a_draft(
    amounts_are=AmountsAre.WITHOUT_TAX_SETTING,
    sales_tax_id="12",
    lines=(a_line(tax_code_id="TAX"), a_line(tax_code_id="NON")),
)


def words_of(draft, of):
    return [line["TaxCodeRef"]["value"] for line in details(draft, of)]


def test_an_american_invoice_names_its_rate_where_quickbooks_does_not_find_it():
    assert body(AMERICAN, BY_HAND)["TxnTaxDetail"] == {"TxnTaxCodeRef": {"value": "12"}}
    assert "TxnTaxDetail" not in body(AMERICAN, US)
    untaxed = replace(AMERICAN, lines=AMERICAN.lines[1:])
    assert "TxnTaxDetail" not in body(untaxed, BY_HAND)


def test_an_exempt_customer_is_sent_nothing_taxable_whatever_quickbooks_makes_of_it():
    exempt = replace(AMERICAN, bill_to=a_bill_to(customer_id="7", exempt=True))
    assert words_of(exempt, BY_HAND) == ["NON", "NON"]
    assert "TxnTaxDetail" not in body(exempt, BY_HAND)
    assert words_of(exempt, US) == ["TAX", "NON"], "automated sales tax knows who is exempt"


def test_a_line_discount_lowers_the_price_and_is_told():
    line = a_line(quantity=D(12), unit_price=D(520), discount=D("312.00"), discount_text="5%")
    (sent,) = sent_lines(a_draft(lines=(line,)), GB)
    assert sent.body["Description"] == "Pallet racking bay 4L (-5%)"
    assert (sent.body["Amount"], sent.body["SalesItemLineDetail"]["UnitPrice"]) == (D("5928.00"), D("494.00"))
    line = a_line(discount=D("20.00"), discount_text="20")
    assert body(a_draft(lines=(line,)))["Line"][0]["Description"] == "Pallet racking bay 4L (-20.00)"


def test_of_a_long_comment_the_words_about_the_discount_stay():
    line = a_line(discount=D("20.00"), discount_text="20", description="x" * 3901)
    assert body(a_draft(lines=(line,)))["Line"][0]["Description"] == f"{'x' * 3900} (-20.00)"


def test_a_discount_that_no_price_can_express_is_a_negative_line():
    line = a_line(quantity=D(99999999), unit_price=D("0.01"), discount=D("0.33"), discount_text="0.33")
    sent = sent_lines(a_draft(lines=(a_line(), line)), GB)
    assert [part.origin for part in sent] == [0, 1, 1]
    assert [part.body["Amount"] for part in sent[1:]] == [D("999999.99"), D("-0.33")]
    priced = [part.body["SalesItemLineDetail"] for part in sent[1:]]
    assert [(part["Qty"], part["UnitPrice"]) for part in priced] == [(D(99999999), D("0.01")), (D(1), D("-0.33"))]
    assert sent[2].body["SalesItemLineDetail"]["TaxCodeRef"] == {"value": "2"}
    assert sent[2].body["Description"].endswith("(-0.33)")


def test_what_no_price_can_express_at_all_is_one_piece_told_in_words():
    line = a_line(quantity=D(99999999), unit_price=D("0.01"), discount=D("0.33"), discount_text="0.33")
    (sent,) = sent_lines(a_draft(lines=(line,), amounts_are=AmountsAre.TAX_INCLUSIVE), GB)
    assert sent.body["SalesItemLineDetail"]["Qty"] == 1
    assert sent.body["Description"].endswith("(99999999 × 0.01, -0.33)")
    (sent,) = sent_lines(a_draft(lines=(replace(line, discount=D(0)),), amounts_are=AmountsAre.TAX_INCLUSIVE), GB)
    assert sent.body["Description"].endswith("(99999999 × 0.01)")


@given(
    st.decimals(min_value=D("0.001"), max_value=D(5000), places=3),
    st.decimals(min_value=D("0.01"), max_value=D(90000), places=2),
)
def test_quantity_times_price_is_the_amount(quantity, amount):
    price = unit_price_for(quantity, amount, "GBP", wanted=D(0))
    assert price is not None
    assert round_amount(quantity * price, "GBP") == amount


def test_the_persons_own_price_is_kept_where_it_fits():
    assert unit_price_for(D("12.25"), D("53.59"), "GBP", wanted=D("4.375")) == D("4.375")
    assert unit_price_for(D(3), D("100.00"), "GBP", wanted=D("33.33333")) == D("33.33333")
    assert unit_price_for(D(0), D(0), "GBP", wanted=D(5)) == D(5)


@pytest.mark.parametrize(
    ("quantity", "amount", "expected"),
    [("0.3", "10.00", "33.33"), ("70000", "1000.01", "0.0142859"), ("700000", "1000.01", None), ("0", "1.00", None)],
)
def test_another_price_has_as_few_decimals_as_will_do_and_never_more_than_seven(quantity, amount, expected):
    assert unit_price_for(D(quantity), D(amount), "GBP", wanted=D(1)) == (D(expected) if expected else None)


@pytest.mark.parametrize(
    ("amount", "wanted", "expected"), [("100", "33.33", "33.333"), ("908", "302.67", "302.667"), ("99", "33", "33")]
)
def test_quantity_times_price_is_the_amount_to_the_cent_also_in_yen(amount, wanted, expected):
    assert unit_price_for(D(3), D(amount), "JPY", wanted=D(wanted)) == D(expected)


def test_where_no_price_in_yen_is_exact_to_the_cent_one_that_is_to_the_yen_will_do():
    assert unit_price_for(D(700000), D(1000), "JPY", wanted=D("0.0014286")) == D("0.0014286")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.decimals(min_value=D("0.01"), max_value=D(3000), places=2),
            st.decimals(min_value=D("0.01"), max_value=D(5000), places=3),
            st.decimals(min_value=D(0), max_value=D(100), places=1),
            st.sampled_from(["2", "3", "5"]),
        ),
        min_size=1,
        max_size=9,
    ),
    st.sampled_from([AmountsAre.TAX_EXCLUSIVE, AmountsAre.TAX_INCLUSIVE]),
)
def test_what_is_sent_adds_up_to_what_was_shown(rows, prices):
    lines = tuple(
        a_line(
            quantity=quantity,
            unit_price=price,
            discount=line_discount(quantity, price, Discount(percentage, True), "GBP"),
            discount_text=f"{percentage}%",
            tax_code_id=code_id,
            tax_percentage=BY_ID[code_id].percentage,
        )
        for quantity, price, percentage, code_id in rows
    )
    draft = a_draft(lines=lines, amounts_are=prices)
    sent = details(draft)
    for part in sent:
        assert round_amount(part["Qty"] * part["UnitPrice"], "GBP") == part["Amount"]
    added = totals(draft, BY_ID, books=GB)
    assert sum(part["Amount"] for part in sent) == added.net
    if prices == AmountsAre.TAX_INCLUSIVE:
        assert sum(part["TaxInclusiveAmt"] for part in sent) == added.total


# Customers


def test_a_british_customer():
    bill_to = a_bill_to(name="Atlas: Trade", tax_id="GB 428 173 846")
    assert customer_body(bill_to, "EUR", GB, mark="Created from Pipedrive · organization 31") == {
        "DisplayName": "Atlas – Trade",
        "Notes": "Created from Pipedrive · organization 31",
        "PrimaryEmailAddr": {"Address": "office@bramleyfoods.co.uk"},
        "BillAddr": {"Line1": "4 Mill Lane", "City": "Leeds", "PostalCode": "LS1 4AB", "Country": "United Kingdom"},
        "PrimaryTaxIdentifier": "GB 428 173 846",
        "CurrencyRef": {"value": "EUR"},
    }


def test_an_american_customer_has_no_tax_id_and_no_currency():
    found = customer_body(a_bill_to(tax_id="12-345", email="", address=Address()), "USD", US, mark="m")
    assert found == {"DisplayName": "Bramley Foods Ltd", "Notes": "m"}
    assert "PrimaryTaxIdentifier" not in customer_body(a_bill_to(), "AUD", AU, mark="m")


def test_a_new_item_is_a_service_with_its_account_its_code_and_what_tax_it_has():
    line = a_line(new_item="Crane: hire", product_code=" C-1 ", income_account_id="79")
    assert item_body(line, GB) == {
        "Name": "Crane – hire",
        "Type": "Service",
        "IncomeAccountRef": {"value": "79"},
        "Sku": "C-1",
        "SalesTaxCodeRef": {"value": "2"},
    }
    assert set(item_body(replace(line, tax_code_id=""), GB)) == {"Name", "Type", "IncomeAccountRef", "Sku"}
    assert "SalesTaxCodeRef" not in item_body(line, books("GB", uses_sales_tax=False))
    for word, taxable in (("TAX", True), ("NON", False)):
        found = item_body(replace(line, tax_code_id=word), US)
        assert found["Taxable"] is taxable
        assert "SalesTaxCodeRef" not in found


@pytest.mark.parametrize(("code", "sent"), [("x" * 100, True), ("x" * 101, False), (" ", False)])
def test_half_a_code_is_never_sent(code, sent):
    assert ("Sku" in item_body(a_line(new_item="Crane", product_code=code), GB)) is sent


def test_a_shipping_address_of_its_own_stays_when_the_bill_moves():
    address = AddressParts("4 Mill Lane", "Leeds")
    change = Change(CustomerField.ADDRESS, address.values, AddressParts("Unit 3", "Hull").values)
    for shipping, moves in ((address, True), (AddressParts("Dock 2", "Hull"), False), (None, False)):
        record = replace(BRAMLEY, address=address, ship_address=shipping)
        assert ("ShipAddr" in customer_update_body(record, [change])) is moves


# Marks


def test_a_mark_is_found_whatever_is_written_around_it():
    note = f"Voided - Thanks\n{MARK} - checked by Ann"
    assert carries_mark(note, "request-1")
    assert not carries_mark(note, "request-2")
    assert not carries_mark("", "request-1")


def test_a_marked_invoice_tells_its_deal_to_whoever_made_it_and_to_nobody_else():
    mark = mark_line(12, "request-1", "our app for company 4001")
    note = f"Voided - Thanks\n{mark} - checked by Ann"
    assert marked_deal(note, "our app for company 4001") == (12, mark_of("request-1"))
    for stranger in ("our app for company 4002", "another app for company 4001", ""):
        assert marked_deal(note, stranger) is None
    assert marked_deal(note.replace("deal 12", "deal 13"), "our app for company 4001") is None
    assert marked_deal("Pipedrive deal 12 · 0123456789ab", "our app for company 4001") is None


def test_what_was_found_carries_the_mark_it_was_found_by():
    assert mark_of(request_id_of_found("0123456789ab")) == "0123456789ab"


def test_a_long_note_leaves_room_for_the_mark():
    note = body(a_draft(private_note="x" * 4000))["PrivateNote"]
    assert len(note) == 4000
    assert carries_mark(note, "request-1")


# What few invoices need

EVERYTHING = Extras(
    cc="a@b.example, c@d.example",
    bcc="audit@b.example",
    class_id="5",
    location_id="9",
    own_fields=(("1", "BF-2026-0871"), ("3", "not a field of this company")),
)


SERVED = date(2026, 11, 20)


WITH_EVERYTHING = books(
    "GB",
    own_fields=(OwnField("1", "PO number"), OwnField("2", "Left empty")),
    class_per=ClassPer.INVOICE,
    has_locations=True,
    has_service_dates=True,
)


def test_what_the_companys_books_have_a_place_for_goes_there():
    sent = body(a_draft(extras=EVERYTHING, lines=(a_line(service_date=SERVED), a_line())), WITH_EVERYTHING)
    assert sent["BillEmailCc"] == {"Address": "a@b.example, c@d.example"}
    assert sent["BillEmailBcc"] == {"Address": "audit@b.example"}
    assert (sent["ClassRef"], sent["DepartmentRef"]) == ({"value": "5"}, {"value": "9"})
    assert sent["CustomField"] == [
        {"DefinitionId": "1", "Name": "PO number", "Type": "StringType", "StringValue": "BF-2026-0871"}
    ]
    served, other = (line["SalesItemLineDetail"] for line in sent["Line"])
    assert (served["ServiceDate"], "ServiceDate" in other) == ("2026-11-20", False)
    assert "ClassRef" not in served


def test_a_class_stands_on_each_line_where_the_books_want_it_there():
    draft = a_draft(extras=EVERYTHING, lines=(a_line(), a_line()))
    sent = body(draft, books("GB", class_per=ClassPer.LINE))
    assert [line["SalesItemLineDetail"]["ClassRef"] for line in sent["Line"]] == [{"value": "5"}, {"value": "5"}]
    assert "ClassRef" not in sent


def test_books_without_a_place_for_them_get_none_of_it():
    sent = body(a_draft(extras=EVERYTHING, lines=(a_line(service_date=SERVED),)), books("GB"))
    assert not {"ClassRef", "DepartmentRef", "CustomField"} & set(sent)
    assert not {"ClassRef", "ServiceDate"} & set(sent["Line"][0]["SalesItemLineDetail"])


def test_extras_survive_being_stored_and_drafts_from_before_had_none():
    draft = a_draft(extras=EVERYTHING, lines=(a_line(service_date=SERVED), a_line()))
    assert from_json(to_json(draft)) == draft
    old = to_json(a_draft())
    del old["extras"]
    assert from_json(old).extras == Extras()


BRAMLEY = CustomerRecord("58", "3", "Bramley Foods Ltd", email="a@b.example", tax_id="XXXXXX73846", notes="Pays late")


def test_an_update_of_a_customer_names_what_changes_and_nothing_else():
    changes = [
        Change(CustomerField.EMAIL, ("a@b.example",), ("c@d.example",)),
        Change(CustomerField.ADDRESS, AddressParts().values, AddressParts("Unit 3\nAire Park", "Leeds").values),
    ]
    assert customer_update_body(BRAMLEY, changes[:1]) == {
        "Id": "58",
        "SyncToken": "3",
        "PrimaryEmailAddr": {"Address": "c@d.example"},
    }
    assert customer_update_body(BRAMLEY, changes)["BillAddr"] == {
        "Line1": "Unit 3",
        "Line2": "Aire Park",
        "Line3": "",
        "Line4": "",
        "Line5": "",
        "City": "Leeds",
        "CountrySubDivisionCode": "",
        "PostalCode": "",
        "Country": "",
    }


def test_a_tax_number_and_a_line_of_the_notes_can_be_written():
    changes = [
        Change(CustomerField.TAX_ID, ("XXXXXX73846",), ("GB 428 173 846",)),
        Change(CustomerField.NOTES, (), ("GB 428 173 846", "VAT number: GB 428 173 846")),
    ]
    assert customer_update_body(BRAMLEY, changes) == {
        "Id": "58",
        "SyncToken": "3",
        "PrimaryTaxIdentifier": "GB 428 173 846",
        "Notes": "Pays late\nVAT number: GB 428 173 846",
    }


@pytest.mark.parametrize("masked", ["XXXXXX73846", "XXXXXXX99999", "•••••99999"])
def test_a_masked_tax_number_is_never_written_back(masked):
    with pytest.raises(ValueError, match="masked"):
        customer_update_body(BRAMLEY, [Change(CustomerField.TAX_ID, ("XXXXXX73846",), (masked,))])


def test_every_member_that_is_sent_has_a_word_for_people():
    """The history of an invoice names what was sent."""
    american = books("US", custom_numbers=True)
    whole = a_draft(memo="Thank you", number="12", discount_percentage=D(10), extras=EVERYTHING, exchange_rate=D("1.1"))
    bodies = [
        body(replace(whole, currency="EUR", term_id="3"), WITH_EVERYTHING),
        body(whole, american),
        customer_body(a_bill_to(tax_id="GB 123"), "GBP", GB, mark=""),
        customer_body(a_bill_to(), "USD", american, mark=""),
        item_body(a_line(new_item="Crane", product_code="C-1", income_account_id="79"), GB),
        item_body(a_line(new_item="Crane", income_account_id="79", tax_code_id="TAX"), american),
        {"Id": "7", "SyncToken": "0", "sparse": True},
        {"sendTo": "office@bramley.example"},
    ]
    members = {member for each in bodies for member in each} - {"Name", "Notes", "Type", "Taxable"}
    assert {"CustomField", "ShipAddr", "Sku", "ExchangeRate"} <= members
    assert members & set(in_words(sorted(members))) == set()
