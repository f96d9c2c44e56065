"""An estimate as the draft of an invoice: of the same amounts, and what has no place in it is counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invoices.domain.books import ClassPer
from invoices.domain.checks import Context, preflight
from invoices.domain.draft import AmountsAre, FromEstimate, asks_for_more, from_json, to_json
from invoices.domain.estimate import Estimate, LeftOut, OfferedLine, taken_over
from invoices.domain.tax import totals
from tests.factories import D, a_bill_to, a_draft, a_line

from .books import BY_ID, books

TODAY = date(2026, 11, 24)
GB, US = books("GB", discount_account_id="86"), books("US")


def a_sold(amount="100.00", **fields):
    values = {"description": "Beam", "item_id": "1", "quantity": D(1), "unit_price": D(amount), "amount": D(amount)}
    return OfferedLine(**(values | {"tax_code_id": "2"} | fields))


def an_estimate(*lines, **fields):
    values = {"id": "41", "number": "1001", "status": "Accepted", "customer_id": "7", "customer_name": "Bramley"}
    values |= {"currency": "GBP", "total": D("120.00"), "tax": D("20.00"), "day": date(2026, 11, 1)}
    values |= {"ends_on": None, "prices": AmountsAre.TAX_EXCLUSIVE, "lines": lines or (a_sold(),)}
    return Estimate(**(values | fields))


def lines_of(*lines, **fields):
    return taken_over(an_estimate(*lines, **fields), GB, TODAY).draft.lines


def found(draft, **context):
    """The codes of what the checks find about the estimate."""
    by_id = {code.id: code for code in BY_ID.values()}
    told = Context(books=GB, codes=by_id, items={}, known_currencies=("GBP", "EUR"), **context)
    return [each.code for each in preflight(draft, totals(draft, by_id, books=GB), told) if each.field == "estimate"]


def test_a_draft_keeps_its_estimate_and_an_older_version_leaves_it_to_a_newer_one():
    estimate = FromEstimate("41", "1001", "7", "GBP", D("120.00"), D("20.00"))
    stored = to_json(a_draft(estimate=estimate))
    assert from_json(stored).estimate == estimate
    assert not asks_for_more(stored)
    assert from_json({name: value for name, value in to_json(a_draft()).items() if name != "estimate"}).estimate is None
    assert asks_for_more(stored | {"estimate": stored["estimate"] | {"percentage": "50"}})


def test_a_line_is_taken_over_with_everything_that_an_invoices_line_has():
    (line,) = lines_of(a_sold("63.00", quantity=D(2), unit_price=D("31.50"), service_date=date(2026, 12, 1)))
    assert (line.description, line.item_id, line.quantity, line.unit_price) == ("Beam", "1", D(2), D("31.50"))
    assert (line.tax_code_id, line.service_date, line.attachment_id) == ("2", date(2026, 12, 1), None)


@pytest.mark.parametrize("told", [{"quantity": None, "unit_price": None}, {"quantity": None}])
def test_a_line_with_an_amount_alone_is_one_piece(told):
    (line,) = lines_of(a_sold("99.99", **told))
    assert (line.quantity, line.amount("GBP")) == (1, D("99.99"))


def test_line_breaks_become_dashes_in_the_one_line_that_a_field_has():
    (line,) = lines_of(a_sold(description="Beam\n\n  galvanised \nred"))
    assert line.description == "Beam – galvanised – red"


def test_an_amount_that_no_price_comes_to_is_one_piece_that_says_so():
    (line,) = lines_of(a_sold("10.00", quantity=D("700000"), unit_price=D("0.00001")))
    assert line.amount("GBP") == D("10.00")


@settings(max_examples=60, deadline=None)
@given(
    quantity=st.decimals("0.00001", "10000", places=5),
    amount=st.decimals("0.01", "99999.99", places=2),
    gross=st.booleans(),
)
def test_every_line_comes_to_the_estimates_own_amount(quantity, amount, gross):
    line = a_sold(str(amount), quantity=quantity, unit_price=D("1.11"), gross=amount if gross else None)
    prices = AmountsAre.TAX_INCLUSIVE if gross else AmountsAre.TAX_EXCLUSIVE
    (made,) = lines_of(replace(line, amount=amount), prices=prices)
    assert made.amount("GBP") == amount


def test_prices_are_with_tax_only_where_each_line_tells_them_so():
    with_tax, without = a_sold("83.33", gross=D("100.00")), a_sold("50.00")
    assert (
        taken_over(an_estimate(with_tax, prices=AmountsAre.TAX_INCLUSIVE), GB, TODAY).draft.amounts_are == "inclusive"
    )
    mixed = taken_over(an_estimate(with_tax, without, prices=AmountsAre.TAX_INCLUSIVE), GB, TODAY).draft
    assert (mixed.amounts_are, [line.unit_price for line in mixed.lines]) == ("exclusive", [D("83.33"), D("50.00")])
    assert taken_over(an_estimate(prices=AmountsAre.NO_TAX), GB, TODAY).draft.amounts_are == "none"
    assert taken_over(an_estimate(prices=None), US, TODAY).draft.amounts_are == "us"


def test_a_discount_stays_a_percentage_or_an_amount():
    assert taken_over(an_estimate(discount_percentage=D(5)), GB, TODAY).draft.discount_percentage == 5
    assert taken_over(an_estimate(discount_amount=D("7.50")), GB, TODAY).draft.discount_amount == D("7.50")


def test_a_discount_without_tax_is_one_with_tax_where_the_prices_are():
    line = a_sold("100.00", gross=D("120.00"))
    draft = taken_over(
        an_estimate(line, prices=AmountsAre.TAX_INCLUSIVE, discount_amount=D("10.00"), total=D("108.00")), GB, TODAY
    ).draft
    assert draft.discount_amount == D("12.00")
    draft = replace(draft, lines=tuple(replace(each, tax_percentage=D(20)) for each in draft.lines))
    assert totals(draft, BY_ID, books=GB).total == D("108.00")


def test_several_classes_and_an_american_tax_before_the_discount_are_counted():
    per_line = replace(GB, class_per=ClassPer.LINE)
    several = taken_over(an_estimate(a_sold(class_id="1"), a_sold(class_id="2")), per_line, TODAY)
    assert several.left_out == ((LeftOut.CLASSES, 1),)
    assert several.draft.extras.class_id == ""
    one = taken_over(an_estimate(a_sold(class_id="1"), a_sold(class_id="1")), per_line, TODAY)
    assert (one.left_out, one.draft.extras.class_id) == ((), "1")
    american = taken_over(an_estimate(discount_percentage=D(5)), US, TODAY)
    assert american.left_out == ((LeftOut.TAX_BEFORE_DISCOUNT, 1),)
    after = taken_over(an_estimate(discount_percentage=D(5), tax_after_discount=True), US, TODAY)
    assert after.left_out == ()


def test_books_of_one_currency_need_not_name_it():
    told = an_estimate(currency="")
    draft = taken_over(told, GB, TODAY).draft
    assert (draft.currency, draft.estimate.currency) == ("GBP", "GBP")
    assert told.still_says(draft.estimate, "7")


def test_one_without_a_total_is_not_taken_over():
    with pytest.raises(ValueError, match="total"):
        taken_over(an_estimate(total=None), GB, TODAY)


def test_what_somebody_chose_is_compared_with_what_it_says_now():
    chosen = FromEstimate("41", "1001", "7", "GBP", D("120.00"), D("20.00"))
    now = an_estimate()
    assert now.still_says(chosen, "7")
    assert not now.still_says(chosen, "8")
    assert not replace(now, total=D("120.01")).still_says(chosen, "7")
    assert not replace(now, currency="EUR").still_says(chosen, "7")
    assert [replace(now, status=status).is_open for status in ("Pending", "Accepted", "Closed", "Rejected", "")] == [
        *(True, True),
        *(False, False, False),
    ]


ESTIMATE = FromEstimate("41", "1001", "7", "GBP", D("120.00"), D("20.00"))
DRAFT = a_draft(bill_to=a_bill_to(customer_id="7"), lines=(a_line(),), estimate=ESTIMATE)


@pytest.mark.parametrize(
    ("draft", "context", "codes"),
    [
        (DRAFT, {}, []),
        (replace(DRAFT, estimate=None), {"estimate_used": True}, []),
        (replace(DRAFT, bill_to=a_bill_to(customer_id="8")), {}, ["estimate_of_another"]),
        (replace(DRAFT, bill_to=a_bill_to()), {}, ["estimate_of_another"]),
        (replace(DRAFT, currency="EUR"), {}, ["estimate_currency"]),
        (DRAFT, {"estimate_used": True}, ["estimate_used"]),
        (replace(DRAFT, estimate=replace(ESTIMATE, total=D("119.94"))), {}, ["over_estimate"]),
        (replace(DRAFT, estimate=replace(ESTIMATE, total=D("120.06"))), {}, ["under_estimate"]),
        (replace(DRAFT, estimate=replace(ESTIMATE, total=D("120.05"))), {}, []),  # each may be rounded in its own way
    ],
)
def test_what_the_checks_say_of_it(draft, context, codes):
    assert found(draft, **context) == codes
