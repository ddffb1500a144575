"""Our ISO 4217 minor units and Stripe's smallest unit: the same but for the currencies below.

Source: docs.stripe.com/currencies. ISK and UGX are without decimals in practice but are sent with two; three-decimal
currencies must end in a zero.
"""

from parkerflight.core.errors import Terminal
from parkerflight.core.money import Money, exponent

# Stripe's own exponents where they are not ISO 4217's.
STRIPE_EXPONENT = {"ISK": 2, "UGX": 2, "MGA": 0}
THREE_DECIMALS = 3
MOST_DIGITS = 8  # Stripe takes up to eight digits
# The smallest charge, about 0.50 USD; judged by Stripe in the settlement currency, so only a first sieve here.
MINIMUM = {"USD": 50, "EUR": 50, "GBP": 30, "JPY": 50, "CAD": 50, "AUD": 50, "CHF": 50}


def to_stripe(money: Money, *, least: int | None = None) -> int:
    """The integer Stripe wants. Raises Terminal when Stripe cannot charge this amount in this currency.

    `least` (in Stripe's unit) stands in for the smallest charge: a capture or a refund may be of less.
    """
    ours, theirs = exponent(money.currency), STRIPE_EXPONENT.get(money.currency, exponent(money.currency))
    amount = money.minor * 10 ** (theirs - ours) if theirs >= ours else _shortened(money, 10 ** (ours - theirs))
    if theirs == THREE_DECIMALS and amount % 10:
        raise Terminal("amount_not_chargeable", f"{money} cannot be charged: its last digit must be zero.")
    if amount < (MINIMUM.get(money.currency, 1) if least is None else least):
        raise Terminal("amount_too_small", f"{money} is below the smallest amount a card can be charged.")
    if len(str(amount)) > MOST_DIGITS:
        raise Terminal("amount_too_large", f"{money} is above the largest amount a card can be charged.")
    return amount


def _shortened(money: Money, factor: int) -> int:
    if money.minor % factor:
        raise Terminal("amount_not_chargeable", f"{money} cannot be charged to the unit.")
    return money.minor // factor


def from_stripe(amount: int, currency: str) -> Money:
    """Stripe's integer as money."""
    code = currency.upper()
    ours, theirs = exponent(code), STRIPE_EXPONENT.get(code, exponent(code))
    return Money(amount * 10 ** (ours - theirs) if ours >= theirs else amount // 10 ** (theirs - ours), code)
