"""Drafts: kept as JSON without loss, told apart by what they mean."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoices.domain.deal import Discount, Frequency, Recurrence
from invoices.domain.draft import (
    AmountsAre,
    asks_for_more,
    fingerprint,
    from_json,
    limit_of,
    line_discount,
    rest_of,
    to_json,
    worth_in_all,
)
from invoices.domain.money import Money
from invoices.domain.plain import plain_number
from tests.factories import D, a_draft, a_line

NUMBERS = st.decimals(min_value=D("-1e9"), max_value=D("1e9"), places=5)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_a_draft_survives_storage(quantity, price, rate):
    line = a_line(quantity=quantity, unit_price=price)
    draft = a_draft(lines=(line,), exchange_rate=rate, discount_amount=D("5.00"))
    again = from_json(to_json(draft))
    assert again == draft
    assert isinstance(again.lines[0].quantity, D)


def test_numbers_are_stored_as_text_without_an_exponent():
    stored = to_json(a_draft(lines=(a_line(quantity=D("1E+3"), unit_price=D("1E-7")),)))
    assert stored["lines"][0]["quantity"] == "1000"
    assert stored["lines"][0]["unit_price"] == "0.0000001"


@pytest.mark.parametrize(
    ("text", "expected"), [("1.50", "1.5"), ("-0", "0"), ("0.00", "0"), ("100", "100"), ("1E+2", "100")]
)
def test_a_plain_number_is_what_a_person_would_write(text, expected):
    assert plain_number(D(text)) == expected


def test_drafts_that_mean_the_same_have_one_fingerprint():
    one, other = a_line(quantity=D("2")), a_line(quantity=D("2.00"))
    assert fingerprint(a_draft(lines=(one,))) == fingerprint(a_draft(lines=(other,)))


@pytest.mark.parametrize(
    "change",
    [
        {"currency": "EUR"},
        {"memo": "Thank you"},
        {"lines": (a_line(unit_price=D("50.01")),)},
        {"discount_percentage": D(5)},
    ],
    ids=["currency", "memo", "price", "discount"],
)
def test_any_change_changes_the_fingerprint(change):
    assert fingerprint(a_draft()) != fingerprint(replace(a_draft(), **change))


@pytest.mark.parametrize(
    ("quantity", "price", "discount", "expected"),
    [
        ("12", "520", Discount(D(5), True), "312.00"),
        ("3", "9.99", Discount(D(20)), "20.00"),
        ("3", "0.333", Discount(D(50), True), "0.50"),
        ("1", "100", Discount(), "0.00"),
        ("1", "100", Discount(D(100), True), "100.00"),
        ("99.5", "29.11", Discount(D("2896.45")), "2896.45"),  # of 2896.445, shown as 2896.45: nothing is left
    ],
)
def test_a_discount_is_the_amount_off_the_whole_line(quantity, price, discount, expected):
    assert str(line_discount(D(quantity), D(price), discount, "GBP")) == expected


@given(NUMBERS.filter(lambda number: number > 0), NUMBERS, st.decimals(min_value=0, max_value=100, places=3))
def test_what_remains_after_a_percentage_is_rounded_once(quantity, price, percentage):
    line = a_line(
        quantity=quantity,
        unit_price=price,
        discount=line_discount(quantity, price, Discount(percentage, True), "GBP"),
    )
    exact = quantity * price * (100 - percentage) / 100
    assert abs(line.amount("GBP") - exact) <= D("0.005")


def test_the_one_service_date_of_an_earlier_draft_stands_on_all_its_lines():
    stored = to_json(a_draft(lines=(a_line(), a_line())))
    for line in stored["lines"]:
        del line["service_date"]
    stored["extras"]["service_date"] = "2026-11-20"
    assert [line.service_date for line in from_json(stored).lines] == [date(2026, 11, 20)] * 2


PLACES = [(), ("bill_to",), ("bill_to", "address"), ("extras",), ("lines", 1)]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("said", "more"), [("7", True), ({"id": "7"}, True), (True, True), ("", False), ("0", False), ({"id": ""}, False)]
)
def test_what_a_newer_version_knows_can_be_shown_and_is_noticed_where_it_says_something(place, said, more):
    draft = a_draft(lines=(a_line(), a_line()))
    stored = part = to_json(draft)
    for name in place:
        part = part[name]
    part["of_the_next_version"] = said
    assert from_json(stored) == draft
    assert asks_for_more(stored) is more


def test_a_draft_of_this_version_or_an_earlier_one_asks_for_nothing_more():
    stored = to_json(a_draft(lines=(a_line(),)))
    assert not asks_for_more(stored)
    del stored["sales_tax_id"], stored["lines"][0]["service_date"]
    stored["extras"]["service_date"] = "2026-11-20"
    assert not asks_for_more(stored)


def on_the_deal(attachment_id, quantity="10", price="50.00", **members):
    return a_line(attachment_id=attachment_id, quantity=D(quantity), unit_price=D(price), **members)


def test_the_next_invoice_is_for_what_earlier_ones_left():
    draft = a_draft(lines=(on_the_deal(1), on_the_deal(2), on_the_deal(3), a_line(attachment_id=None)))
    earlier = [a_draft(lines=(on_the_deal(1), on_the_deal(2, "3"))), a_draft(lines=(on_the_deal(2, "1.5"),))]
    rest = rest_of(draft, earlier)
    assert rest.left == (False, True, True, True)
    assert rest.invoiced == (D(10), D("4.5"), D(0), D(0))
    assert [line.quantity for line in rest.without_done.lines] == [D("5.5"), D(10), draft.lines[3].quantity]


def test_a_credit_that_was_given_is_not_given_again():
    draft = a_draft(lines=(on_the_deal(1), on_the_deal(2, "-1"), on_the_deal(3)))
    assert rest_of(draft, [a_draft(lines=(on_the_deal(1), on_the_deal(2, "-1")))]).left == (False, False, True)
    assert rest_of(draft, [a_draft(lines=(on_the_deal(1),))]).left == (False, True, True)


def test_half_a_piece_and_what_costs_nothing_leave_a_rest_too():
    draft = a_draft(lines=(on_the_deal(1), on_the_deal(2, price="0")))
    rest = rest_of(draft, [a_draft(lines=(on_the_deal(1, "0.5"), on_the_deal(2, "4", price="0")))])
    assert rest.left == (True, True)
    assert [line.quantity for line in rest.draft.lines] == [D("9.5"), D(6)]


def test_a_percentage_off_a_line_is_taken_off_its_rest_and_an_amount_is_a_persons_decision():
    percent = on_the_deal(1, discount=D("50.00"), discount_text="10%")
    amount = on_the_deal(2, discount=D("20.00"), discount_text="20")
    earlier = [a_draft(lines=(on_the_deal(1, "4"), on_the_deal(2, "4")))]
    first, second = rest_of(a_draft(lines=(percent, amount)), earlier).draft.lines
    assert (first.quantity, first.discount) == (D(6), D("30.00"))
    assert second == amount


@pytest.mark.parametrize(
    ("cycles", "earlier", "left"), [(None, 30, True), (12, 11, True), (12, 12, False), (12, 13, False)]
)
def test_what_recurs_is_whole_in_each_invoice_until_its_cycles_are_over(cycles, earlier, left):
    """Also where the deal has more seats by now than it had then; what is billed once is left to its one invoice."""
    monthly = {1: Recurrence(Frequency.MONTHLY, cycles)}
    draft = a_draft(lines=(on_the_deal(1, "12"), on_the_deal(2), on_the_deal(3)))
    invoices = [a_draft(lines=(on_the_deal(1), on_the_deal(2)))] + [a_draft(lines=(on_the_deal(1),))] * (earlier - 1)
    rest = rest_of(draft, invoices, monthly)
    assert rest.left == (left, False, True)
    assert rest.invoiced == (D(earlier), D(10), D(0))
    assert rest.draft.lines[0] == draft.lines[0]


@pytest.mark.parametrize(
    ("cycles", "discount", "worth"),
    [(12, {}, "900"), (12, {"discount_percentage": D(10)}, "810"), (3, {"discount_amount": D(5)}, "265")],
)
def test_a_deal_comes_to_all_its_cycles(cycles, discount, worth):
    monthly = {1: Recurrence(Frequency.MONTHLY, cycles)}
    lines = (on_the_deal(1, "1", price="70.00"), on_the_deal(2, "1", price="60.00"))
    assert worth_in_all(a_draft(lines=lines, **discount), monthly) == D(worth)


def test_what_goes_on_until_somebody_ends_it_has_no_worth_in_all():
    assert worth_in_all(a_draft(lines=(on_the_deal(1),)), {1: Recurrence(Frequency.YEARLY)}) is None


def test_the_invoices_of_a_deal_may_come_to_its_value_or_to_all_its_cycles_whichever_is_more():
    """Nobody says whether Pipedrive's value is of one time or of all."""
    value = Money(D(130), "GBP")
    assert limit_of(value, D(0)) == value
    assert limit_of(value, D(900)) == Money(D(900), "GBP")
    assert limit_of(Money(D(900), "GBP"), D(899)) == Money(D(900), "GBP")
    assert limit_of(value, None) is None


def test_a_deposit_on_a_whole_product_leaves_it_to_the_person():
    draft = a_draft(lines=(on_the_deal(1), on_the_deal(2)))
    rest = rest_of(draft, [a_draft(lines=(on_the_deal(1, price="20.00"),))])
    assert (rest.left, rest.draft) == ((True, True), draft)


@pytest.mark.parametrize(
    ("parts", "left"),
    [
        (("472.57", "472.57", "945.14", "472.57"), False),  # each part rounded on its own: a penny less than the whole
        (("472.57", "472.57", "945.14", "472.54"), True),  # four pence less: somebody has given them away
    ],
)
def test_what_parts_lack_of_the_whole_by_rounding_alone_is_no_rest(parts, left):
    """5 pieces of 525.08 less 10 % come to 2362.86, in four parts to 2362.85: the fifth invoice is for the others."""
    whole = on_the_deal(1, "5", "525.08", discount=D("262.54"), discount_text="10%")
    earlier = [
        a_draft(lines=(on_the_deal(1, quantity, price=str(D(amount) / D(quantity)), discount=D(0)),))
        for quantity, amount in zip(("1", "1", "2", "1"), parts, strict=True)
    ]
    assert rest_of(a_draft(lines=(whole, on_the_deal(2))), earlier).left == (left, True)


@pytest.mark.parametrize("currency", ["GBP", "EUR"])
def test_when_nothing_is_left_or_nothing_compares_everything_is_for_the_next_invoice(currency):
    draft = a_draft(lines=(on_the_deal(1), on_the_deal(2)), discount_amount=D(30))
    rest = rest_of(draft, [replace(draft, currency=currency)])
    assert (rest.left, rest.draft) == ((True, True), draft)


@pytest.mark.parametrize(
    ("billed", "proposed"),
    [(["300.00"], "700.00"), (["300.00", "200.00"], "500.00"), (["1000.00"], "1000.00"), ([], "1000.00")],
)
def test_of_a_deal_without_products_the_rest_of_its_value_is_proposed(billed, proposed):
    def worth(price):
        return a_draft(lines=(a_line(attachment_id=None, quantity=D(1), unit_price=D(price), discount=D(0)),))

    rest = rest_of(worth("1000.00"), [worth(price) for price in billed])
    assert [line.unit_price for line in rest.without_done.lines] == [D(proposed)]


def test_a_part_that_was_billed_with_tax_in_its_price_is_no_more_a_part_of_the_rest():
    """It counts as much against the deal's value, see `invoiced_so_far`."""
    value = a_line(attachment_id=None, quantity=D(1), unit_price=D(1000))
    part = a_draft(lines=(replace(value, unit_price=D(300)),), amounts_are=AmountsAre.TAX_INCLUSIVE)
    assert [line.unit_price for line in rest_of(a_draft(lines=(value,)), [part]).draft.lines] == [D(700)]


def test_an_amount_off_the_whole_deal_is_taken_off_once():
    draft = a_draft(lines=(on_the_deal(1), on_the_deal(2)), discount_amount=D(30))
    assert rest_of(draft, [a_draft(lines=(on_the_deal(1),), discount_amount=D(30))]).draft.discount_amount is None
    assert rest_of(draft, [a_draft(lines=(on_the_deal(1),), discount_amount=D(10))]).draft.discount_amount == D(20)
    assert rest_of(draft, [a_draft(lines=(on_the_deal(1),), discount_amount=D(40))]).draft.discount_amount is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"new_item": "Crane", "product_id": 5, "item_id": ""}, True),
        ({"new_item": "Crane", "product_id": 5, "item_id": "1"}, False),
        ({"new_item": "Crane", "product_id": None, "item_id": ""}, False),
        ({"new_item": "", "product_id": 5, "item_id": ""}, False),
    ],
)
def test_an_item_is_created_for_a_product_that_has_none_and_never_beside_one(line, expected):
    assert a_line(**line).needs_new_item is expected
