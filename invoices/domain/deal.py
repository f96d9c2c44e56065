"""What we need to know of a Pipedrive deal, free of Pipedrive's JSON."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from invoices.domain.plain import plain_number


class Frequency(StrEnum):
    """How often a product of a deal is billed, where it is billed again and again."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    HALF_YEARLY = "semi-annually"
    YEARLY = "annually"


@dataclass(frozen=True, slots=True)
class Recurrence:
    """`cycles` is how many times in all, None when it goes on until somebody ends it."""

    frequency: Frequency
    cycles: int | None = None

    def goes_on_after(self, times: int) -> bool:
        return self.cycles is None or times < self.cycles


class TaxMethod(StrEnum):
    """How a deal's prices relate to tax; Pipedrive keeps one for all products of a deal."""

    EXCLUSIVE = "exclusive"
    INCLUSIVE = "inclusive"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address in parts; `text` is the whole as somebody typed it."""

    text: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""

    def __bool__(self) -> bool:
        return bool(self.text or self.line1 or self.line2) or self.names_place

    @property
    def names_place(self) -> bool:
        """Whether town or country stand apart from the rest, so that others can tell where it is."""
        return any((self.city, self.region, self.postal_code, self.country))


@dataclass(frozen=True, slots=True)
class Discount:
    """A percentage or an amount; of one line (the whole line, not one unit) or of the whole deal."""

    value: Decimal = Decimal(0)
    is_percentage: bool = False
    description: str = ""

    @property
    def text(self) -> str:
        """As drafts keep it: "5%" or "20", with a point for decimals; "" for none."""
        return f"{plain_number(self.value)}{'%' if self.is_percentage else ''}" if self.value else ""


@dataclass(frozen=True, slots=True)
class DealProduct:
    attachment_id: int
    product_id: int | None
    name: str
    quantity: Decimal
    unit_price: Decimal
    discount: Discount
    tax_percentage: Decimal
    enabled: bool
    code: str = ""
    comments: str = ""
    recurrence: Recurrence | None = None  # quantity and price are those of one time
    names_tax: bool = True  # Pipedrive may say nothing of it, which is no 0 %


@dataclass(frozen=True, slots=True)
class Party:
    """An organization or a person of Pipedrive, with the values of all its fields by field code."""

    id: int
    name: str
    values: dict[str, object]


def party_of(deal_id: int, organization_id: int | None, person_id: int | None) -> tuple[str, int]:
    """Whose customer a deal is: the organization's, else the person's, else its own."""
    if organization_id:
        return "organization", organization_id
    return ("person", person_id) if person_id else ("deal", deal_id)


@dataclass(frozen=True, slots=True)
class Deal:
    id: int
    title: str
    value: Decimal
    currency: str
    tax_method: TaxMethod
    products: tuple[DealProduct, ...]
    discounts: tuple[Discount, ...]
    organization: Party | None
    person: Party | None
    values: dict[str, object]

    @property
    def recurring(self) -> dict[int, Recurrence]:
        """What is billed again and again, by attachment id."""
        return {
            product.attachment_id: product.recurrence
            for product in self.products
            if product.enabled and product.recurrence
        }
