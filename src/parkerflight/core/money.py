"""Money in minor units with its currency; never a float, never two currencies in one sum.

Minor units follow ISO 4217 (GBP 2, JPY 0, KWD 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache

from iso4217 import Currency

from parkerflight.core.errors import BadInput

MAX_MINOR = 10**12  # far above any party's fare in any currency; keeps sums inside bigint


class CurrencyMismatch(TypeError):
    """Two currencies met in one sum or comparison: a bug, never a rounding question."""


@cache
def exponent(currency: str) -> int:
    """Digits after the decimal point of an ISO 4217 currency. Raises BadInput when it is not a currency of trade."""
    try:
        digits = Currency(currency).exponent
    except ValueError:
        digits = None
    if digits is None:
        raise BadInput(
            "unknown_currency", f"{currency!r} is not an ISO 4217 currency; write for example GBP.", field="currency"
        )
    return int(digits)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (pence, cents, yen) of one ISO 4217 currency."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        exponent(self.currency)
        if not isinstance(self.minor, int) or isinstance(self.minor, bool):
            msg = f"money is counted in whole minor units, not {self.minor!r}"
            raise TypeError(msg)
        if abs(self.minor) > MAX_MINOR:
            raise BadInput("amount_out_of_range", "That amount is larger than any fare.", field="amount")

    @classmethod
    def parse(cls, amount: str, currency: str) -> Money:
        """Read a decimal string such as `"123.45"`. Raises BadInput when it is not one or has too many digits."""
        try:
            value = Decimal(amount)
            scaled = value.scaleb(exponent(currency))
        except (ArithmeticError, TypeError, ValueError):
            raise BadInput(
                "bad_amount", f"{amount!r} is not an amount; write for example 123.45.", field="amount"
            ) from None
        if not value.is_finite() or scaled != scaled.to_integral_value():
            message = f"{amount} has more digits than {currency} has; it has {exponent(currency)} after the point."
            raise BadInput("bad_amount", message, field="amount")
        return cls(int(scaled), currency)

    @classmethod
    def rounded(cls, amount: Decimal, currency: str) -> Money:
        """The nearest amount in whole minor units, halves to even (the rule that does not drift over many sums)."""
        return cls(int(amount.scaleb(exponent(currency)).to_integral_value(ROUND_HALF_EVEN)), currency)

    @property
    def decimal(self) -> Decimal:
        """The amount in major units."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def amount(self) -> str:
        """The plain decimal string vendors use: `"123.45"`, `"9800"` for yen."""
        return f"{self.decimal:f}"

    def __str__(self) -> str:
        return f"{self.decimal:,f} {self.currency}"

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same(other)

    def _same(self, other: Money) -> int:
        if self.currency != other.currency:
            msg = f"{self.currency} met {other.currency}"
            raise CurrencyMismatch(msg)
        return other.minor
