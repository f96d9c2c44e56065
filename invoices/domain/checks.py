"""The pre-flight check: everything QuickBooks would refuse, and what a person should know, before anything is sent.

Findings carry codes and values; the sentences are made where the reader's language is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

FindingValue = str | int | Decimal | date


class Severity(StrEnum):
    BLOCKS = "blocks"  # QuickBooks would refuse it, or the invoice would be wrong
    WARNS = "warns"  # worth knowing; may be created all the same
    FINE = "fine"  # checked and in order


@dataclass(frozen=True, slots=True)
class Finding:
    """`field` names the form's field, "" the whole form. The fields:

    customer, customer.name, customer.email, customer.address, customer.tax_id, currency, invoice_date, due_date, number,
    amounts_are, memo, private_note, discount, lines, and of the line with index 3: lines.3.item, lines.3.tax_code,
    lines.3.quantity, lines.3.unit_price, lines.3.discount, lines.3.description.
    """

    field: str
    severity: Severity
    code: str
    values: Mapping[str, FindingValue] = field(default_factory=dict)

    @property
    def blocks(self) -> bool:
        return self.severity == Severity.BLOCKS
