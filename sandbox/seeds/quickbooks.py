"""The companies of the stand-in QuickBooks, with dates relative to the clock's today."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from ..clock import Clock
from ..quickbooks import books as b
from ..quickbooks import customers, estimates, invoices, items, terms
from ..quickbooks.wire import Row
from . import PAIRS, quickbooks_au, quickbooks_ca, quickbooks_gb, quickbooks_us

COUNTRIES: dict[str, Callable[[b.Books], None]] = {
    "GB": quickbooks_gb.fill,
    "US": quickbooks_us.fill,
    "AU": quickbooks_au.fill,
    "CA": quickbooks_ca.fill,
}
AGE_OF_COMPANY = 700


class Past(Clock):
    """A clock that runs some days behind the real one."""

    def __init__(self, real: Clock, days: float) -> None:
        super().__init__()
        self.real = real
        self.days = days

    def now(self) -> datetime:
        return self.real.now() - timedelta(days=self.days)


def companies(clock: Clock) -> list[b.Books]:
    return [company(clock, realm, country) for realm, country in zip(PAIRS.values(), COUNTRIES, strict=True)]


def company(clock: Clock, realm: str, country: str, suffix: str = "") -> b.Books:
    """The books of a country's company under a realm of one's choice; the suffix marks a copy."""
    books = b.Books(Past(clock, AGE_OF_COMPANY), realm, country)
    COUNTRIES[country](books)
    books.company["CompanyName"] += suffix
    books.clock = clock
    return books


# -- what the countries' modules are made of ----


def days_ago(books: b.Books, days: float) -> None:
    """From here on everything happens so many days ago. The days of one company come in falling order, like time."""
    if isinstance(books.clock, Past):
        books.clock.days = days


def add(books: b.Books, entity: str, row: Row) -> str:
    """A row of a list that the API only reads."""
    identity = row.get("Id") or books.new_id(entity)
    books.table(entity).put({**row, "domain": "QBO", "sparse": False, "Id": identity}, books.now())
    return str(identity)


def account(books: b.Books, name: str, kind: str, detail: str, classification: str) -> str:
    return add(
        books,
        "Account",
        {
            "Name": name,
            "SubAccount": False,
            "FullyQualifiedName": name,
            "Active": True,
            "Classification": classification,
            "AccountType": kind,
            "AccountSubType": detail,
            "CurrentBalance": Decimal(0),
            "CurrentBalanceWithSubAccounts": Decimal(0),
            "CurrencyRef": {"value": books.home},
        },
    )


def term(books: b.Books, name: str, days: int, active: bool = True) -> str:
    row = {"Name": name, "Active": active, "Type": "STANDARD", "DiscountPercent": 0, "DueDays": days, "DiscountDays": 0}
    return add(books, "Term", terms.checked(row))


def month_term(books: b.Books, name: str, day: int, margin: int) -> str:
    row = {
        "Name": name,
        "Active": True,
        "Type": "DATE_DRIVEN",
        "DiscountPercent": 0,
        "DayOfMonthDue": day,
        "DueNextMonthDays": margin,
    }
    return add(books, "Term", terms.checked(row))


def tax_rate(books: b.Books, name: str, percent: str, agency: str, special: str = "NONE") -> str:
    return add(
        books,
        "TaxRate",
        {
            "Name": name,
            "Description": name,
            "Active": True,
            "RateValue": Decimal(percent),
            "AgencyRef": {"value": agency},
            "SpecialTaxType": special,
            "EffectiveTaxRate": [{"RateValue": Decimal(percent), "EffectiveDate": "2011-01-04T00:00:00-08:00"}],
            "DisplayType": "ReadOnly",
        },
    )


def tax_code(books: b.Books, name: str, rates: Iterable[str], purchase: Iterable[str] = (), active: bool = True) -> str:
    def listed(given: Iterable[str]) -> Row:
        return {
            "TaxRateDetail": [
                {
                    "TaxRateRef": {"value": rate, "name": books.table("TaxRate").rows[rate]["Name"]},
                    "TaxTypeApplicable": "TaxOnAmount",
                    "TaxOrder": 0,
                }
                for rate in given
            ]
        }

    code = {"Name": name, "Description": name, "Active": active, "Hidden": False, "Taxable": True, "TaxGroup": True}
    return add(books, "TaxCode", {**code, "SalesTaxRateList": listed(rates), "PurchaseTaxRateList": listed(purchase)})


def agency(books: b.Books, name: str) -> str:
    return add(books, "TaxAgency", {"DisplayName": name, "TaxTrackedOnSales": True, "TaxTrackedOnPurchases": True})


def named(books: b.Books, entity: str, *names: str) -> None:
    for name in names:
        add(books, entity, {"Name": name, "FullyQualifiedName": name, "Active": True})


def payment_methods(books: b.Books) -> None:
    for name, kind in (
        ("Cash", "NON_CREDIT_CARD"),
        ("Cheque" if books.country in ("GB", "CA") else "Check", "NON_CREDIT_CARD"),
        ("Visa", "CREDIT_CARD"),
    ):
        add(books, "PaymentMethod", {"Name": name, "Active": True, "Type": kind})


def vendor(books: b.Books, name: str) -> None:
    person(
        books,
        "Vendor",
        name,
        {"Balance": Decimal(0), "Vendor1099": False, "CurrencyRef": {"value": books.home}, "CompanyName": name},
    )


def employee(books: b.Books, given: str, family: str) -> None:
    person(books, "Employee", f"{given} {family}", {"GivenName": given, "FamilyName": family, "BillableTime": False})


def person(books: b.Books, entity: str, name: str, more: Row) -> None:
    identity = add(books, entity, {**more, "DisplayName": name, "PrintOnCheckName": name, "Active": True})
    books.taken_names[name.casefold()] = (entity, identity)


def postal(line: str, city: str, state: str, code: str, country: str) -> Row:
    found = {"Line1": line, "City": city, "CountrySubDivisionCode": state, "PostalCode": code, "Country": country}
    return {name: value for name, value in found.items() if value}


def customer(books: b.Books, name: str, email: str = "", address: Row | None = None, **more: object) -> str:
    """Through the same door as the API. Returns the id."""
    body: Row = {"DisplayName": name, "CompanyName": name[:100], **more}
    if email:
        body["PrimaryEmailAddr"] = {"Address": email}
    if address:
        body["BillAddr"] = address
    return str(customers.save(books, body)["Id"])


def item(
    books: b.Books, name: str, price: str, account_id: str, *, sku: str = "", kind: str = "Service", **more: object
) -> str:
    body: Row = {"Name": name, "Type": kind, "UnitPrice": Decimal(price), **more}
    if kind != "Category":
        body["IncomeAccountRef"] = {"value": account_id}
    if sku:
        body["Sku"] = sku
    return str(items.save(books, body)["Id"])


def make_inactive(books: b.Books, entity: str, identity: str) -> None:
    save = customers.save if entity == "Customer" else items.save
    token = books.table(entity).rows[identity]["SyncToken"]
    save(books, {"Id": identity, "SyncToken": token, "sparse": True, "Active": False})


def invoice(
    books: b.Books, customer_id: str, sold: Iterable[tuple[str, str, str, str]], days: int = 30, **more: object
) -> Row:
    """An invoice of the clock's today, due after so many days; lines are (item, quantity, price, tax code)."""
    due = (books.today() + timedelta(days=days)).isoformat()
    return invoices.save(books, sale(books, customer_id, sold) | {"DueDate": due, **more})


def estimate(
    books: b.Books,
    customer_id: str,
    sold: Iterable[tuple[str, str, str, str]],
    *beside: Row,
    days: int = 30,
    **more: object,
) -> Row:
    """An estimate of the clock's today that ends after so many days; `beside` are lines that sell nothing."""
    body = sale(books, customer_id, sold)
    ends = (books.today() + timedelta(days=days)).isoformat()
    return estimates.save(books, body | {"Line": [*body["Line"], *beside], "ExpirationDate": ends, **more})


def sale(books: b.Books, customer_id: str, sold: Iterable[tuple[str, str, str, str]]) -> Row:
    """What a request says of a sale of the clock's today; lines are (item, quantity, price, tax code)."""
    lines = [
        {
            "DetailType": "SalesItemLineDetail",
            "Amount": (Decimal(quantity) * Decimal(price)).quantize(Decimal("0.01")),
            "Description": books.table("Item").rows[item_id]["Name"],
            "SalesItemLineDetail": {
                "ItemRef": {"value": item_id},
                "Qty": Decimal(quantity),
                "UnitPrice": Decimal(price),
                "TaxCodeRef": {"value": code},
            },
        }
        for item_id, quantity, price, code in sold
    ]
    currency = books.table("Customer").rows[customer_id]["CurrencyRef"]["value"]
    return {
        "CustomerRef": {"value": customer_id},
        "CurrencyRef": {"value": currency},
        "TxnDate": books.today().isoformat(),
        "Line": lines,
        **({} if books.american else {"GlobalTaxCalculation": "TaxExcluded"}),
    }
