"""What we are about to bill, frozen: made from a deal, edited by a person, sent to QuickBooks, kept as evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from invoices.domain.deal import Address


class AmountsAre(StrEnum):
    """How the prices on the lines relate to tax. US companies always use WITHOUT_TAX_SETTING."""

    TAX_EXCLUSIVE = "exclusive"
    TAX_INCLUSIVE = "inclusive"
    NO_TAX = "none"
    WITHOUT_TAX_SETTING = "us"


@dataclass(frozen=True, slots=True)
class BillTo:
    """The customer: an existing one by its QuickBooks id, or a new one to be created under `name`."""

    customer_id: str
    name: str
    email: str = ""
    address: Address = field(default_factory=Address)
    tax_id: str = ""

    @property
    def is_new(self) -> bool:
        return not self.customer_id


@dataclass(frozen=True, slots=True)
class DraftLine:
    """One line. `unit_price` is as the person sees it: with or without tax by the draft's `amounts_are`.

    `discount` is the amount taken off the whole line, `discount_text` what the person typed ("5%", "20").
    `tax_code_id` is QuickBooks' id of the tax code, or TAX and NON in US companies.
    """

    description: str
    item_id: str
    quantity: Decimal
    unit_price: Decimal
    discount: Decimal
    tax_code_id: str
    tax_percentage: Decimal
    discount_text: str = ""
    product_id: int | None = None
    attachment_id: int | None = None


@dataclass(frozen=True, slots=True)
class InvoiceDraft:
    deal_id: int
    bill_to: BillTo
    currency: str
    exchange_rate: Decimal | None
    invoice_date: date
    due_date: date
    amounts_are: AmountsAre
    lines: tuple[DraftLine, ...]
    number: str = ""
    discount_percentage: Decimal | None = None
    discount_amount: Decimal | None = None
    memo: str = ""
    private_note: str = ""
    expected_total: Decimal | None = None
