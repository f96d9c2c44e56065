"""What the domain needs to know of a company's books; its lists have the shape that the stored reference lists have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

TAXABLE, NOT_TAXABLE = "TAX", "NON"  # what US companies have in place of tax codes
NEVER_SOLD = ("Category", "Group")  # kinds of items that cannot stand on an invoice's line


class TaxRate(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def percentage(self) -> Decimal: ...


class TaxCode(Protocol):
    """A code bundles rates: one as a rule, none for exempt, two that cancel each other out for a reverse charge."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def percentage(self) -> Decimal: ...
    @property
    def active(self) -> bool: ...
    @property
    def rates(self) -> Sequence[TaxRate]: ...


class Item(Protocol):
    """Those in a company's list are no categories and groups; what is found by its name alone may be one."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def shown_name(self) -> str: ...
    @property
    def sku(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def active(self) -> bool: ...
    @property
    def tax_code_id(self) -> str: ...
    @property
    def taxable(self) -> bool: ...


def can_be_sold(item: Item) -> bool:
    return item.active and item.type not in NEVER_SOLD


class ClassPer(StrEnum):
    """Where QuickBooks wants the class, by the company's setting."""

    NOTHING = ""
    INVOICE = "invoice"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class OwnField:
    """One of up to three fields that a company has added to its sales forms, a PO number for instance."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Books:
    """The habits of one QuickBooks company, as far as an invoice depends on them."""

    country: str
    home_currency: str
    multicurrency: bool = False
    uses_sales_tax: bool = True
    automated_sales_tax: bool = True  # US only: QuickBooks works out the tax when the invoice is saved
    usual_sales_tax_id: str = ""  # US without that: the rate that the company usually charges
    custom_numbers: bool = False
    allow_discount: bool = True
    discount_account_id: str = ""
    closed_until: date | None = None
    own_fields: tuple[OwnField, ...] = ()
    class_per: ClassPer = ClassPer.NOTHING
    has_locations: bool = False
    has_service_dates: bool = False

    @property
    def names_currency(self) -> bool:
        """Whether an invoice names its currency: with several of them, and where its settings name none. It would
        take any amount for one of its own, and refuses the name of another.
        """
        return self.multicurrency or not self.home_currency

    @property
    def american(self) -> bool:
        """US companies mark lines as taxable or not; everybody else names a tax code on every line."""
        return self.country == "US"

    @property
    def names_sales_tax(self) -> bool:
        """US companies without automated sales tax choose one rate for the whole invoice."""
        return self.american and self.uses_sales_tax and not self.automated_sales_tax

    @property
    def needs_tax_codes(self) -> bool:
        return self.uses_sales_tax and not self.american
