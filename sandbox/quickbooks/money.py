"""Rounding by currency, and sharing an amount so that the parts add up."""

from __future__ import annotations

from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

ZERO = Decimal(0)
NO_DECIMALS = {
    "BIF",
    "CLP",
    "DJF",
    "GNF",
    "ISK",
    "JPY",
    "KMF",
    "KRW",
    "PYG",
    "RWF",
    "UGX",
    "VND",
    "VUV",
    "XAF",
    "XOF",
    "XPF",
}
THREE_DECIMALS = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}
NAMES = {
    "AUD": "Australian Dollar",
    "CAD": "Canadian Dollar",
    "CHF": "Swiss Franc",
    "EUR": "Euro",
    "GBP": "British Pound Sterling",
    "JPY": "Japanese Yen",
    "KWD": "Kuwaiti Dinar",
    "NZD": "New Zealand Dollar",
    "USD": "United States Dollar",
}


def smallest(currency: str) -> Decimal:
    """One unit of the last decimal place, e.g. 0.01."""
    places = 0 if currency in NO_DECIMALS else 3 if currency in THREE_DECIMALS else 2
    return Decimal(1).scaleb(-places)


def rounded(value: Decimal, currency: str) -> Decimal:
    return value.quantize(smallest(currency), ROUND_HALF_UP)


def reference(currency: str) -> dict[str, str]:
    return {"value": currency, "name": NAMES.get(currency, currency)}


def shares(amount: Decimal, weights: list[Decimal], currency: str) -> list[Decimal]:
    """Splits an amount in proportion to the weights; the largest remainders take the last units."""
    total = sum(weights, ZERO)
    if not weights or total == 0:
        return [ZERO for _ in weights]
    unit = smallest(currency)
    exact = [amount * weight / total for weight in weights]
    parts = [value.quantize(unit, ROUND_FLOOR) for value in exact]
    missing = int((amount - sum(parts, ZERO)) / unit)
    order = sorted(range(len(weights)), key=lambda index: exact[index] - parts[index], reverse=True)
    for index in order[:missing]:
        parts[index] += unit
    return parts
