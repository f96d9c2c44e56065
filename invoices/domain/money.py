"""Money: a Decimal and its currency. Rounded in one way (half up) to the currency's own decimals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal

# ISO 4217 currencies whose minor unit is not two decimals: https://www.iso.org/iso-4217-currency-codes.html
NO_DECIMALS = (
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV",
    "XAF", "XOF", "XPF",
)  # fmt: skip
THREE_DECIMALS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
MOST_ODD_UNITS = 5
MOST_PRICE_DECIMALS = 7
CENT = Decimal("0.01")
DIGITS = Context(prec=1000)  # a figure that is too large is refused at its field; until then it is counted with
DECIMALS = {**dict.fromkeys(NO_DECIMALS, 0), **dict.fromkeys(THREE_DECIMALS, 3)}


def decimals(currency: str) -> int:
    return DECIMALS.get(currency, 2)


def smallest_unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-decimals(currency))


def round_amount(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(smallest_unit(currency), rounding=ROUND_HALF_UP, context=DIGITS)


def is_rounding(difference: Decimal, currency: str) -> bool:
    """Whether two totals may differ by so much only because each was rounded in its own way."""
    return abs(difference) <= MOST_ODD_UNITS * smallest_unit(currency)


def decimal_places(number: Decimal) -> int:
    """Without zeros at the end: 3 of 1.50500."""
    exponent = number.normalize(DIGITS).as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def to_places(number: Decimal, places: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-places), context=DIGITS)


def unit_price_for(quantity: Decimal, amount: Decimal, currency: str, *, wanted: Decimal) -> Decimal | None:
    """A price with which quantity times price is the amount; the person's own if it fits, else with few decimals.

    QuickBooks counts lines to the cent, in currencies that have none too: three at 33.33 yen are 99.99 there, and not
    100. Where no price is that exact, one that comes to the amount in the currency's own unit has to do.
    """
    exact = _price(quantity, amount, min(smallest_unit(currency), CENT), wanted)
    return _price(quantity, amount, smallest_unit(currency), wanted) if exact is None else exact


def _price(quantity: Decimal, amount: Decimal, unit: Decimal, wanted: Decimal) -> Decimal | None:
    def comes_to_it(price: Decimal) -> bool:
        return (quantity * price).quantize(unit, rounding=ROUND_HALF_UP, context=DIGITS) == amount

    if comes_to_it(wanted):
        return wanted
    if not quantity:
        return None
    prices = ((amount / quantity).quantize(Decimal(1).scaleb(-places)) for places in range(2, MOST_PRICE_DECIMALS + 1))
    return next((price for price in prices if comes_to_it(price)), None)


class CurrencyMismatchError(ValueError):
    """Two currencies met in one calculation."""


@dataclass(frozen=True, slots=True)
class Money:
    amount: Decimal
    currency: str

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other), self.currency)

    def __bool__(self) -> bool:
        return bool(self.amount)

    def rounded(self) -> Money:
        return Money(round_amount(self.amount, self.currency), self.currency)

    def split(self, weights: Sequence[Decimal]) -> list[Money]:
        """Parts in proportion to the weights, together exactly this amount rounded.

        Each part is rounded down first; the units that are then missing go to the parts that lost most.
        """
        whole, total = self.rounded(), sum(weights, Decimal(0))
        if not total:
            raise ValueError("nothing to split by")
        unit = smallest_unit(self.currency)
        exact = [whole.amount * weight / total for weight in weights]
        parts = [amount.quantize(unit, rounding=ROUND_FLOOR, context=DIGITS) for amount in exact]
        missing = int((whole.amount - sum(parts, Decimal(0))) / unit)
        by_loss = sorted(range(len(parts)), key=lambda index: exact[index] - parts[index], reverse=True)
        for index in by_loss[:missing]:
            parts[index] += unit
        return [Money(part, self.currency) for part in parts]

    def _same(self, other: Money) -> Decimal:
        if other.currency != self.currency:
            raise CurrencyMismatchError(f"{self.currency} and {other.currency}")
        return other.amount


def total(amounts: Iterable[Money], currency: str) -> Money:
    result = Money(Decimal(0), currency)
    for amount in amounts:
        result = result + amount
    return result
