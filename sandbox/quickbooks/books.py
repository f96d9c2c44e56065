"""The books of one company: its tables, numbers, settings and what it has answered before."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ..clock import Clock
from . import money, refusals
from .tables import Table
from .wire import PACIFIC, Row, date_from

TRANSACTIONS = ("Invoice", "Payment", "CreditMemo", "Estimate")
NAMES = ("Customer", "Vendor", "Employee")
LISTS = (
    "Item", "Account", "Term", "TaxCode", "TaxRate", "TaxAgency", "Class", "Department", "CompanyCurrency",
    "PaymentMethod", "ExchangeRate", "RecurringTransaction", "Attachable",
)  # fmt: skip
INDEXES: dict[str, tuple[str, ...]] = {
    "Invoice": ("DocNumber", "CustomerRef"),
    "Payment": ("CustomerRef",),
    "CreditMemo": ("CustomerRef",),
    "Estimate": ("CustomerRef",),
    "Customer": ("DisplayName",),
    "Item": ("Name", "Sku"),
}
OWED_BY = {"Invoice": ("Balance", 1), "Payment": ("UnappliedAmt", -1), "CreditMemo": ("Balance", -1)}
"""The member of a transaction that counts towards its customer's balance, and its sign."""
REMEMBERED_REQUESTS = 200_000


class Books:
    """`realm` is the company's id. All writing goes through the modules named after the entities."""

    def __init__(self, clock: Clock, realm: str, seed: str) -> None:
        self.clock = clock
        self.realm = realm
        self.seed = seed
        self.tables = {name: Table(name, INDEXES.get(name, ())) for name in (*TRANSACTIONS, *NAMES, *LISTS)}
        self.company: Row = {}
        self.preferences: Row = {}
        self.counters: dict[str, int] = {}
        self.next_number = 1001
        self.next_estimate = 1001
        self.rates: dict[str, Decimal] = {}
        """Home units for one unit of a foreign currency."""
        self.taken_names: dict[str, tuple[str, str]] = {}
        """Display name without case -> (entity, id), over customers, vendors and employees, active or not."""
        self.tax_ids: dict[str, str] = {}
        """Tax identifiers as they were written; the API answers them masked."""
        self.answered: OrderedDict[str, tuple[int, bytes]] = OrderedDict()
        self.files: dict[str, bytes] = {}
        """The content of each `Attachable`, by its id."""
        self.outbox: list[Row] = []
        """E-mails that would have been sent."""
        self.refusing: str | None = None
        """`subscription` or `rights`: every call is refused for that reason."""
        self.tell: Callable[[str, str, str, str], None] = lambda realm, entity, identity, operation: None
        """Hears of every change, see `notices`."""

    # -- settings ----

    @property
    def country(self) -> str:
        return str(self.company["Country"])

    @property
    def home(self) -> str:
        return str(self.preferences["CurrencyPrefs"]["HomeCurrency"]["value"])

    @property
    def multicurrency(self) -> bool:
        return bool(self.preferences["CurrencyPrefs"]["MultiCurrencyEnabled"])

    @property
    def taxed(self) -> bool:
        return bool(self.preferences["TaxPrefs"]["UsingSalesTax"])

    @property
    def american(self) -> bool:
        return self.country == "US"

    @property
    def automated(self) -> bool:
        """Automated sales tax: the service chooses the rate by itself."""
        return bool(self.preferences["TaxPrefs"].get("PartnerTaxEnabled"))

    def sales_setting(self, name: str) -> Any:
        return self.preferences["SalesFormsPrefs"].get(name)

    # -- time and numbers ----

    def now(self) -> datetime:
        return self.clock.now()

    def today(self) -> date:
        """The server's date, which is Pacific whatever the company's country."""
        return self.clock.today(PACIFIC)

    def new_id(self, entity: str) -> str:
        """Transactions share one sequence, names another, each list has its own: like the vendor's ids."""
        family = "transactions" if entity in TRANSACTIONS else "names" if entity in NAMES else entity
        self.counters[family] = self.counters.get(family, 0) + 1
        return str(self.counters[family])

    def take_number(self) -> str:
        """The next document number that no invoice has."""
        taken = self.tables["Invoice"].indexes["DocNumber"]
        while taken.get(str(self.next_number)):
            self.next_number += 1
        self.next_number += 1
        return str(self.next_number - 1)

    def refuse_closed(self, day: str) -> None:
        closed = self.preferences["AccountingInfoPrefs"].get("BookCloseDate")
        if closed and date_from(day) <= date_from(closed):
            raise refusals.books_closed(closed)

    # -- rows ----

    def table(self, entity: str) -> Table:
        return self.tables[entity]

    def get(self, entity: str, identity: object) -> Row:
        """A row for reading or changing. Raises 2030 for an impossible id and 610 for one that is not there."""
        if entity in (*TRANSACTIONS, *NAMES, "Item", "Account") and not str(identity).isdigit():
            raise refusals.invalid_id(identity)
        row = self.tables[entity].rows.get(str(identity))
        if row is None:
            raise refusals.not_found()
        return row

    def refer(self, entity: str, reference: object, element: str) -> Row:
        """The active row that a reference of a request names. Raises 2020, 2500 or 610."""
        identity = reference.get("value") if isinstance(reference, dict) else None
        if not identity:
            raise refusals.required(f"{element}.value")
        row = self.tables[entity].rows.get(str(identity))
        if row is None:
            raise refusals.unknown_name() if entity in NAMES else refusals.invalid_reference(element)
        if row.get("Active") is False:
            raise refusals.not_found()
        return row

    def for_update(self, entity: str, body: Row) -> Row:
        """The row that a request changes. Raises 2020 without SyncToken, 5010 for a stale one."""
        row = self.get(entity, body["Id"])
        if body.get("SyncToken") in (None, ""):
            raise refusals.required("SyncToken")
        if str(body["SyncToken"]) != row["SyncToken"]:
            raise refusals.stale()
        return row

    # -- writing ----

    def store(self, entity: str, row: Row, *, keep_token: bool = False) -> Row:
        """Writes a row; what it changes in the customer's balance follows."""
        before = self.tables[entity].rows.get(row["Id"])
        self.tables[entity].put(row, self.now(), keep_token=keep_token)
        if entity in OWED_BY:
            self.balance(entity, before, row)
        self.tell(self.realm, entity, row["Id"], "updated" if before else "created")
        return row

    def drop(self, entity: str, identity: str) -> Row:
        """Deletes a row; returns what the API answers to that."""
        before = self.tables[entity].rows[identity]
        self.tables[entity].remove(identity, self.now())
        if entity in OWED_BY:
            self.balance(entity, before, None)
        self.tell(self.realm, entity, identity, "deleted")
        return {"domain": "QBO", "status": "Deleted", "Id": identity}

    def balance(self, entity: str, before: Row | None, after: Row | None) -> None:
        """Moves customers' balances. The time of change moves with them, the SyncToken does not."""
        member, sign = OWED_BY[entity]
        changes: dict[str, Decimal] = {}
        for row, direction in ((before, -sign), (after, sign)):
            if row is not None:
                customer = row["CustomerRef"]["value"]
                changes[customer] = changes.get(customer, Decimal(0)) + direction * row[member]
        for customer, change in changes.items():
            if change:
                row = self.tables["Customer"].rows[customer]
                total = row["Balance"] + change
                self.tables["Customer"].put(
                    {**row, "Balance": total, "BalanceWithJobs": total}, self.now(), keep_token=True
                )

    # -- currency ----

    def rate(self, currency: str) -> Decimal:
        return Decimal(1) if currency == self.home else self.rates.get(currency, Decimal(1))

    def add_currency(self, code: str) -> None:
        """A currency that a new customer brings along joins the company's list."""
        table = self.tables["CompanyCurrency"]
        if code != self.home and not any(row["Code"] == code for row in table.rows.values()):
            row = {"Code": code, "Name": money.NAMES.get(code, code), "Active": True, "domain": "QBO", "sparse": False}
            self.store("CompanyCurrency", {**row, "Id": self.new_id("CompanyCurrency")})

    # -- request ids ----

    def remember(self, request_id: str, status: int, body: bytes) -> None:
        self.answered[request_id] = (status, body)
        if len(self.answered) > REMEMBERED_REQUESTS:
            self.answered.popitem(last=False)


def name_of(entity: str, row: Row) -> str:
    return str(row["DisplayName"] if entity in NAMES else row.get("FullyQualifiedName") or row.get("Name"))


def link(row: Row, entity: str) -> dict[str, str]:
    """How an answer refers to a row."""
    return {"value": row["Id"], "name": name_of(entity, row)}
