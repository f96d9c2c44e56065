"""An estimate in QuickBooks, and the invoice that is made of it.

Choosing one takes its lines over, since "quote to invoice" means to bill what was offered: description, item, quantity,
price, tax code and service date of each line, the discount on the whole, how prices relate to tax, class, location and
the company's own fields. A person may change all of that. What an invoice of ours has no place for is counted in
`left_out`, and told. The dates, the texts to the customer and the rate of a foreign currency are the invoice's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from invoices.domain.books import Books, ClassPer
from invoices.domain.draft import AmountsAre, BillTo, DraftLine, Extras, FromEstimate, InvoiceDraft
from invoices.domain.money import round_amount, unit_price_for
from invoices.domain.plain import plain_number

OPEN = ("Pending", "Accepted")


class LeftOut(StrEnum):
    """What of an estimate an invoice of ours does not have so."""

    TEXTS = "texts"  # lines that sell nothing
    SUBTOTALS = "subtotals"  # between the lines
    BUNDLES = "bundles"  # told as the lines that they are made of
    CLASSES = "classes"  # the lines have several
    TAX_BEFORE_DISCOUNT = "tax_before_discount"  # US: the invoice's tax is on what is left after the discount
    OTHERS = "others"  # lines that cannot be read


@dataclass(frozen=True, slots=True)
class OfferedLine:
    """A line as QuickBooks tells it: `amount` without tax, `gross` with it where the prices include it. `quantity` and
    `unit_price` are None on lines that have an amount alone.
    """

    description: str
    item_id: str
    quantity: Decimal | None
    unit_price: Decimal | None
    amount: Decimal
    gross: Decimal | None = None
    tax_code_id: str = ""
    class_id: str = ""
    service_date: date | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """As QuickBooks tells it; `tax` is in `total`. At most one of the discounts is given, the amount without tax."""

    id: str
    number: str
    status: str  # "Pending", "Accepted", "Rejected", "Closed"
    customer_id: str
    customer_name: str
    currency: str  # "" where QuickBooks does not name the one of the books
    total: Decimal | None  # None cannot be read
    tax: Decimal
    day: date | None
    ends_on: date | None
    prices: AmountsAre | None  # where QuickBooks says so
    lines: tuple[OfferedLine, ...] = ()
    discount_percentage: Decimal | None = None
    discount_amount: Decimal | None = None
    tax_after_discount: bool = False
    sales_tax_id: str = ""
    class_id: str = ""
    location_id: str = ""
    own_fields: tuple[tuple[str, str], ...] = ()
    left_out: Mapping[LeftOut, int] | None = None
    invoice_ids: tuple[str, ...] = ()  # that were made of it

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    def still_says(self, chosen: FromEstimate, customer_id: str) -> bool:
        """Whether it is what somebody chose, for the customer who is billed now."""
        same = self.total == chosen.total and self.currency in ("", chosen.currency)
        return same and self.customer_id == customer_id


@dataclass(frozen=True, slots=True)
class TakenOver:
    """The estimate as the draft of an invoice. Its dates are the estimate's, and no invoice gets them."""

    draft: InvoiceDraft
    left_out: tuple[tuple[str, int], ...] = ()  # `LeftOut`, and how often


def taken_over(estimate: Estimate, books: Books, today: date) -> TakenOver:
    """Raises ValueError for one whose total cannot be read."""
    if estimate.total is None:
        raise ValueError("an estimate without a total")
    prices, currency = _prices(estimate, books), estimate.currency or books.home_currency
    left_out = Counter(estimate.left_out or {})
    discounted = bool(estimate.discount_percentage or estimate.discount_amount)
    if books.american and books.uses_sales_tax and discounted and not estimate.tax_after_discount:
        left_out[LeftOut.TAX_BEFORE_DISCOUNT] += 1
    classes = {line.class_id for line in estimate.lines} if books.class_per == ClassPer.LINE else {estimate.class_id}
    if len(classes) > 1:
        left_out[LeftOut.CLASSES] += 1
    day = estimate.day or today
    draft = InvoiceDraft(
        deal_id=0,
        bill_to=BillTo(estimate.customer_id, estimate.customer_name),
        currency=currency,
        exchange_rate=None,
        invoice_date=day,
        due_date=day,
        amounts_are=prices,
        lines=tuple(_line(line, prices, currency) for line in estimate.lines),
        discount_percentage=estimate.discount_percentage,
        discount_amount=_discount(estimate, prices, currency),
        extras=Extras(
            class_id=classes.pop() if len(classes) == 1 else "",
            location_id=estimate.location_id,
            own_fields=estimate.own_fields,
        ),
        sales_tax_id=estimate.sales_tax_id,
        estimate=FromEstimate(
            estimate.id, estimate.number, estimate.customer_id, currency, estimate.total, estimate.tax
        ),
    )
    return TakenOver(draft, tuple((str(what), count) for what, count in left_out.items() if count))


def _prices(estimate: Estimate, books: Books) -> AmountsAre:
    """With tax only where each line tells what it comes to with tax: else its amounts, which are without, stand."""
    if not books.needs_tax_codes:
        return AmountsAre.WITHOUT_TAX_SETTING
    if estimate.prices == AmountsAre.NO_TAX:
        return AmountsAre.NO_TAX
    with_tax = estimate.prices == AmountsAre.TAX_INCLUSIVE and all(line.gross is not None for line in estimate.lines)
    return AmountsAre.TAX_INCLUSIVE if with_tax else AmountsAre.TAX_EXCLUSIVE


def _line(line: OfferedLine, prices: AmountsAre, currency: str) -> DraftLine:
    """Of exactly the estimate's amount: where no price comes to it, the whole is one piece that says so."""
    with_tax = prices == AmountsAre.TAX_INCLUSIVE and line.gross is not None
    amount = line.gross if with_tax and line.gross is not None else line.amount
    quantity = Decimal(1) if line.quantity is None else line.quantity
    description = " – ".join(part.strip() for part in line.description.splitlines() if part.strip())
    price = unit_price_for(quantity, amount, currency, wanted=line.unit_price or Decimal(0))
    if price is None:
        description = f"{description} ({plain_number(quantity)} ×)"
        quantity, price = Decimal(1), amount
    return DraftLine(
        description=description,
        item_id=line.item_id,
        quantity=quantity,
        unit_price=price,
        discount=Decimal(0),
        tax_code_id=line.tax_code_id,
        tax_percentage=Decimal(0),
        service_date=line.service_date,
    )


def _discount(estimate: Estimate, prices: AmountsAre, currency: str) -> Decimal | None:
    """With tax where the prices have it; QuickBooks tells it without."""
    amount = estimate.discount_amount
    if not amount or prices != AmountsAre.TAX_INCLUSIVE:
        return amount
    net = sum((line.amount for line in estimate.lines), Decimal(0))
    gross = sum((line.gross or Decimal(0) for line in estimate.lines), Decimal(0))
    return round_amount(amount * gross / net, currency) if net else amount
