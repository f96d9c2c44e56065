"""What a person typed into a field, understood by the habits of the person's locale.

Numbers are taken as "1 234,5", "1,234.50", "1'234.50" or "1234.5"; dates as ISO, in the locale's order, with month
names, or as "+14"; discounts as "5%" or "20". `None` means: not understood. Nothing here knows a rule of invoicing.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from babel import Locale
from babel.dates import get_date_format, get_month_names
from babel.numbers import get_decimal_symbol, get_group_symbol

LONGEST_NUMBER = 40
MINUS_SIGNS = "-\u2212\u2012\u2013\u2014\ufe63\uff0d"
APOSTROPHES = "'\u2019\u02bc"
NOTHING = {"", *MINUS_SIGNS}
GROUPED = re.compile(
    r"[0-9]*"
    r"|[0-9]{1,3}([.,])[0-9]{3}(?:\1[0-9]{3})*"
    r"|[0-9]{1,2}([.,])[0-9]{2}(?:\2[0-9]{2})*\2[0-9]{3}"
)
PERCENT_SIGNS = "%\u066a\uff05"


@dataclass(frozen=True, slots=True)
class TypedDiscount:
    value: Decimal
    is_percentage: bool


def plain_digits(text: str) -> str:
    """The text with every script's decimal digits as 0-9 and without invisible signs of direction."""
    return "".join(
        str(unicodedata.decimal(sign)) if sign.isdecimal() else sign
        for sign in text
        if unicodedata.category(sign) != "Cf"
    )


def parse_number(text: str, locale: Locale) -> Decimal | None:
    """The number, or None. A separator standing alone is read as the locale does: "1.234" is 1234 only in German."""
    cleaned = "".join(
        sign
        for sign in plain_digits(text)
        if not sign.isspace() and sign not in APOSTROPHES and unicodedata.category(sign) != "Sc"
    )
    negative = cleaned[:1] in tuple(MINUS_SIGNS) and len(cleaned) > 1
    cleaned = cleaned[1:] if negative else cleaned
    cleaned = cleaned.replace("\u066b", ".").replace("\u066c", ",")
    if (
        len(cleaned) > LONGEST_NUMBER
        or not re.fullmatch(r"[0-9]*(?:[.,][0-9]*)*", cleaned)
        or not re.search("[0-9]", cleaned)
    ):
        return None
    decimal_mark = _decimal_mark(cleaned, locale)
    whole, _, fraction = cleaned.rpartition(decimal_mark) if decimal_mark else (cleaned, "", "")
    if not _is_grouped_well(whole) or not re.fullmatch("[0-9]*", fraction):
        return None
    number = Decimal(f"{re.sub('[.,]', '', whole) or '0'}.{fraction or '0'}")
    return -number if negative else number


def _decimal_mark(text: str, locale: Locale) -> str:
    """Which sign of the text, if any, parts the whole from the fraction."""
    marks = [sign for sign in text if sign in ".,"]
    if not marks:
        return ""
    if len(set(marks)) == 2:
        return marks[-1]
    mark = marks[0]
    if len(marks) > 1:
        return ""
    if mark == get_decimal_symbol(locale) or mark != get_group_symbol(locale):
        return mark
    whole, _, rest = text.partition(mark)
    looks_grouped = len(rest) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")
    return "" if looks_grouped else mark


def _is_grouped_well(whole: str) -> bool:
    """Plain digits, or groups of three (of two before the last, as in India) with one and the same sign."""
    return bool(GROUPED.fullmatch(whole))


def parse_discount(text: str, locale: Locale) -> TypedDiscount | None:
    """A percentage or an amount; an empty field or a lone dash is a discount of nothing."""
    cleaned = text.strip()
    if cleaned in NOTHING:
        return TypedDiscount(Decimal(0), is_percentage=False)
    is_percentage = any(sign in cleaned for sign in PERCENT_SIGNS)
    for sign in PERCENT_SIGNS:
        cleaned = cleaned.replace(sign, "", 1)
    value = parse_number(cleaned, locale)
    return None if value is None else TypedDiscount(value, is_percentage)


def parse_date(text: str, locale: Locale, *, counted_from: date) -> date | None:
    """The calendar date, or None. "+14" is fourteen days after `counted_from`, whose year also completes "7.12."."""
    cleaned = plain_digits(text).strip()
    if not cleaned or len(cleaned) > LONGEST_NUMBER:
        return None
    if days := re.fullmatch(r"\+\s*([0-9]{1,4})", cleaned):
        return counted_from + timedelta(days=int(days[1]))
    numbers = re.findall("[0-9]+", cleaned)
    month = _month_named(cleaned, locale)
    parts = _parts_beside_a_month_name(numbers, month) if month else _parts_by_order(numbers, locale, cleaned)
    if parts is None:
        return None
    year, month_number, day = parts
    try:
        return date(_full_year(year) if year else counted_from.year, month_number, int(day))
    except ValueError:
        return None


def _month_named(text: str, locale: Locale) -> int:
    """The month whose name, or beginning of name, stands in the text; 0 if there is none."""
    words = [word for word in re.split(r"[\W\d_]+", _folded(text)) if len(word) >= 3]
    for width in ("wide", "abbreviated"):
        for context in ("format", "stand-alone"):
            for number, name in get_month_names(width, context, locale).items():
                known = re.split(r"[\W\d_]+", _folded(name))[0]
                if known and any(_means_month(word, known) for word in words):
                    return int(number)
    return 0


def _means_month(word: str, known: str) -> bool:
    """The name itself, its beginning, or the name behind a preposition that is written together with it (Hebrew)."""
    return (
        word == known
        or (len(known) > 3 and known.startswith(word))
        or (len(word) == len(known) + 1 and word.endswith(known))
    )


def _folded(text: str) -> str:
    """Lower case without accents, so that "fév", "FEV" and "fevr." meet."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))


def _parts_beside_a_month_name(numbers: list[str], month: int) -> tuple[str, int, str] | None:
    if len(numbers) == 1 and len(numbers[0]) <= 2:
        return "", month, numbers[0]
    if len(numbers) != 2:
        return None
    first, second = numbers
    return (first, month, second) if len(first) == 4 else (second, month, first)


def _parts_by_order(numbers: list[str], locale: Locale, text: str) -> tuple[str, int, str] | None:
    if not re.fullmatch(r"[0-9]+(?:[\s./-]+[0-9]+){1,2}[\s.]*", text):
        return None
    if len(numbers) == 3 and len(numbers[0]) == 4:
        return numbers[0], int(numbers[1]), numbers[2]
    pattern = str(get_date_format("short", locale).pattern)
    order = [letter for letter in dict.fromkeys(pattern.replace("L", "M").lower()) if letter in "dmy"]
    if len(numbers) == 2:
        order.remove("y")
    found = dict(zip(order, numbers, strict=True))
    return found.get("y", ""), int(found["m"]), found["d"]


def _full_year(year: str) -> int:
    return 2000 + int(year) if len(year) <= 2 else int(year)
