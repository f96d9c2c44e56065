"""What QuickBooks offers for choosing: tax codes, items, currencies, terms, accounts, classes and locations.

The lists are kept in our store, see `kept_lists`; only the members that are used are kept. What is made of them has no
defaults: a list that an earlier version kept would never get what it did not ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any, cast

from django.utils import timezone

from integration_settings.errors import ConnectionExpired, Rejected, ServiceError
from integration_settings.kept_lists import (
    ONE_HOUR,
    TWO_WEEKS,
    Made,
    Row,
    Rows,
    kept,
    outdate,
    put_into_kept,
)
from integration_settings.models import Company, QuickBooksConnection
from integration_settings.profile import (
    current_profile,
    doubt_profile,
    profile_of,
    reference_value,
)
from integration_settings.quickbooks import QuickBooksClient, number_of
from integration_settings.side_by_side import SideBySide


@dataclass(frozen=True, slots=True)
class TaxRate:
    """`percentage` of the net amount; a reverse charge has a negative rate beside the positive one."""

    id: str
    name: str
    percentage: Decimal


@dataclass(frozen=True, slots=True)
class TaxCode:
    """A code that a sales line can carry. `percentage` is what all its rates together add to a net amount."""

    id: str
    name: str
    description: str
    percentage: Decimal
    active: bool
    rates: tuple[TaxRate, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """A product or service of QuickBooks; categories and bundles, which no line can name, are left out.

    `name` has its categories before it, "Doors:Installation", as there may be an "Installation" in each.
    """

    id: str
    name: str
    sku: str
    type: str
    active: bool
    price: Decimal | None
    tax_code_id: str
    taxable: bool

    @property
    def shown_name(self) -> str:
        """QuickBooks adds "(deleted)" to the name of an item that was made inactive."""
        return self.name if self.active else self.name.removesuffix(" (deleted)")


@dataclass(frozen=True, slots=True)
class Currency:
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Term:
    """`due_days` is None for terms that name a day of the month instead.

    That day is the next month's when the invoice is at most `next_month_days` before it.
    """

    id: str
    name: str
    due_days: int | None
    day_of_month: int | None
    next_month_days: int


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Tag:
    """A class or a location."""

    id: str
    name: str


FOLLOWED = {
    "Term": "terms",
    "Class": "classes",
    "Department": "locations",
    "CompanyCurrency": "currencies",
    "Account": "income_accounts",
}
"""Lists that are read anew once QuickBooks reports a change, by its names for what is in them. Changed items come along
with the report."""
UNTOLD = {FOLLOWED["Account"]}
"""Those of them that no notice names: accounts change with each booking, which would cost a look."""
US_TAX_CODES = (
    # Pseudo codes of every US company. https://developer.intuit.com/app/developer/qbo/docs/workflows/manage-sales-tax-for-us-locales
    {"id": "TAX", "name": "TAX", "description": "", "percentage": "0", "active": True, "rates": ()},
    {"id": "NON", "name": "NON", "description": "", "percentage": "0", "active": True, "rates": ()},
)
ON_AMOUNT, ON_AMOUNT_AND_TAX, ON_TAX = "TaxOnAmount", "TaxOnAmountPlusTax", "TaxOnTax"
PSEUDO_CODES = ("TAX", "NON", "CustomSalesTax")
NOTHING_LEFT = Decimal(-100)  # percent: of a price with such a tax in it nobody can tell what it is without
FIVE_MINUTES = timedelta(minutes=5)
AS_STORED = timedelta(days=36_500)  # a list as it was last read, however old
EVEN_INACTIVE = "Active in (true, false)"
NOT_ON_LINES = ("Category", "Group", "Bundle")


def tax_codes(company: Company, max_age: timedelta = TWO_WEEKS) -> list[TaxCode]:
    """Codes for sales, inactive ones included. For a US company TAX and NON, which stand on lines, and where QuickBooks
    does not choose the rate by itself also those of which an invoice names one.
    """
    connection = _connection_of(company)
    codes = [_tax_code(row) for row in US_TAX_CODES] if connection.country == "US" else []
    if connection.country != "US" or profile_of(connection).names_sales_tax:
        read = partial(_read_tax_codes, QuickBooksClient(connection))
        codes += kept(company, "tax_codes", read, _tax_code, max_age, books=connection)
    return codes


def _tax_code(row: Row) -> TaxCode:
    rates = (TaxRate(rate["id"], rate["name"], Decimal(rate["percentage"])) for rate in row["rates"])
    return TaxCode(**{**row, "percentage": Decimal(row["percentage"]), "rates": tuple(rates)})


def items(company: Company, max_age: timedelta = ONE_HOUR) -> list[Item]:
    """All items, inactive ones included, so that a page can say so."""
    connection = _connection_of(company)
    return _followed(connection, "items", _read_items, _item, max_age)


def item_from(answer: Mapping[str, Any]) -> Item:
    """One item of QuickBooks' JSON: https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/item"""
    return _item(_item_row(answer))


def doubt(connection: QuickBooksConnection) -> None:
    """QuickBooks refused something, or took it otherwise: the next form reads the profile and all lists anew but the
    items, of which there may be thousands.
    """
    doubt_lists(connection)
    doubt_profile(connection)


def doubt_lists(connection: QuickBooksConnection) -> None:
    outdate(connection.company_id, ["tax_codes", *FOLLOWED.values()])


def look_again(connection: QuickBooksConnection) -> bool:
    """Something stands in the way that may have been mended in QuickBooks: reads profile and tax codes anew, unless
    they are minutes old. Whether anything has changed; no `ServiceError` where they were read before.
    """
    company = connection.company
    before = profile_of(connection), tax_codes(company, AS_STORED)
    return before != (current_profile(connection, FIVE_MINUTES), tax_codes(company, FIVE_MINUTES))


def read_ahead(company: Company) -> None:
    """The lists that every form needs, before the first one opens; what QuickBooks does not tell now that one reads."""
    reads: tuple[Callable[[Company], object], ...] = (tax_codes, items, currencies, classes, locations)
    with SideBySide(len(reads)) as calls:
        for soon in [calls.start(read, company) for read in reads]:
            with suppress(ServiceError):
                soon.result()


def keep_items(connection: QuickBooksConnection, found: Iterable[Item]) -> None:
    """Items that were just created or changed stand in the kept list at once, without a read; one that became a
    category stands there no more.
    """
    found = list(found)
    rows = [
        {**asdict(item), "price": None if item.price is None else str(item.price)}
        for item in found
        if item.type not in NOT_ON_LINES
    ]
    if found and connection.row().exists():
        put_into_kept(connection.company_id, "items", rows, in_place_of={item.id for item in found})


def _item(row: Row) -> Item:
    return Item(**{**row, "price": Decimal(row["price"]) if row["price"] is not None else None})


def currencies(company: Company, max_age: timedelta = ONE_HOUR) -> list[Currency]:
    """The home currency first, then the active foreign ones; only the home currency without multicurrency."""
    connection = _connection_of(company)
    profile = profile_of(connection)
    home = Currency(profile.home_currency, "")
    if not profile.multicurrency:
        return [home]
    found = _followed(connection, "currencies", _read_currencies, _currency, max_age)
    return [home, *(currency for currency in found if currency.code != home.code)]


def terms(company: Company, max_age: timedelta = ONE_HOUR) -> list[Term]:
    """Active ones: an invoice cannot name another."""
    connection = _connection_of(company)
    return _followed(connection, "terms", _read_terms, _term, max_age)


def income_accounts(company: Company, max_age: timedelta = ONE_HOUR) -> list[Account]:
    connection = _connection_of(company)
    return _followed(connection, "income_accounts", _read_accounts, _account, max_age)


def classes(company: Company, max_age: timedelta = ONE_HOUR) -> list[Tag]:
    """Active classes, by their full names; none where the company tracks none."""
    connection = _connection_of(company)
    if not profile_of(connection).class_per:
        return []
    return _followed(connection, "classes", partial(_read_tags, entity="Class"), _tag, max_age)


def locations(company: Company, max_age: timedelta = ONE_HOUR) -> list[Tag]:
    """Active locations, which QuickBooks' API calls departments; none where the company tracks none."""
    connection = _connection_of(company)
    if not profile_of(connection).has_locations:
        return []
    return _followed(connection, "locations", partial(_read_tags, entity="Department"), _tag, max_age)


def _followed(
    connection: QuickBooksConnection,
    kind: str,
    read: Callable[[QuickBooksClient], Rows],
    make: Callable[[Row], Made],
    max_age: timedelta,
) -> list[Made]:
    """A list whose changes QuickBooks reports."""

    def asked() -> Rows:
        try:
            return read(QuickBooksClient(connection))
        except Rejected:  # the company has moved to an edition without it, perhaps
            doubt_profile(connection)
            raise

    known = connection.last_synced_at if kind in UNTOLD else connection.changes_known_until
    return kept(connection.company, kind, asked, make, max_age, books=connection, changes_known_until=known)


def _currency(row: Row) -> Currency:
    return Currency(**row)


def _term(row: Row) -> Term:
    return Term(**row)


def _account(row: Row) -> Account:
    return Account(**row)


def _tag(row: Row) -> Tag:
    return Tag(**row)


def _read_tags(client: QuickBooksClient, entity: str) -> Rows:
    rows = client.query_all(entity)
    tags = [{"id": str(row["Id"]), "name": str(row.get("FullyQualifiedName") or row.get("Name") or "")} for row in rows]
    return sorted(tags, key=lambda tag: tag["name"].casefold())


def _connection_of(company: Company) -> QuickBooksConnection:
    """The one that was read along with the company, as the door of our pages does, else from the database."""
    of_company = QuickBooksConnection._meta.get_field("company").remote_field
    connection: QuickBooksConnection | None
    if of_company.is_cached(company):
        connection = cast(QuickBooksConnection | None, of_company.get_cached_value(company))
    else:
        connection = QuickBooksConnection.objects.select_related("company").filter(company=company).first()
    if connection is None:
        raise ConnectionExpired("quickbooks", "not connected")
    return connection


def _read_tax_codes(client: QuickBooksClient) -> Rows:
    with SideBySide(1) as calls:
        codes_soon = calls.start(_tax_codes_of, client.connection)
        found = {str(rate["Id"]): rate for rate in _tax_rates(client)}
        codes = codes_soon.result()
    told = {rate_id: rate_value(rate) for rate_id, rate in found.items()}
    rates = {rate_id: value for rate_id, value in told.items() if value is not None}
    return [
        {
            "id": str(code["Id"]),
            "name": str(code.get("Name") or ""),
            "description": str(code.get("Description") or ""),
            "percentage": str(sales_percentage(code, rates)),
            "active": code.get("Active") is not False,
            "rates": [
                {"id": rate_id, "name": str(found.get(rate_id, {}).get("Name") or ""), "percentage": str(percentage)}
                for rate_id, percentage in sales_rates(code, rates)
            ],
        }
        for code in codes
        if (code.get("SalesTaxRateList") or {}).get("TaxRateDetail")
        and not code.get("Hidden")
        and str(code["Id"]) not in PSEUDO_CODES
        and (code.get("Active") is False or _is_understood(code, rates))
        and sales_percentage(code, rates) > NOTHING_LEFT
    ]


def _tax_rates(client: QuickBooksClient) -> list[dict[str, Any]]:
    """Inactive ones, too, which a code may still name. Intuit does not say that they can be asked for."""
    try:
        return client.query_all("TaxRate", EVEN_INACTIVE)
    except Rejected:
        return client.query_all("TaxRate")


def rate_value(rate: dict[str, Any]) -> Decimal | None:
    """Intuit's schema promises no `RateValue`; without one it is the last of the rates by time that has begun. None for
    one that is no number.
    """
    value = rate.get("RateValue")
    if value is None:
        today = timezone.now().date().isoformat()
        since = {str(each.get("EffectiveDate") or "")[:10]: each for each in rate.get("EffectiveTaxRate") or []}
        value = since[max(begun)].get("RateValue") if (begun := [day for day in since if day <= today]) else None
    return number_of(value or 0)


def _is_understood(code: dict[str, Any], rates: dict[str, Decimal]) -> bool:
    """Whether it can be told what the code adds. Of a rate that QuickBooks does not list, or that is counted in a way
    of which nothing is known, the form would promise another total than QuickBooks books.
    """
    details = code["SalesTaxRateList"]["TaxRateDetail"]
    return all(
        reference_value(detail.get("TaxRateRef")) in rates
        and str(detail.get("TaxTypeApplicable") or ON_AMOUNT) in (ON_AMOUNT, ON_AMOUNT_AND_TAX, ON_TAX)
        for detail in details
    )


def _tax_codes_of(connection: QuickBooksConnection) -> list[dict[str, Any]]:
    return QuickBooksClient(connection).query_all("TaxCode", EVEN_INACTIVE)


def sales_rates(code: dict[str, Any], rates: dict[str, Decimal]) -> list[tuple[str, Decimal]]:
    """(rate id, percentage of the net amount) of a code's rates for sales; some come on top of those before them.

    https://developer.intuit.com/app/developer/qbo/docs/workflows/manage-sales-tax-for-non-us-locales
    """
    details = (code.get("SalesTaxRateList") or {}).get("TaxRateDetail") or []
    whole = Decimal(0)
    parts = []
    for detail in sorted(details, key=lambda each: _whole(each.get("TaxOrder")) or 0):
        rate_id = reference_value(detail.get("TaxRateRef"))
        rate = rates.get(rate_id, Decimal(0))
        base = {ON_AMOUNT_AND_TAX: 100 + whole, ON_TAX: whole}.get(str(detail.get("TaxTypeApplicable")))
        part = rate if base is None else rate * base / 100
        parts.append((rate_id, part.normalize() + 0))
        whole += part
    return parts


def sales_percentage(code: dict[str, Any], rates: dict[str, Decimal]) -> Decimal:
    """What all rates of a code together add to a net amount."""
    return sum((part for _, part in sales_rates(code, rates)), Decimal(0)).normalize() + 0


def _read_items(client: QuickBooksClient) -> Rows:
    return [_item_row(item) for item in client.query_all("Item", EVEN_INACTIVE) if item.get("Type") not in NOT_ON_LINES]


def _item_row(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": str(item["Id"]),
        "name": str(item.get("FullyQualifiedName") or item.get("Name") or ""),
        "sku": str(item.get("Sku") or ""),
        "type": str(item.get("Type") or ""),
        "active": item.get("Active") is not False,
        "price": None if (price := number_of(item.get("UnitPrice"))) is None else str(price),
        "tax_code_id": reference_value(item.get("SalesTaxCodeRef")),
        "taxable": bool(item.get("Taxable")),
    }


def _read_currencies(client: QuickBooksClient) -> Rows:
    return [
        {"code": str(currency["Code"]), "name": str(currency.get("Name") or "")}
        for currency in client.query_all("CompanyCurrency")
        if currency.get("Active") is not False
    ]


def _read_terms(client: QuickBooksClient) -> Rows:
    return [
        {
            "id": str(term["Id"]),
            "name": str(term.get("Name") or ""),
            "due_days": _whole(term.get("DueDays")),
            "day_of_month": _whole(term.get("DayOfMonthDue")),
            "next_month_days": _whole(term.get("DueNextMonthDays")) or 0,
        }
        for term in client.query_all("Term")
        if term.get("Active") is not False
    ]


def _whole(value: Any) -> int | None:
    number = number_of(value)
    return None if number is None else int(number)


def _read_accounts(client: QuickBooksClient) -> Rows:
    return [
        {"id": str(account["Id"]), "name": str(account.get("FullyQualifiedName") or account.get("Name") or "")}
        for account in client.query_all("Account", "AccountType = 'Income' AND Active = true")
    ]
