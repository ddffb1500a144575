"""Amounts as Duffel writes them, and the fixed rates from US dollars into an organisation's billing currency."""

from decimal import ROUND_HALF_UP, Decimal

# Fixed on purpose: a moving rate would hide the moving fare. Roughly the rates of 2025, units of currency for one USD.
PER_USD = {
    "USD": 1.0, "GBP": 0.78, "EUR": 0.92, "CHF": 0.88, "CAD": 1.37, "AUD": 1.52, "NZD": 1.66, "SEK": 10.4, "NOK": 10.6,
    "DKK": 6.87, "PLN": 3.95, "SGD": 1.34, "HKD": 7.8, "INR": 84.0, "AED": 3.67, "ZAR": 18.2, "MXN": 18.6, "BRL": 5.4,
    "JPY": 150.0, "KRW": 1_360.0,
}  # fmt: skip
WITHOUT_CENTS = frozenset({"JPY", "KRW"})


def quantum(currency: str) -> Decimal:
    """Return the smallest amount of the currency."""
    return Decimal(1) if currency in WITHOUT_CENTS else Decimal("0.01")


def in_currency(usd: float, currency: str) -> Decimal:
    """Return an amount of US dollars in `currency`, rounded half up to its smallest amount."""
    return rounded(Decimal(usd * PER_USD[currency]), currency)


def rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(quantum(currency), ROUND_HALF_UP)


def flat(units: int, currency: str) -> Decimal:
    """Return a round fee: `units` in currencies like the pound, or the like of it in yen or rupees."""
    scale = 1 if PER_USD[currency] < 2 else 10 ** len(str(int(PER_USD[currency])))  # noqa: PLR2004
    return rounded(Decimal(units * scale), currency)


def parsed(text: object) -> Decimal | None:
    """Return the decimal a client sent as a string, or None when it is not one."""
    if not isinstance(text, str):
        return None
    try:
        value = Decimal(text)
    except ArithmeticError:
        return None
    return value if value.is_finite() else None
