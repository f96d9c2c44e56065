"""When an invoice falls due by payment terms of QuickBooks."""

from __future__ import annotations

from datetime import date

import pytest

from integration_settings.reference import Term
from invoices.domain.terms import due_date


@pytest.mark.parametrize(
    ("days", "start", "due"),
    [(30, "2026-11-23", "2026-12-23"), (0, "2026-11-23", "2026-11-23"), (1, "2027-02-28", "2027-03-01")],
)
def test_days_are_counted_from_the_invoice_date(days, start, due):
    assert due_date(Term("1", "Net", days, None, 0), date.fromisoformat(start)) == date.fromisoformat(due)


@pytest.mark.parametrize(
    ("day", "margin", "start", "due"),
    [
        (15, 5, "2026-11-03", "2026-11-15"),
        (15, 5, "2026-11-09", "2026-11-15"),
        (15, 5, "2026-11-10", "2026-12-15"),  # five days before is near enough
        (15, 5, "2026-11-15", "2026-12-15"),
        (15, 5, "2026-11-16", "2026-12-15"),
        (31, 0, "2026-11-10", "2026-11-30"),
        (31, 10, "2027-01-25", "2027-02-28"),
        (15, 5, "2026-12-20", "2027-01-15"),
        (5, 10, "2027-01-31", "2027-03-05"),  # 5 February is five days off
        (5, 10, "2027-02-01", "2027-03-05"),
        (1, 7, "2026-12-28", "2027-02-01"),
        (31, 2, "2027-02-27", "2027-03-31"),
        (5, 40, "2027-01-03", "2027-02-05"),  # one day is passed over, no second one
    ],
)
def test_a_day_of_the_month_is_the_next_months_when_it_is_near(day, margin, start, due):
    term = Term("1", "Monthly", None, day_of_month=day, next_month_days=margin)
    assert due_date(term, date.fromisoformat(start)) == date.fromisoformat(due)


def test_of_other_terms_nothing_is_known():
    assert due_date(Term("1", "By hand", None, None, 0), date(2026, 11, 23)) is None


@pytest.mark.parametrize("days", [10**7, 10**15, -(10**15)])
def test_days_that_no_calendar_has_say_nothing(days):
    assert due_date(Term("1", "Never", days, None, 0), date(2026, 11, 23)) is None


@pytest.mark.parametrize("days", [-1, -30])
def test_days_before_the_invoice_date_say_nothing(days):
    assert due_date(Term("1", "Early", days, None, 0), date(2026, 11, 23)) is None


@pytest.mark.parametrize("day", [0, -1])
def test_a_day_that_no_month_has_says_nothing(day):
    assert due_date(Term("1", "Monthly", None, day_of_month=day, next_month_days=0), date(2026, 11, 23)) is None
