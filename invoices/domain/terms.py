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
    """None when the term does not say. A day that the month does not have is its last one.

    https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/term
    """
    if term.due_days is not None:
        return invoice_date + timedelta(days=term.due_days)
    if term.day_of_month is None:
        return None
    due = _in_month(invoice_date.year, invoice_date.month, term.day_of_month)
    if due < invoice_date or (due - invoice_date).days <= term.next_month_days:
        following = date(invoice_date.year, invoice_date.month, 28) + timedelta(days=4)
        due = _in_month(following.year, following.month, term.day_of_month)
    return due


def _in_month(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, monthrange(year, month)[1]))
