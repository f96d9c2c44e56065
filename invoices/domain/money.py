"""Money: a Decimal and its currency. Rounded in one way (half up) to the currency's own decimals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

# ISO 4217 currencies whose minor unit is not two decimals: https://www.iso.org/iso-4217-currency-codes.html
DECIMALS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}


def decimals(currency: str) -> int:
    return DECIMALS.get(currency, 2)


def round_amount(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-decimals(currency)), rounding=ROUND_HALF_UP)


class CurrencyMismatch(ValueError):
    """Two currencies met in one calculation."""


@dataclass(frozen=True, slots=True)
class Money:
    amount: Decimal
    currency: str

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other), self.currency)

    def __mul__(self, factor: Decimal | int) -> Money:
        return Money(self.amount * factor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other)

    def __bool__(self) -> bool:
        return bool(self.amount)

    def rounded(self) -> Money:
        return Money(round_amount(self.amount, self.currency), self.currency)

    def split(self, weights: Sequence[Decimal]) -> list[Money]:
        """Parts in proportion to the weights, each rounded, together exactly this amount rounded."""
        whole, total = self.rounded(), sum(weights, Decimal(0))
        if not total:
            raise ValueError("nothing to split by")
        parts: list[Money] = []
        done, seen = Decimal(0), Decimal(0)
        for weight in weights:
            seen += weight
            upto = round_amount(whole.amount * seen / total, self.currency)
            parts.append(Money(upto - done, self.currency))
            done = upto
        return parts

    def _same(self, other: Money) -> Decimal:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency}")
        return other.amount


def total(amounts: Iterable[Money], currency: str) -> Money:
    result = Money(Decimal(0), currency)
    for amount in amounts:
        result = result + amount
    return result
