"""When an invoice falls due."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

from .wire import Row


def due_date(start: date, term: Row | None) -> date:
    """`STANDARD` terms count days; `DATE_DRIVEN` ones name a day of a month, skipping a month that is too near."""
    if term is None:
        return start
    if term.get("Type") != "DATE_DRIVEN":
        return start + timedelta(days=int(term.get("DueDays") or 0))
    due = day_of_month(start.year, start.month, int(term["DayOfMonthDue"]))
    if due < start or (due - start).days < int(term.get("DueNextMonthDays") or 0):
        year, month = (start.year + 1, 1) if start.month == 12 else (start.year, start.month + 1)
        due = day_of_month(year, month, int(term["DayOfMonthDue"]))
    return due


def day_of_month(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, monthrange(year, month)[1]))
