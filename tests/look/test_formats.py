"""What readers see and type: money, numbers, dates and times by locale."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from time import process_time
from zoneinfo import ZoneInfo

import pytest

from integration_settings import formats
from invoices.domain import money as domain_money

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "shown"),
    [
        ("2880", "GBP", "en_GB", "£2,880.00"),
        ("2880", "GBP", "de_DE", "2.880,00\u00a0£"),
        ("-312", "GBP", "en_GB", "−£312.00"),
        ("-342", "USD", "en-US", "−$342.00"),
        ("1200", "JPY", "ja_JP", "￥1,200"),
        ("1234567.5", "INR", "en_IN", "₹12,34,567.50"),
        ("1200", "KWD", "en_GB", "KWD\u00a01,200.000"),
        ("0.005", "EUR", "en_IE", "€0.01"),
        ("-0.001", "EUR", "en_IE", "€0.00"),
        ("1234.5", "RSD", "en_GB", "RSD\u00a01,234.50"),
        ("5", "XYZ", "en_GB", "XYZ\u00a05.00"),
        ("5", "USD", "zz_QQ", "$5.00"),
        ("5", "USD", "", "$5.00"),
    ],
)
def test_money_is_written_as_the_locale_does(amount: str, currency: str, locale: str, shown: str) -> None:
    assert formats.format_money(Decimal(amount), currency, locale) == shown


def test_both_tables_of_decimals_agree() -> None:
    assert formats.DECIMALS == domain_money.DECIMALS


@pytest.mark.parametrize(
    ("value", "locale", "shown"),
    [
        ("12", "en_GB", "12"),
        ("1234.50000", "en_GB", "1,234.5"),
        ("0.33333", "de_DE", "0,33333"),
        ("-2", "en_GB", "−2"),
        ("-0.000001", "en_GB", "0"),
        ("1234567", "fr_FR", "1\u202f234\u202f567"),
    ],
)
def test_numbers_keep_up_to_five_decimals(value: str, locale: str, shown: str) -> None:
    assert formats.format_number(Decimal(value), locale) == shown


@pytest.mark.parametrize(
    ("value", "least", "locale", "shown"),
    [("20", 0, "en_GB", "20%"), ("20", 1, "en_GB", "20.0%"), ("10.25", 0, "de_DE", "10,25\u00a0%")],
)
def test_percentages_use_the_locales_spacing(value: str, least: int, locale: str, shown: str) -> None:
    assert formats.format_percent(Decimal(value), locale, least=least) == shown


def test_a_price_field_keeps_more_decimals_than_the_currency_has() -> None:
    assert formats.format_amount(Decimal("2950"), "GBP", "en_GB") == "2,950.00"
    assert formats.format_amount(Decimal("0.12345"), "GBP", "en_GB") == "0.12345"
    assert formats.format_amount(Decimal("2950"), "JPY", "en_GB") == "2,950"


@pytest.mark.parametrize(
    ("locale", "middle", "short"),
    [("en_GB", "7 Dec 2026", "7 Dec"), ("en_US", "Dec 7, 2026", "Dec 7"), ("de_DE", "07.12.2026", "7.12.")],
)
def test_dates_are_in_the_locales_middle_form(locale: str, middle: str, short: str) -> None:
    day = date(2026, 12, 7)
    assert formats.format_date(day, locale) == middle
    assert formats.format_day_and_month(day, locale) == short


def test_times_are_in_the_companys_zone_and_the_locales_clock() -> None:
    moment = datetime(2026, 11, 23, 17, 14, 5, tzinfo=UTC)
    pacific = ZoneInfo("America/Los_Angeles")
    assert formats.format_time(moment, "en_GB", pacific) == "09:14"
    assert formats.format_time(moment, "en_US", pacific).replace("\u202f", " ") == "9:14 AM"
    assert formats.format_time(moment, "en_GB", pacific, seconds=True) == "09:14:05"


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (datetime(2026, 11, 23, 9, 14, tzinfo=UTC), "09:14"),
        (datetime(2026, 11, 22, 18, 2, tzinfo=UTC), "yesterday, 18:02"),
        (datetime(2026, 11, 21, 18, 2, tzinfo=UTC), "21 Nov 2026, 18:02"),
    ],
)
def test_the_age_of_a_check_is_said_as_people_say_it(moment: datetime, shown: str) -> None:
    assert formats.format_checked(moment, datetime(2026, 11, 23, 9, 20, tzinfo=UTC), "en_GB", UTC) == shown


@pytest.mark.parametrize(
    ("text", "locale", "value"),
    [
        ("1 234,5", "en_GB", "1234.5"),
        ("1,234.50", "en_GB", "1234.50"),
        ("1234.5", "de_DE", "1234.5"),
        ("1.234", "de_DE", "1234"),
        ("1.234", "en_GB", "1.234"),
        ("1,234", "en_GB", "1234"),
        ("1,234", "de_DE", "1.234"),
        ("1.234.567", "en_GB", "1234567"),
        ("1.234.567,89", "en_GB", "1234567.89"),
        ("0,125", "en_GB", "0.125"),
        ("1'234.50", "de_CH", "1234.50"),
        ("−5", "en_GB", "-5"),
        ("£20.00", "en_GB", "20.00"),
        ("20,00 €", "de_DE", "20.00"),
        (",5", "de_DE", "0.5"),
        ("1234,567", "en_GB", "1234.567"),  # four figures before it are no thousands
        (",567", "en_GB", "0.567"),
        ("1\u202f234,5", "fr_FR", "1234.5"),
        ("１２", "en_GB", "12"),
        ("12,34,567.50", "en_IN", "1234567.5"),
        ("١٢٫٥", "ar", "12.5"),
        ("\u202d1,234.50\u202c", "en_GB", "1234.50"),  # as a calculator copies it
        ("\u200eCHF 20", "de_CH", "20"),
    ],
)
def test_a_number_is_understood_however_it_is_typed(text: str, locale: str, value: str) -> None:
    assert formats.parse_decimal(text, locale) == Decimal(value)


@pytest.mark.parametrize("locale", ["en_GB", "en_US", "de_DE", "de_CH", "fr_FR", "es_ES", "pt_BR", "lv_LV", "et_EE"])
@pytest.mark.parametrize(
    "currency", ["GBP", "EUR", "USD", "BRL", "CHF", "SEK", "PLN", "AUD", "CAD", "JPY", "KWD", "MXN"]
)
def test_an_amount_that_is_copied_from_a_page_can_be_read_back(locale: str, currency: str) -> None:
    for amount in (Decimal(1234), Decimal(-20)):
        shown = formats.format_money(amount, currency, locale)
        assert formats.parse_decimal(shown, locale) == amount
        assert formats.parse_decimal(shown, locale, currency) == amount
        coded = f"{currency}\u00a0{formats.format_amount(amount, currency, locale)}"
        assert formats.parse_decimal(coded, locale) == amount


@pytest.mark.parametrize("text", ["10k", "5 m", "1e5", "x10", "EUR", "½", "10 EUR 5"])
def test_letters_that_are_no_currency_make_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        formats.parse_decimal(text, "en_GB")


@pytest.mark.parametrize("text", ["5\t10", "5\t100", "12,50\t3", "1 5", "12 50", "1234 567", "5\u00a010", "1 234 5"])
@pytest.mark.parametrize("locale", ["en_GB", "de_DE", "fr_FR"])
def test_two_cells_of_a_sheet_are_no_number(text: str, locale: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        formats.parse_decimal(text, locale)
    assert formats.parse_decimal("\t1 234 567,5 \n", locale) == Decimal("1234567.5")


@pytest.mark.parametrize("text", ["5²", "100¹", "1½", "①0", "5'10", "12’5", "5'100'2", "5€50"])
@pytest.mark.parametrize("locale", ["en_GB", "de_CH"])
def test_a_raised_figure_and_an_apostrophe_that_groups_nothing_make_no_number(text: str, locale: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        formats.parse_decimal(text, locale)
    assert formats.parse_decimal("'1’234'567.50", locale) == Decimal("1234567.5")


@pytest.mark.parametrize(
    ("text", "own", "others"),
    [
        ("€1,000", "EUR", "GBP USD"),
        ("$1,000", "USD CAD AUD MXN", "GBP EUR"),
        ("£1,000", "GBP", "EUR USD"),
        ("¥1,000", "JPY CNY", "GBP"),
        ("USD 1,000", "USD", "CAD GBP"),
        ("1,000 EUR", "EUR", "GBP"),
        ("1,000", "GBP EUR", ""),
    ],
)
def test_an_amount_of_another_currency_is_none_of_this(text: str, own: str, others: str) -> None:
    assert [formats.parse_decimal(text, "en_GB", each) for each in own.split()] == [1000] * len(own.split())
    for each in others.split():
        with pytest.raises(ValueError, match="not a number"):
            formats.parse_decimal(text, "en_GB", each)


@pytest.mark.parametrize(
    "text", ["", "-", "abc", "1e5", "12 apples", "NaN", "Infinity", "1.2.3,4,5", "1,2,3", "1.23,456", "1" * 40]
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        formats.parse_decimal(text, "en_GB")


@pytest.mark.parametrize(
    ("text", "locale", "day"),
    [
        ("2026-12-07", "en_GB", date(2026, 12, 7)),
        ("7/12/2026", "en_GB", date(2026, 12, 7)),
        ("7/12/2026", "en_US", date(2026, 7, 12)),
        ("7.12.26", "de_DE", date(2026, 12, 7)),
        ("07.12.2026", "de_DE", date(2026, 12, 7)),
        ("7 Dec 2026", "en_GB", date(2026, 12, 7)),
        ("7 Sept 2026", "en_GB", date(2026, 9, 7)),
        ("Dec 7, 2026", "en_US", date(2026, 12, 7)),
        ("Dec 7, 2026", "de_DE", date(2026, 12, 7)),
        ("7 févr. 2026", "fr_FR", date(2026, 2, 7)),
        ("7. Dezember 2026", "de_DE", date(2026, 12, 7)),
        ("2026. gada 7. dec.", "lv_LV", date(2026, 12, 7)),
        ("7 de dez. de 2026", "pt_BR", date(2026, 12, 7)),
        ("2026/12/07", "ja_JP", date(2026, 12, 7)),
        ("7 Dec", "en_GB", date(2026, 12, 7)),
        ("7/1", "en_GB", date(2027, 1, 7)),
        ("+14", "en_GB", date(2026, 12, 7)),
        ("mardi 1 décembre 2026", "fr_FR", date(2026, 12, 1)),  # no 1 March
        ("mar. 1 déc. 2026", "fr_FR", date(2026, 12, 1)),
        ("martes, 1 de diciembre de 2026", "es_ES", date(2026, 12, 1)),
        ("mar 1 dic 2026", "it_IT", date(2026, 12, 1)),
        ("1 mar 2027", "it_IT", date(2027, 3, 1)),
        ("terça-feira, 1 de dezembro de 2026", "pt_BR", date(2026, 12, 1)),
        ("7 Dec 26", "en_CA", date(2026, 12, 7)),  # although figures alone begin with the year there
        ("7 dec 26", "sv_SE", date(2026, 12, 7)),
        ("26-12-07", "en_CA", date(2026, 12, 7)),
        ("31. dec. 26", "lv_LV", date(2026, 12, 31)),  # although the year comes first when dates are written out there
        ("31-Dec-26", "lv_LV", date(2026, 12, 31)),
        ("Dec-31-2026", "en_US", date(2026, 12, 31)),
        ("Dec 31 - 2026", "en_US", date(2026, 12, 31)),
        ("26. gada 31. dec.", "lv_LV", date(2026, 12, 31)),
        ("26. dec. 7.", "hu_HU", date(2026, 12, 7)),
        ("2ª feira, 7 de dezembro", "pt_BR", date(2026, 12, 7)),
        ("2a-feira, 7/12/2026", "pt_BR", date(2026, 12, 7)),
    ],
)
def test_a_date_is_understood_however_it_is_typed(text: str, locale: str, day: date) -> None:
    assert formats.parse_date(text, locale, today=TODAY) == day


@pytest.mark.parametrize(
    ("text", "today", "day"),
    [
        ("29 Feb", date(2028, 1, 15), date(2028, 2, 29)),
        ("29/2", date(2027, 12, 1), date(2028, 2, 29)),
        ("29/2", date(2028, 5, 1), date(2028, 2, 29)),
    ],
)
def test_the_29th_of_february_is_looked_for_in_a_leap_year(text: str, today: date, day: date) -> None:
    assert formats.parse_date(text, "en_GB", today=today) == day


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("1-15 Dec", "en_GB"),
        ("Dec 1-15", "en_US"),
        ("1.–5. Dezember", "de_DE"),
        ("1. bis 5. Dezember", "de_DE"),
        ("du 1er au 5 décembre", "fr_FR"),
        ("no 1. līdz 15. decembrim", "lv_LV"),
        ("1.-15. dets", "et_EE"),
        ("1 a 15 de dez.", "pt_BR"),
    ],
)
def test_two_days_of_one_month_are_not_a_day_and_a_year(text: str, locale: str) -> None:
    with pytest.raises(ValueError, match="not a date"):
        formats.parse_date(text, locale, today=TODAY)


def test_days_are_counted_from_the_other_date_when_there_is_one() -> None:
    assert formats.parse_date("+14", "en_GB", today=TODAY, after=date(2026, 12, 1)) == date(2026, 12, 15)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "31/2/2026",
        "7",
        "Dec",
        "2026",
        "7/12/0026",
        "7/12/99999",
        "1 2 3 4",
        "12-2026-1-2",
        "29 Feb",
        "1 May - 31 May",
        "mardi 1 December 2026",
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        formats.parse_date(text, "en_GB", today=TODAY)


@pytest.mark.parametrize(
    "text", ["7 Dec 2026 " + "and so on " * 400, " ".join(map(str, [*range(1, 32), *range(1900, 2200)]))]
)
def test_what_is_too_long_for_a_date_is_refused_before_anybody_looks_for_one_in_it(text: str) -> None:
    begun = process_time()
    for spaces in range(20):  # a form has a date on each line
        with pytest.raises(ValueError, match="not a date"):
            formats.parse_date(text + " " * spaces, "en_GB", today=TODAY)
    assert process_time() - begun < 2


def test_what_is_too_long_for_a_number_is_refused_before_anybody_reads_it() -> None:
    begun = process_time()
    for spaces in range(1000):
        with pytest.raises(ValueError, match="not a number"):
            formats.parse_decimal("1" + " " * (4000 + spaces) + "000", "en_GB")
    assert process_time() - begun < 2


@pytest.mark.parametrize(
    "locale",
    [
        "en_GB",
        "en_US",
        "de_DE",
        "fr_FR",
        "es_ES",
        "pt_BR",
        "lv_LV",
        "et_EE",
        "sv_SE",
        "ja",
        "th_TH",
        "he_IL",
        "hi_IN",
        "fa_IR",
    ],
)
def test_every_date_that_is_shown_can_be_read_back(locale: str) -> None:
    for month in range(1, 13):
        day = date(2026, month, 3 + month)
        assert formats.parse_date(formats.format_date(day, locale), locale, today=TODAY) == day


@pytest.mark.parametrize(
    ("month", "zone", "own", "shown"),
    [
        (1, "America/New_York", "America/New_York", "04:14"),
        (1, "America/New_York", "America/Los_Angeles", "04:14\u00a0EST"),
        (7, "America/New_York", "America/Los_Angeles", "05:14\u00a0EDT"),
        (1, "Europe/London", "Africa/Accra", "09:14"),  # the same clock in winter
        (7, "Europe/London", "Africa/Accra", "10:14\u00a0BST"),
        (1, "America/Sao_Paulo", "Europe/London", "06:14\u00a0UTC-03"),  # a zone without a name
    ],
)
def test_a_time_names_its_zone_where_the_readers_clock_shows_another_one(
    month: int, zone: str, own: str, shown: str
) -> None:
    moment = datetime(2026, month, 23, 9, 14, tzinfo=UTC)
    assert formats.format_time(moment, "en_GB", ZoneInfo(zone), own=ZoneInfo(own)) == shown
    assert formats.format_checked(moment, moment, "en_GB", ZoneInfo(zone), ZoneInfo(own)) == shown


def test_templates_take_the_reader_that_the_door_has_set() -> None:
    with formats.read_as("de_DE", ZoneInfo("Europe/Berlin")):
        assert formats.reader().locale == "de_DE"
        with formats.read_as("en_GB"):
            assert formats.reader().locale == "en_GB"
        assert formats.reader().locale == "de_DE"
    assert formats.reader() == formats.NOBODY
