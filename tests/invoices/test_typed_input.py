"""What people type is understood by their locale's habits, and what cannot be understood is not guessed."""

from datetime import date
from decimal import Decimal

import pytest
from babel import Locale
from babel.dates import format_date

from invoices.typed_input import TypedDiscount, parse_date, parse_discount, parse_number

BRITISH, AMERICAN, GERMAN, FRENCH = (Locale.parse(code) for code in ("en_GB", "en_US", "de", "fr"))
LATVIAN, PORTUGUESE, INDIAN, ARABIC = (Locale.parse(code) for code in ("lv", "pt_BR", "en_IN", "ar_EG"))
TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    "text, locale, number",
    [
        ("1234.5", BRITISH, "1234.5"),
        ("1,234.50", BRITISH, "1234.50"),
        ("1 234,5", BRITISH, "1234.5"),
        ("1,234", BRITISH, "1234"),
        ("12,5", BRITISH, "12.5"),
        ("1,234,567", BRITISH, "1234567"),
        ("1.234", GERMAN, "1234"),
        ("0.500", GERMAN, "0.500"),
        ("1234.567", GERMAN, "1234.567"),
        ("1.234,50", GERMAN, "1234.50"),
        ("1234,5", GERMAN, "1234.5"),
        ("1\u202f234,50", FRENCH, "1234.50"),
        ("1.234", FRENCH, "1.234"),
        ("1'234.50", BRITISH, "1234.50"),
        ("12,34,567.00", INDIAN, "1234567.00"),
        ("£2,880.00", BRITISH, "2880.00"),
        ("\u2212312", BRITISH, "-312"),
        ("-0.5", BRITISH, "-0.5"),
        (".5", BRITISH, "0.5"),
        ("5.", BRITISH, "5"),
        ("١٢٫٥", ARABIC, "12.5"),
    ],
)
def test_it_takes_numbers_as_they_are_written(text: str, locale: Locale, number: str) -> None:
    assert parse_number(text, locale) == Decimal(number)


@pytest.mark.parametrize(
    "text", ["", " ", "-", "abc", "1e3", "12 pieces", "1,2,3", "1.2.3.4", "--5", "1,23.456,7", "9" * 41, "NaN", "²"]
)
def test_it_does_not_guess_what_is_not_a_number(text: str) -> None:
    assert parse_number(text, BRITISH) is None


@pytest.mark.parametrize(
    "text, locale, discount",
    [
        ("5%", BRITISH, TypedDiscount(Decimal(5), True)),
        ("7,5 %", GERMAN, TypedDiscount(Decimal("7.5"), True)),
        ("20", BRITISH, TypedDiscount(Decimal(20), False)),
        ("£20.00", BRITISH, TypedDiscount(Decimal("20.00"), False)),
        ("", BRITISH, TypedDiscount(Decimal(0), False)),
        ("–", BRITISH, TypedDiscount(Decimal(0), False)),
        ("half", BRITISH, None),
        ("5%%", BRITISH, None),
    ],
)
def test_a_discount_is_a_percentage_or_an_amount(text: str, locale: Locale, discount: TypedDiscount | None) -> None:
    assert parse_discount(text, locale) == discount


@pytest.mark.parametrize(
    "text, locale, expected",
    [
        ("2026-12-07", BRITISH, date(2026, 12, 7)),
        ("7/12/2026", BRITISH, date(2026, 12, 7)),
        ("12/7/2026", AMERICAN, date(2026, 12, 7)),
        ("07.12.26", GERMAN, date(2026, 12, 7)),
        ("7.12.", GERMAN, date(2026, 12, 7)),
        ("7 dec 2026", BRITISH, date(2026, 12, 7)),
        ("7 December 2026", BRITISH, date(2026, 12, 7)),
        ("Dec 7, 2026", AMERICAN, date(2026, 12, 7)),
        ("7 dec", BRITISH, date(2026, 12, 7)),
        ("+14", BRITISH, date(2026, 12, 7)),
        ("+ 0", BRITISH, TODAY),
        ("2 FEVR. 2026", FRENCH, date(2026, 2, 2)),
    ],
)
def test_it_takes_dates_as_they_are_written(text: str, locale: Locale, expected: date) -> None:
    assert parse_date(text, locale, counted_from=TODAY) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "31/02/2026", "2026-13-01", "7", "1/2/3/4", "+x", "7 Dec 2026 or so 5", "0/0/0"]
)
def test_it_does_not_guess_what_is_not_a_date(text: str) -> None:
    assert parse_date(text, BRITISH, counted_from=TODAY) is None


@pytest.mark.parametrize(
    "code", ["en", "en_GB", "en_US", "en_AU", "lv", "de", "es", "pt_BR", "fr", "et", "ar_EG", "he", "ja"]
)
@pytest.mark.parametrize("month", range(1, 13))
def test_it_reads_back_the_form_in_which_dates_are_shown(code: str, month: int) -> None:
    locale, day = Locale.parse(code), date(2026, month, 7)
    assert parse_date(format_date(day, "medium", locale), locale, counted_from=TODAY) == day
