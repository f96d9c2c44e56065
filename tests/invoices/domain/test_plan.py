"""The lines that bill one instalment of a deal."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from invoices.domain.money import smallest_unit
from invoices.domain.plan import Instalment, lines_of
from tests.factories import D, a_draft, a_line


def billed(amount, *lines, currency="GBP", description="Deposit", products_tax=None):
    draft, tax = a_draft(lines=lines, currency=currency), products_tax or [None] * len(lines)
    return lines_of(Instalment(7, D(amount), None, description), draft, tax, amount=D(amount), title="Racking")


def amounts(lines):
    return [(line.tax_code_id, line.unit_price) for line in lines]


def test_a_deal_of_one_tax_code_is_billed_by_one_line():
    (line,) = billed("1172", a_line(tax_code_id="3", item_id="5"), a_line(tax_code_id="3", item_id="5"))
    assert (line.description, line.quantity, line.unit_price) == ("Deposit – Racking", 1, D("1172"))
    assert (line.tax_code_id, line.item_id, line.instalment_id, line.attachment_id) == ("3", "5", 7, None)


def test_each_tax_code_has_its_share_of_the_deal():
    lines = (
        a_line(tax_code_id="3", quantity=D(1), unit_price=D(300)),
        a_line(tax_code_id="4", quantity=D(1), unit_price=D(100)),
    )
    assert amounts(billed("1000", *lines)) == [("3", D(750)), ("4", D(250))]


def test_what_no_code_fits_is_told_apart_by_the_products_tax():
    lines = [a_line(tax_code_id=code, tax_percentage=D(0), unit_price=D(100)) for code in ("", "", "", "5")]
    found = billed("400", *lines, products_tax=[D(7), D(13), D(7), D(0)])
    assert [(line.tax_code_id, line.tax_percentage, line.unit_price) for line in found] == [
        ("", D(7), D(200)),
        ("", D(13), D(100)),
        ("5", D(0), D(100)),
    ]


def test_an_item_is_the_one_that_most_is_sold_with():
    lines = (
        a_line(item_id="1", quantity=D(1), unit_price=D(40)),
        a_line(item_id="2", quantity=D(1), unit_price=D(60)),
        a_line(item_id="1", quantity=D(1), unit_price=D(30)),
    )
    (line,) = billed("10", *lines)
    assert line.item_id == "1"


def test_without_an_item_anywhere_a_person_chooses():
    (line,) = billed("10", a_line(item_id=""))
    assert line.item_id == ""


def test_an_instalment_without_a_name_is_called_like_the_deal():
    assert billed("10", a_line(), description="  ")[0].description == "Racking"


@pytest.mark.parametrize("prices", [("0", "0"), ("-5", "5"), ("100", "-20")])
def test_where_nothing_tells_the_shares_the_first_code_has_it_all(prices):
    lines = [a_line(tax_code_id=str(code), unit_price=D(price)) for code, price in enumerate(prices)]
    assert amounts(billed("12.34", *lines)) == [("0", D("12.34"))]


@pytest.mark.parametrize("currency", ["GBP", "JPY", "KWD"])
def test_the_shares_come_to_the_instalment_to_the_smallest_coin(currency):
    chance, unit = random.Random(17), smallest_unit(currency)  # nothing secret
    for _ in range(300):
        lines = [
            a_line(tax_code_id=str(code), quantity=D(1), unit_price=Decimal(chance.randint(1, 999_999)) * unit)
            for code in range(chance.randint(1, 6))
        ]
        amount = Decimal(chance.randint(1, 9_999_999)) * unit
        shares = [line.unit_price for line in billed(str(amount), *lines, currency=currency)]
        assert sum(shares) == amount
        assert all(share > 0 and share % unit == 0 for share in shares)
