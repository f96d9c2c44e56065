"""What must be known of a QuickBooks company before any invoice: CompanyInfo and Preferences, boiled down."""

from __future__ import annotations

import logging
import uuid
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from integration_settings.clock import zone_called
from integration_settings.country_words import country_code
from integration_settings.errors import ConnectionExpired, RateLimited, ServiceUnavailable
from integration_settings.kept_lists import REST_AFTER_FAILURE, TWO_WEEKS, is_young
from integration_settings.models import PipedriveUser, QuickBooksConnection
from integration_settings.quickbooks import QuickBooksClient

log = logging.getLogger(__name__)

DOUBT = "doubt"  # in a kept profile, beside its members: which one was the last, see `doubt_profile`


@dataclass(frozen=True, slots=True)
class Profile:
    """What decides how an invoice has to look: from CompanyInfo and Preferences."""

    name: str = ""
    country: str = ""
    home_currency: str = ""
    multicurrency: bool = False
    uses_sales_tax: bool = False
    automated_sales_tax: bool = False  # US only: QuickBooks computes the tax when the invoice is saved
    usual_sales_tax_id: str = ""  # US without that: the tax code that the company usually charges
    custom_numbers: bool = False  # QuickBooks leaves the numbering to whoever writes the invoice
    allow_discount: bool = False
    discount_account_id: str = ""
    books_closed_until: date | None = None
    timezone: str = "UTC"
    own_fields: tuple[tuple[str, str], ...] = ()  # id and name of the company's own fields of sales forms
    class_per: str = ""  # "invoice" or "line" where classes are tracked
    has_locations: bool = False
    location_word: str = ""  # what the company calls a location
    has_service_dates: bool = False

    @property
    def is_us(self) -> bool:
        return self.country == "US"

    @property
    def names_sales_tax(self) -> bool:
        """One rate is chosen for the whole invoice: in the United States, where QuickBooks does not do it by itself."""
        return self.is_us and self.uses_sales_tax and not self.automated_sales_tax


def refresh_profile(connection: QuickBooksConnection) -> Profile:
    """Reads CompanyInfo and Preferences and stores them on the connection, unless it is one to other books by now;
    raises the errors of `errors`.
    """
    client, known = QuickBooksClient(connection), connection.profile.get(DOUBT)
    profile = profile_from(
        client.company_info(), client.preferences(), fallback_timezone=_timezone_of_users(connection)
    )
    closed = profile.books_closed_until
    connection.name = profile.name
    connection.country = profile.country
    connection.home_currency = profile.home_currency
    connection.timezone = profile.timezone
    columns = ("name", "country", "home_currency", "timezone", "profile")
    with transaction.atomic():
        doubt = (_locked(connection) or {}).get(DOUBT)
        connection.profile = {
            **asdict(profile),
            "books_closed_until": closed.isoformat() if closed else None,
            # What came may be from before a doubt that came meanwhile: then whoever needs it next reads it once more.
            "read_at": timezone.now().isoformat() if doubt == known else "",
            DOUBT: doubt,
        }
        connection.row().update(**{name: getattr(connection, name) for name in columns})
    return profile


def _locked(connection: QuickBooksConnection) -> dict[str, Any] | None:
    """The profile as it stands in the table."""
    rows = connection.row().select_for_update()
    return rows.values_list("profile", flat=True).first()


def profile_of(connection: QuickBooksConnection) -> Profile:
    """The profile as last read; nothing is asked of QuickBooks."""
    known = {name: value for name, value in connection.profile.items() if name in Profile.__dataclass_fields__}
    closed = known.get("books_closed_until")
    known["own_fields"] = tuple((str(field_id), str(name)) for field_id, name in known.get("own_fields") or ())
    known["books_closed_until"] = date.fromisoformat(closed) if closed else None
    return Profile(
        **{
            "name": connection.name,
            "country": connection.country,
            "home_currency": connection.home_currency,
            "timezone": connection.timezone or "UTC",
            **known,
        }
    )


def current_profile(connection: QuickBooksConnection, max_age: timedelta = TWO_WEEKS) -> Profile:
    """The profile, read again when it is older than `max_age`, or was kept by a version that did not ask for all of it;
    the old one when QuickBooks does not answer.
    """
    read_at = connection.profile.get("read_at")
    is_whole = Profile.__dataclass_fields__.keys() <= connection.profile.keys()
    if is_whole and read_at and is_young(datetime.fromisoformat(read_at), max_age):
        return profile_of(connection)
    resting = f"profile-failed:{connection.pk}"
    if not connection.profile or not cache.get(resting):
        try:
            return refresh_profile(connection)
        except (ServiceUnavailable, RateLimited, ConnectionExpired) as error:
            if not connection.profile:
                raise
            log.info("the earlier profile serves: %s", error)
            cache.set(resting, True, REST_AFTER_FAILURE)
    return profile_of(connection)


def doubt_profile(connection: QuickBooksConnection) -> None:
    """Something in it may have changed: whoever needs it next reads it anew; until then the old one serves."""
    with transaction.atomic():
        if kept := _locked(connection):  # it may have been read since this object was
            connection.profile = {**kept, "read_at": "", DOUBT: uuid.uuid4().hex}
            connection.row().update(profile=connection.profile)


def profile_from(company_info: dict[str, Any], preferences: dict[str, Any], *, fallback_timezone: str) -> Profile:
    """The two answers as a `Profile`; members that a company's edition leaves out count as off."""
    sales, tax = _part(preferences, "SalesFormsPrefs"), _part(preferences, "TaxPrefs")
    currency, books = _part(preferences, "CurrencyPrefs"), _part(preferences, "AccountingInfoPrefs")
    home = currency.get("HomeCurrency")
    place = zone_called(str(company_info.get("DefaultTimeZone") or ""))
    return Profile(
        name=str(company_info.get("CompanyName") or company_info.get("LegalName") or ""),
        country=country_code(str(company_info.get("Country") or ""))[:2].upper(),  # addresses have "USA" by now
        home_currency=str((home or {}).get("value") if isinstance(home, dict) else home or "")[:3],
        multicurrency=bool(currency.get("MultiCurrencyEnabled")),
        uses_sales_tax=bool(tax.get("UsingSalesTax")),
        automated_sales_tax=bool(tax.get("PartnerTaxEnabled")),
        usual_sales_tax_id=reference_value(tax.get("TaxGroupCodeRef")),
        custom_numbers=bool(sales.get("CustomTxnNumbers")),
        allow_discount=bool(sales.get("AllowDiscount")),
        discount_account_id=reference_value(sales.get("DefaultDiscountAccount")),
        books_closed_until=_day(books.get("BookCloseDate")),
        timezone=place.key if place else fallback_timezone,
        own_fields=_own_fields(sales),
        class_per=_class_per(books),
        has_locations=bool(books.get("TrackDepartments")),
        location_word=str(books.get("DepartmentTerminology") or "")[:40],
        has_service_dates=bool(sales.get("AllowServiceDate")),
    )


def _day(told: Any) -> date | None:
    """None as well for "0000-00-00" and whatever else is no day: QuickBooks itself refuses what its books are closed
    for, and without a profile nobody could write any invoice.
    """
    try:
        return date.fromisoformat(str(told or "")[:10])
    except ValueError:
        return None


def _class_per(books: dict[str, Any]) -> str:
    if books.get("ClassTrackingPerTxnLine"):
        return "line"
    return "invoice" if books.get("ClassTrackingPerTxn") else ""


def _own_fields(sales: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Which of the three are on and what they are called: QuickBooks tells it as settings named by their number.

    https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/preferences
    """
    told: dict[str, Any] = {}
    for group in _rows(sales.get("CustomField")):
        for setting in _rows(group.get("CustomField")):
            name = str(setting.get("Name") or "").rpartition(".")[2]
            told[name] = setting.get("BooleanValue", setting.get("StringValue"))
    numbers = ("1", "2", "3")
    return tuple(
        (number, str(told[f"SalesCustomName{number}"])[:40])
        for number in numbers
        if told.get(f"UseSalesCustom{number}") in (True, "true") and told.get(f"SalesCustomName{number}")
    )


def _rows(value: Any) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _timezone_of_users(connection: QuickBooksConnection) -> str:
    """QuickBooks does not always tell the company's time zone; an administrator's of Pipedrive is the best guess."""
    users = PipedriveUser.objects.filter(company_id=connection.company_id).order_by("-is_admin", "connected_at")
    return next((user.timezone for user in users if zone_called(user.timezone)), "UTC")


def _part(preferences: dict[str, Any], name: str) -> dict[str, Any]:
    found = preferences.get(name)
    return found if isinstance(found, dict) else {}


def reference_value(value: Any) -> str:
    """QuickBooks writes references as {"value": "12"} and, in some preferences, as plain text."""
    return str((value.get("value") if isinstance(value, dict) else value) or "")
