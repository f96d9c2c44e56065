"""Books, codes and items for tests of the domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from invoices.domain.books import Books
from tests.factories import D


@dataclass(frozen=True)
class Rate:
    id: str
    name: str
    percentage: D


@dataclass(frozen=True)
class Code:
    id: str
    name: str
    description: str
    percentage: D
    active: bool = True
    rates: tuple[Rate, ...] = ()


@dataclass(frozen=True)
class Thing:
    """An item of QuickBooks."""

    id: str
    name: str
    sku: str = ""
    type: str = "Service"
    active: bool = True
    tax_code_id: str = ""
    taxable: bool = False

    @property
    def shown_name(self) -> str:
        return self.name.removesuffix(" (deleted)")


def code(code_id: str, name: str, *percentages: str, description: str = "", active: bool = True) -> Code:
    rates = tuple(Rate(f"{code_id}{number}", f"{name} {number}", D(value)) for number, value in enumerate(percentages))
    return Code(code_id, name, description, sum((rate.percentage for rate in rates), D(0)), active, rates)


def books(country: str = "GB", **fields: Any) -> Books:
    home = {"GB": "GBP", "US": "USD", "AU": "AUD", "CA": "CAD"}[country]
    return Books(**({"country": country, "home_currency": home, "multicurrency": country in ("GB", "CA")} | fields))


BRITISH_CODES = (
    code("1", "20.0% RC", "20", "-20", description="Reverse charge"),
    code("2", "20.0% S", "20", description="Standard"),
    code("3", "5.0% R", "5"),
    code("4", "Exempt"),
    code("5", "0.0% Z", "0"),
    code("6", "No VAT", "0"),
    code("7", "17.5% S", "17.5", active=False),
    code("8", "0.0% ECG", "0", description="EC goods"),
)
AMERICAN_CODES = (
    code("TAX", "TAX"),
    code("NON", "NON"),
    code("11", "Springfield, IL", "6.25", "2.5", "1"),
    code("12", "Chicago, IL", "6.25", "1.25", "1.75", "1"),
    code("13", "Chicago, IL (until June)", "6.25", active=False),
)
BY_ID = {each.id: each for each in BRITISH_CODES}
