"""Money: rounding, currencies, and parts that add up to the whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoices.domain.money import CurrencyMismatchError, Money, decimals, is_rounding, round_amount, total
from tests.factories import D

AMOUNTS = st.decimals(min_value=D("-1e7"), max_value=D("1e7"), places=2)
WEIGHTS = st.lists(st.decimals(min_value=D("0.01"), max_value=D("1e6"), places=2), min_size=1, max_size=8)


@pytest.mark.parametrize(("currency", "expected"), [("GBP", 2), ("JPY", 0), ("KWD", 3), ("XYZ", 2)])
def test_it_knows_the_decimals_of_a_currency(currency, expected):
    assert decimals(currency) == expected


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("0.005", "GBP", "0.01"),
        ("2.675", "GBP", "2.68"),
        ("-0.005", "GBP", "-0.01"),
        ("1.4999", "JPY", "1"),
        ("1.5", "JPY", "2"),
        ("1.23456", "KWD", "1.235"),
    ],
)
def test_halves_are_rounded_away_from_zero(amount, currency, expected):
    assert str(round_amount(D(amount), currency)) == expected


@pytest.mark.parametrize("operation", ["__add__", "__sub__"])
def test_two_currencies_never_meet(operation):
    with pytest.raises(CurrencyMismatchError):
        getattr(Money(D(1), "GBP"), operation)(Money(D(1), "EUR"))


def test_a_sum_keeps_its_currency_even_when_empty():
    assert total([], "EUR") == Money(D(0), "EUR")
    assert total([Money(D("1.10"), "EUR"), Money(D("2.20"), "EUR")], "EUR") == Money(D("3.30"), "EUR")


@pytest.mark.parametrize(
    ("difference", "currency", "expected"),
    [
        ("0.05", "GBP", True),
        ("-0.05", "GBP", True),
        ("0.06", "GBP", False),
        ("-0.06", "GBP", False),
        ("5", "JPY", True),
        ("6", "JPY", False),
        ("0.006", "KWD", False),
    ],
)
def test_totals_that_differ_by_five_of_the_smallest_units_were_rounded_differently(difference, currency, expected):
    assert is_rounding(D(difference), currency) is expected


@given(AMOUNTS, WEIGHTS)
def test_parts_add_up_to_the_whole_and_none_is_off_by_a_unit(amount, weights):
    parts = Money(amount, "GBP").split(weights)
    assert sum((part.amount for part in parts), D(0)) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.amount - amount * weight / sum(weights)) < D("0.01")


def test_the_odd_unit_goes_to_the_part_that_lost_most():
    parts = Money(D("0.996"), "GBP").split([D(2), D(1), D(3)])
    assert [part.amount for part in parts] == [D("0.33"), D("0.17"), D("0.50")]


def test_there_is_nothing_to_split_by_without_weight():
    with pytest.raises(ValueError, match="nothing to split"):
        Money(D(1), "GBP").split([D(0), D(0)])
