"""Tax: which code a line gets and why, and what an invoice adds up to before QuickBooks says so."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class TaxReason(StrEnum):
    """Why a tax code is proposed; `TaxProposal.percentage` is the one it speaks of."""

    PRODUCT_TAX = "product_tax"  # "Product tax is 20%"
    ITEM = "item"  # the QuickBooks item says so
    NO_CODE_FITS = "no_code_fits"  # "Product tax is 17%, no QuickBooks code has that"; nothing is proposed
    UNKNOWN_PERCENTAGE = "unknown_percentage"  # the line comes from no product; nothing is proposed
    NO_TAX = "no_tax"  # the company or the invoice is without tax


@dataclass(frozen=True, slots=True)
class TaxProposal:
    code_id: str
    reason: TaxReason
    percentage: Decimal | None = None
    code_name: str = ""


@dataclass(frozen=True, slots=True)
class TaxLine:
    """One row of the totals: `name` of the code as QuickBooks prints it, its base without tax, and the tax on it."""

    name: str
    percentage: Decimal
    base: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """What the invoice adds up to, in the draft's currency.

    `before_discount`, the discounts and `line_amounts` are as the lines show them: with tax when the prices include it.
    `net` is without tax. `tax_known` is False when QuickBooks works out the tax itself; then `total` is "before tax".
    """

    currency: str
    line_amounts: tuple[Decimal, ...]
    before_discount: Decimal
    line_discounts: Decimal
    invoice_discount: Decimal
    net: Decimal
    tax_lines: tuple[TaxLine, ...]
    tax: Decimal
    total: Decimal
    tax_known: bool
