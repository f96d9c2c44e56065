"""A deal's billing plan: the instalments that Pipedrive keeps with it, and the lines by which one of them is billed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal

from invoices.domain.draft import DraftLine, InvoiceDraft
from invoices.domain.money import smallest_unit


@dataclass(frozen=True, slots=True)
class Instalment:
    """`amount` is in the deal's currency and, like the deal's value, with tax or without."""

    id: int
    amount: Decimal
    bill_on: date | None
    description: str


def lines_of(
    instalment: Instalment,
    draft: InvoiceDraft,
    products_tax: Sequence[Decimal | None],
    *,
    amount: Decimal,
    title: str,
) -> tuple[DraftLine, ...]:
    """One line for each tax code of the deal's `draft`, which together come to `amount` to the smallest coin: each code
    has the share of the instalment that it has of the deal. `products_tax` is the percentage of each line's product,
    `title` the deal's.

    A line gets the item that most of its share is sold with; a person may choose another. What no code fits has a line
    for each percentage, which that line keeps: whoever chooses its code has to know.
    """
    groups: dict[tuple[str, Decimal | None], list[DraftLine]] = {}
    for line, percentage in zip(draft.lines, products_tax, strict=True):
        groups.setdefault((line.tax_code_id, None if line.tax_code_id else percentage), []).append(line)
    weights = [sum((line.amount(draft.currency) for line in group), Decimal(0)) for group in groups.values()]
    shares = _shares(amount, weights, smallest_unit(draft.currency))
    name = " – ".join(part for part in (" ".join(instalment.description.split()), title) if part)
    return tuple(
        DraftLine(
            description=name,
            item_id=_item_of(group, draft.currency),
            quantity=Decimal(1),
            unit_price=share,
            discount=Decimal(0),
            tax_code_id=code,
            tax_percentage=percentage or group[0].tax_percentage,
            instalment_id=instalment.id,
        )
        for ((code, percentage), group), share in zip(groups.items(), shares, strict=True)
        if share
    )


def _shares(amount: Decimal, weights: Sequence[Decimal], unit: Decimal) -> list[Decimal]:
    """The amount in parts of whole coins; those that lost most by rounding get the coins that are left."""
    whole = sum(weights, Decimal(0))
    if whole <= 0 or min(weights) < 0:  # nothing to tell the parts by
        return [amount] + [Decimal(0)] * (len(weights) - 1)
    exact = [amount * weight / whole for weight in weights]
    parts = [(part / unit).to_integral_value(ROUND_DOWN) * unit for part in exact]
    lost = sorted(range(len(parts)), key=lambda place: parts[place] - exact[place])
    for place in lost[: int((amount - sum(parts, Decimal(0))) / unit)]:
        parts[place] += unit
    return parts


def _item_of(group: Sequence[DraftLine], currency: str) -> str:
    sold: dict[str, Decimal] = {}
    for line in group:
        if line.item_id:
            sold[line.item_id] = sold.get(line.item_id, Decimal(0)) + line.amount(currency)
    return max(sold, key=lambda item_id: sold[item_id]) if sold else ""
