"""Money, numbers, dates and times in the reader's locale, and back from what a reader types.

The functions are pure: the locale (as Pipedrive names it: `en_GB`, `pt-BR`) and the time zone are arguments. Templates
get them from `reader()`, which the door of the embedded pages sets for each request with `read_as`.

Based on Babel and its CLDR data: https://babel.pocoo.org/en/latest/api/numbers.html and .../api/dates.html
"""

from __future__ import annotations

import re
import unicodedata
from calendar import isleap, monthrange
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from functools import lru_cache
from typing import Literal

from babel import Locale, UnknownLocaleError, dates, numbers
from django.utils.translation import gettext

MINUS = "−"  # U+2212: as wide as a plus sign, so columns of figures line up
NO_BREAK_SPACE = "\u00a0"
# ISO 4217 currencies whose minor unit is not two decimals (Babel's own table follows custom, not the bank's books)
_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
DECIMALS = {**dict.fromkeys(_NO_DECIMALS.split(" "), 0), **dict.fromkeys(_THREE_DECIMALS.split(" "), 3)}
MOST_DECIMALS = 5  # what QuickBooks keeps of a quantity
LAKHS = "#,##,##0"  # how India groups: 12,34,567
DIGITS = Context(prec=1000)  # also of a figure that is going to be refused for its size
EARLIEST, LATEST = 1900, 2200  # years; anything else is a slip of the finger
LONGEST_TYPED = 60  # signs; a date with its weekday, a figure with its currency and all blanks are shorter everywhere
APART = re.compile(r"\d{4}\s+\d|\d(?=\s*[\t\n\r\f\v])\s+\d|\d\s+(?!\d{3}(?!\d))\d")  # blanks that group no thousands
WORD_OR_FIGURES = r"\d+|[^\W\d_]+"
TWO_DAYS = re.compile(r"\b\d{1,2}\s*[-–—]\s*\d{1,2}\b")  # beside a month's name: "Dec 1-15"
PORTUGUESE_WEEKDAY = re.compile(r"\b[2-6]\s*a?[\s-]*feira\b", re.IGNORECASE)  # "2ª feira": no figure of the date
SIGNS = {  # and the currencies that have them somewhere
    "€": "EUR",
    "£": "EGP FKP GBP GIP LBP SDG SHP SSP SYP",
    "¥": "CNY JPY",
    "₹": "INR",
    "$": "ARS AUD BBD BMD BND BRL BSD BZD CAD CLP COP CUP DOP FJD GYD HKD JMD KYD LRD MOP MXN NAD NIO NZD SBD SGD SRD"
    " TOP TTD TWD USD UYU WST XCD",
}
APOSTROPHE = re.compile("['’]")
remembered = lru_cache(maxsize=2048)  # a form says the same figures again and again, at every look at what was typed


@dataclass(frozen=True)
class Reader:
    """`zone` is what times are told in, `own` that of the reader's clock, where it is known."""

    locale: str = "en"
    zone: tzinfo = UTC
    own: tzinfo | None = None


NOBODY = Reader()
_reader: ContextVar[Reader] = ContextVar("reader", default=NOBODY)


def reader() -> Reader:
    """Who reads the page that is being rendered."""
    return _reader.get()


@contextmanager
def read_as(locale: str, zone: tzinfo = UTC, own: tzinfo | None = None) -> Iterator[None]:
    """Everything rendered inside is in this locale, with times in this zone (the QuickBooks company's), named by it
    where the reader's own clock shows another time.
    """
    token = _reader.set(Reader(locale, zone, own))
    try:
        yield
    finally:
        _reader.reset(token)


@lru_cache(maxsize=64)
def locale_of(name: str) -> Locale:
    """The CLDR locale nearest to a name such as `en_GB`, `pt-BR` or `de`; English when there is none."""
    parts = re.split(r"[-_]", name.strip())[:3]
    while parts and parts[0]:
        try:
            return Locale.parse("_".join(parts))
        except (UnknownLocaleError, ValueError):
            parts.pop()
    return Locale("en")


def language_tag(name: str) -> str:
    """The same locale as browsers name it: `en-GB`."""
    return str(locale_of(name)).replace("_", "-")


# Money and numbers


def decimals(currency: str) -> int:
    return DECIMALS.get(currency, 2)


@remembered
def format_money(amount: Decimal, currency: str, locale: str) -> str:
    """`£2,880.00`, `2.880,00 £`: the locale's own pattern and sign, the currency's own decimals."""
    place = locale_of(locale)
    sign = numbers.get_currency_symbol(currency, place)
    places = decimals(currency)
    digits = _digits(abs(amount), place, least=places, most=places)
    spot = place.currency_formats["standard"].pattern.split(";")[0]
    before, _, after = re.sub(r"[#0.,]+", "\0", spot).partition("\0")
    before, after = before.replace("¤", sign), after.replace("¤", sign)
    if before and before[-1].isalpha():
        before += NO_BREAK_SPACE
    minus = MINUS if digits.strip("0.,") and amount < 0 and _rounded(amount, places) else ""
    return f"{minus}{before}{digits}{after}"


def format_amount(amount: Decimal, currency: str, locale: str) -> str:
    """The value of a money field: the currency's decimals at least, and all that a price has more; no sign."""
    return format_exactly(amount, locale, least=decimals(currency))


@remembered
def format_number(value: Decimal | int, locale: str, *, least: int = 0, most: int = MOST_DECIMALS) -> str:
    """`1,234.5`; up to five decimals, trailing zeros left out beyond `least`."""
    value = Decimal(value)
    minus = MINUS if value < 0 and _rounded(value, most) else ""
    return minus + _digits(abs(value), locale_of(locale), least=least, most=max(least, most))


def format_exactly(value: Decimal, locale: str, *, least: int = 0) -> str:
    """What stands in a field that is read again: nothing of the value is lost, however many decimals it has."""
    exponent = value.normalize().as_tuple().exponent
    return format_number(value, locale, least=least, most=max(-exponent, 0) if isinstance(exponent, int) else 0)


@remembered
def format_percent(value: Decimal | int, locale: str, *, least: int = 0) -> str:
    """A percentage (20 means 20 %) with the locale's spacing, exactly; `least` decimals for rates (`20.0%`)."""
    pattern = locale_of(locale).percent_formats[None].pattern
    before, _, after = re.sub(r"[#0.,]+", "\0", pattern).partition("\0")
    return f"{before}{format_exactly(Decimal(value), locale, least=least)}{after}"


def currency_name(currency: str, locale: str) -> str:
    """`Pound sterling`, as a heading begins: with a capital."""
    name = numbers.get_currency_name(currency, locale=locale_of(locale))
    return name[:1].upper() + name[1:]


def _rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=DIGITS)


def _digits(value: Decimal, place: Locale, *, least: int, most: int) -> str:
    in_lakhs = place.decimal_formats[None].pattern.startswith(LAKHS)
    pattern = f"{LAKHS if in_lakhs else '#,##0'}." + "0" * least + "#" * (most - least)
    with localcontext(DIGITS):
        return numbers.format_decimal(_rounded(value, most), format=pattern.rstrip("."), locale=place)


# Dates and times


def format_date(day: date, locale: str) -> str:
    """The locale's middle form: `7 Dec 2026`, `07.12.2026`."""
    return dates.format_date(day, "medium", locale=locale_of(locale))


def format_day_and_month(day: date, locale: str) -> str:
    """The same without the year, for the second half of a pair: `20 Nov`, `20.11.`"""
    place = locale_of(locale)
    words = "MMM" in dates.get_date_format("medium", place).pattern
    return dates.format_skeleton("MMMd" if words else "Md", day, locale=place)


def format_time(
    moment: datetime, locale: str, zone: tzinfo, *, seconds: bool = False, own: tzinfo | None = None
) -> str:
    """`09:14` or `9:14 AM`, by locale; `9:14 AM EST` for whoever's own clock shows another time then."""
    local = moment.astimezone(zone)
    told = dates.format_time(local.time(), "medium" if seconds else "short", locale=locale_of(locale))
    if own is None or moment.astimezone(own).utcoffset() == local.utcoffset():
        return told
    name = local.tzname() or ""  # not CLDR's, which has these for few pairs of place and locale, else "+0000"
    return f"{told}\u00a0{name if name[:1].isalpha() else f'UTC{name}'}"


def with_one_stop(text: str) -> str:
    """A text in which a full stop follows a time or a date that ends with one itself, "9:14 a.m." or "28 nov."."""
    return text.replace("..", ".")


def format_checked(moment: datetime, now: datetime, locale: str, zone: tzinfo, own: tzinfo | None = None) -> str:
    """When something was checked: today the time, yesterday in words, else date and time."""
    time, day = format_time(moment, locale, zone, own=own), moment.astimezone(zone).date()
    age = now.astimezone(zone).date() - day
    if age <= timedelta(0):
        return time
    if age == timedelta(days=1):
        # Translators: the moment of the last check, as in "Last checked yesterday, 18:02"
        return gettext("yesterday, {time}").format(time=time)
    # Translators: date and time of the last check, as in "Last checked 21 Nov 2026, 18:02"
    return gettext("{date}, {time}").format(date=format_date(day, locale), time=time)


# Back from what a reader types


@remembered
def parse_decimal(text: str, locale: str, currency: str = "") -> Decimal:
    """`1 234,5`, `1,234.50` and `1234.5` alike; a lone sign before exactly three digits is read as the locale does,
    and a currency's sign is passed over, as are marks that nobody sees. Not that of another one than `currency`.

    Raises ValueError when it is no number, at once for a text that is too long to be one. Blanks group thousands or
    stand at an edge: two cells of a sheet, "5" and "100", are no 5100. So do apostrophes. The raised figure of a
    footnote or of square metres is no digit of the number.
    """
    seen = APOSTROPHE.sub(" ", _visible(text[: LONGEST_TYPED + 1]))
    parted = "".join("\t" if unicodedata.category(sign) == "Sc" else sign for sign in seen)  # 5€50 is no 550
    if len(text) > LONGEST_TYPED or APART.search(parted):
        raise ValueError("not a number")
    if any(unicodedata.category(sign) == "No" for sign in seen) or (currency and _is_another(seen, currency, locale)):
        raise ValueError("not a number")
    plain = "".join(
        unicodedata.normalize("NFKC", sign)
        for sign in _without_currency("".join(seen.split()), locale)
        if unicodedata.category(sign) != "Sc"
    )
    plain = plain.replace(MINUS, "-").replace("٫", ".").replace("٬", "")
    if not re.fullmatch(r"[+-]?\d[\d.,]*|[+-]?[.,]\d+", plain) or len(plain) > 30:
        raise ValueError("not a number")
    point = _decimal_sign(plain, locale)
    whole, _, decimal_part = plain.partition(point) if point else (plain, "", "")
    if not re.fullmatch(r"[+-]?(\d*|\d{1,3}([.,]\d{2,3})*[.,]\d{3})", whole) or not re.fullmatch(r"\d*", decimal_part):
        raise ValueError("not a number")
    return Decimal(re.sub("[.,]", "", whole) + "." + decimal_part)


def _is_another(text: str, currency: str, locale: str) -> bool:
    """Whether the text has the code of another currency, or a sign that this one has nowhere."""
    codes = set(re.findall(r"(?<![^\W\d_])[A-Z]{3}(?![^\W\d_])", text)) & set(locale_of(locale).currencies)
    signs = [theirs for sign, theirs in SIGNS.items() if sign in text]
    return bool(codes - {currency}) or any(currency not in theirs for theirs in signs)


def _visible(text: str) -> str:
    return "".join(sign for sign in text if unicodedata.category(sign) != "Cf")


BEFORE = re.compile(r"(?P<minus>[+−-]?)(?P<currency>[^\d.,+−-]+)(?=[+−-]?[.,]?\d)")
BEHIND = re.compile(r"(?<=\d)(?P<currency>[^\d.,]+\.?)$")


def _without_currency(text: str, locale: str) -> str:
    """Without a currency's code, or a sign of it that has letters: `R$`, `CHF`, `kr`. Other letters stay: `10k`."""
    known = _currency_words(locale)
    if (found := BEFORE.match(text)) and found["currency"].casefold() in known:
        text = found["minus"] + text[found.end() :]
    if (found := BEHIND.search(text)) and found["currency"].casefold() in known:
        text = text[: found.start()]
    return text


@lru_cache(maxsize=64)
def _currency_words(locale: str) -> frozenset[str]:
    place = locale_of(locale)
    words = (
        "".join(_visible(word).split()).casefold() for word in (*place.currencies, *place.currency_symbols.values())
    )
    return frozenset(word for word in words if len(word) > 1)


def _decimal_sign(plain: str, locale: str) -> str:
    """Which of point and comma parts the decimals in this text; empty when both only group thousands."""
    last = max(plain.rfind("."), plain.rfind(","))
    if last < 0:
        return ""
    sign = plain[last]
    other = "," if sign == "." else "."
    if other in plain:
        return sign if plain.count(sign) == 1 else ""
    if plain.count(sign) > 1:
        return ""
    whole, decimal_part = plain[:last].lstrip("+-"), plain[last + 1 :]
    looks_grouped = len(decimal_part) == 3 and 1 <= len(whole) <= 3 and whole != "0"
    return "" if looks_grouped and numbers.get_decimal_symbol(locale_of(locale)) != sign else sign


def parse_date(text: str, locale: str, *, today: date, after: date | None = None) -> date:
    """ISO, the locale's own order, month names, `+14` (days after `after`, else after today).

    A year of two digits is in this century; a missing year is the next such date from half a year ago on.
    What `format_date` shows is read back in every locale. Raises ValueError when it is no date, at once for a text
    that is too long to be one: to look for a date in it would take long.
    """
    if len(text) > LONGEST_TYPED:
        raise ValueError("not a date")
    try:
        return _typed(unicodedata.normalize("NFKC", text).strip(), locale, today, after or today)
    except ValueError:
        if shown := _as_shown(text.strip(), locale):
            return shown
        raise


def _as_shown(text: str, locale: str) -> date | None:
    """A date exactly as our pages have it: in some languages a month's name is no word that could be looked for."""
    figures = {int(part) for part in re.findall(r"\d{1,4}", text)}
    if len(figures) > len("dMy"):
        return None
    for year in (figure for figure in figures if EARLIEST <= figure <= LATEST):
        for month in range(1, 13):
            for day in (figure for figure in figures if 1 <= figure <= monthrange(year, month)[1]):
                if format_date(found := date(year, month, day), locale) == text:
                    return found
    return None


def _typed(text: str, locale: str, today: date, after: date) -> date:
    if match := re.fullmatch(r"\+\s*(\d{1,4})", text):
        return after + timedelta(days=int(match[1]))
    place = locale_of(locale)
    parts = re.findall(WORD_OR_FIGURES, PORTUGUESE_WEEKDAY.sub("", text))
    figures = [part for part in parts if part.isdigit()]
    month = _month_among([part for part in parts if not part.isdigit()], place)
    order = _order(place, "short" if month is None else "medium")
    if month is not None:
        figures = figures if len(figures) <= 2 and not TWO_DAYS.search(text) else []
        order = _order_beside_month(parts, order, place) if len(figures) == 2 else "d"
    elif len(figures) == 3 and len(figures[0]) == 4:
        order = "yMd"
    if len(figures) == len(order) - 1:
        order = order.replace("y", "")
    if len(figures) != len(order) or not figures or (month is None and len(figures) < 2):
        raise ValueError("not a date")
    found = dict(zip(order, figures, strict=True))
    return _with_year(found.get("y"), month or int(found["M"]), int(found["d"]), today)


def _order_beside_month(parts: list[str], order: str, place: Locale) -> str:
    """`dy` or `yd` for two figures beside a month's name. Raises ValueError where both are days: "1 - 15 Dec"."""
    first, second = (at for at, part in enumerate(parts) if part.isdigit())
    if 4 in (len(parts[first]), len(parts[second])):
        return "yd" if len(parts[first]) == 4 else "dy"
    words = parts[first + 1 : second]
    if _month_among(parts[second + 1 :], place) is None:
        return "yd" if words and order.startswith("yM") else "dy"
    if order == "ydM" and words and _year_word(place).startswith(_plain(words[0])):  # "26. gada 31. dec."
        return "yd"
    raise ValueError("not a date")


def _with_year(year: str | None, month: int, day: int, today: date) -> date:
    if year is not None:
        return _sane(int(year) + 2000 if len(year) <= 2 else int(year), month, day)
    earliest = today - timedelta(days=182)
    for near in range(today.year - 1, today.year + 2):
        if (month, day) == (2, 29) and not isleap(near):
            continue
        if (found := _sane(near, month, day)) >= earliest:
            return found
    raise ValueError("not a date")


def _sane(year: int, month: int, day: int) -> date:
    if not EARLIEST <= year <= LATEST:
        raise ValueError("not a date")
    return date(year, month, day)


def _order(place: Locale, width: Literal["short", "medium"]) -> str:
    """`dMy`, `Mdy` or `yMd`: the order in the locale's short form, or in that which has the month as a word."""
    letters = re.sub(r"'[^']*'", "", dates.get_date_format(width, place).pattern).replace("L", "M")
    return "".join(dict.fromkeys(letter for letter in letters if letter in "dMy"))


def _year_word(place: Locale) -> str:
    """What stands behind the year where a date begins with it and ends with the month: "gada"."""
    return _plain("".join(re.findall(r"'([^']*)'", dates.get_date_format("medium", place).pattern)))


def _month_among(words: list[str], place: Locale) -> int | None:
    """The month that is named, None without any. A weekday beside it is none, be it "mardi"; of two nobody knows
    which is meant.
    """
    weekdays = _weekdays(place)
    named = [number for word in words if _plain(word) not in weekdays and (number := _month(word, place))]
    named = named or [number for word in words if (number := _month(word, place))]
    if len(named) > 1:
        raise ValueError("not a date")
    return named[0] if named else None


@lru_cache(maxsize=64)
def _weekdays(place: Locale) -> frozenset[str]:
    """Their names, each word of them, in the locale's language."""
    names = [
        name
        for width in ("wide", "abbreviated")
        for context in ("format", "stand-alone")
        for name in dates.get_day_names(width, context, place).values()
    ]
    return frozenset(_plain(word) for name in names for word in re.findall(WORD_OR_FIGURES, name))


def _month(word: str, place: Locale) -> int | None:
    """The month a word of three letters or more stands for, in the locale's language or in English."""
    word = _plain(word)
    if len(word) < 3:
        return None
    for language in (place, Locale("en")):
        names = _months(language)
        for alike in (str.__eq__, str.startswith, lambda name, word: len(name) >= 3 and word.startswith(name)):
            found = {number for name, number in names if alike(name, word)}
            if len(found) == 1:
                return found.pop()
    return None


@lru_cache(maxsize=64)
def _months(language: Locale) -> tuple[tuple[str, int], ...]:
    """Their names, and the month that each stands for."""
    return tuple(
        (_plain(name), int(number))
        for width in ("wide", "abbreviated")
        for context in ("format", "stand-alone")
        for number, name in dates.get_month_names(width, context, language).items()
    )


def _plain(word: str) -> str:
    """Small letters without accents and dots, so that `févr.` and `Fevr` are the same word."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", word.casefold()) if sign.isalpha())
