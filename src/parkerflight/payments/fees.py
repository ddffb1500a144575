"""The fee on what a person saved: a share of the distance between their cap and the fare. Off unless configured."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from parkerflight.core.money import Money, exponent

WHOLE = 1  # the share that would take all that was saved
# Stripe takes three-decimal currencies in tens of the smallest unit only (docs.stripe.com/currencies); ISO 4217 gives
# the crown of Iceland no minor unit, so whole crowns come by themselves.
THREE_DECIMALS = 3
STEP_OF_THREE_DECIMALS = 10


@dataclass(frozen=True, slots=True)
class SavingsFee:
    """A policy: `share` (0 to 1) of cap less fare, at least `minimum` and at most `maximum` where these are set.

    The limits are amounts in the campaign's currency. Raises ValueError for a policy that contradicts itself.
    """

    share: Decimal = Decimal(0)
    minimum: Decimal | None = None
    maximum: Decimal | None = None

    def __post_init__(self) -> None:
        limits = [limit for limit in (self.minimum, self.maximum) if limit is not None]
        numbers = [self.share, *limits]
        if not all(number.is_finite() and number >= 0 for number in numbers) or self.share > WHOLE:
            msg = "a fee's share lies between 0 and 1 and its limits are not negative"
            raise ValueError(msg)
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            msg = "the smallest fee is above the largest"
            raise ValueError(msg)

    def of(self, *, fare: Money, cap: Money) -> Money:
        """The fee for this fare: never negative, fare and fee together never above the cap; 0 when off.

        Halves are rounded to even, to an amount a card can be charged. Raises CurrencyMismatch.
        """
        room = cap - fare
        step = chargeable_step(fare.currency)
        if not self.share or room.minor <= 0:
            return Money(0, fare.currency)
        unit = Decimal(step).scaleb(-exponent(fare.currency))
        steps = int((room.decimal * self.share / unit).to_integral_value(ROUND_HALF_EVEN))
        if self.minimum is not None:
            steps = max(steps, int((self.minimum / unit).to_integral_value(ROUND_CEILING)))
        if self.maximum is not None:
            steps = min(steps, int((self.maximum / unit).to_integral_value(ROUND_FLOOR)))
        return Money(min(steps, room.minor // step) * step, fare.currency)


def chargeable_step(currency: str) -> int:
    """The smallest difference between two amounts a card can be charged, in minor units."""
    return STEP_OF_THREE_DECIMALS if exponent(currency) == THREE_DECIMALS else 1
