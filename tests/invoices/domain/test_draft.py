"""Drafts: kept as JSON without loss, told apart by what they mean."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoices.domain.deal import Discount
from invoices.domain.draft import fingerprint, from_json, line_discount, plain_number, to_json
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
