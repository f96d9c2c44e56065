"""When an invoice falls due by a customer's payment terms."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from typing import Protocol


class Term(Protocol):
    """Either `due_days`, or the day of a month and how near it may be. Of other terms nothing is known."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def due_days(self) -> int | None: ...
    @property
    def day_of_month(self) -> int | None: ...
    @property
    def next_month_days(self) -> int: ...


def due_date(term: Term, invoice_date: date) -> date | None:
    """None when the term does not say, or names what no calendar has or a day before the invoice's, which QuickBooks
    refuses. A day that the month lacks is its last one.

    The next such day is passed over when it is too near, be it in this month or in the next: of the 5th, ten days
    before it at least, an invoice of 31 January is due on 5 March.

    https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/term
    """
    try:
        due = _due_date(term, invoice_date)
    except (OverflowError, ValueError):  # after the year 9999: one such term must not keep every form from opening
        return None
    return due if due and due >= invoice_date else None


def _due_date(term: Term, invoice_date: date) -> date | None:
    if term.due_days is not None:
        return invoice_date + timedelta(days=term.due_days)
    if term.day_of_month is None or term.day_of_month < 1:
        return None
    due = _in_month(invoice_date, term.day_of_month)
    if due < invoice_date:
        due = _in_month(_next_month(due), term.day_of_month)
    if (due - invoice_date).days <= term.next_month_days:
        due = _in_month(_next_month(due), term.day_of_month)
    return due


def _next_month(day: date) -> date:
    return day.replace(day=1) + timedelta(days=31)


def _in_month(month: date, day: int) -> date:
    return month.replace(day=min(day, monthrange(month.year, month.month)[1]))
