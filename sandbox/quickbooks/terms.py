"""When an invoice falls due."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

from .wire import Row

LONGEST_NAME = 31


def due_date(start: date, term: Row | None) -> date:
    """`STANDARD` terms count days; `DATE_DRIVEN` ones name a day of a month, skipping a month that is too near:
    "payment due next month if issued that many days before" is taken to contain that very day, and to hold over the
    end of a month, too.
    """
    if term is None:
        return start
    if term.get("Type") != "DATE_DRIVEN":
        return start + timedelta(days=int(term.get("DueDays") or 0))
    day = int(term["DayOfMonthDue"])
    months = (start.year * 12 + start.month - 1 + ahead for ahead in range(3))
    ahead = [due for month in months if (due := day_of_month(month // 12, month % 12 + 1, day)) >= start]
    too_near = (ahead[0] - start).days <= int(term.get("DueNextMonthDays") or 0)
    return ahead[1] if too_near else ahead[0]


def checked(row: Row) -> Row:
    """What a term has to have: days, or the day of a month with how near it may be, each within its range."""
    ranges = {"DueDays": (0, 999), "DayOfMonthDue": (1, 31), "DueNextMonthDays": (1, 999)}
    wanted = {"STANDARD": {"DueDays"}, "DATE_DRIVEN": {"DayOfMonthDue", "DueNextMonthDays"}}
    if not 1 <= len(str(row.get("Name", ""))) <= LONGEST_NAME:
        raise ValueError(f"a term has a name of at most {LONGEST_NAME} characters: {row}")
    if ranges.keys() & row.keys() != wanted.get(str(row.get("Type"))):
        raise ValueError(f"not a term of its type: {row}")
    for member, (least, most) in ranges.items():
        if member in row and not least <= int(row[member]) <= most:
            raise ValueError(f"{member} is between {least} and {most}: {row}")
    return row


def day_of_month(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, monthrange(year, month)[1]))
