"""Currencies Stripe charges in, and how small or large an amount may be, all in minor units."""

from sandbox.stripe.errors import StripeError, invalid

_ZERO = "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf"
_THREE = "bhd jod kwd omr tnd"
_TWO = """usd aed all amd ang aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc cve
    czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr isk jmd kes kgs khr kyd kzt
    lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln
    qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah uyu uzs wst xcd yer zar
    zmw"""
THREE_DECIMAL = frozenset(_THREE.split())
SUPPORTED = frozenset(_ZERO.split()) | THREE_DECIMAL | frozenset(_TWO.split())
MINIMUM = {
    "usd": 50,
    "eur": 50,
    "gbp": 30,
    "jpy": 50,
    "chf": 50,
    "cad": 50,
    "aud": 50,
    "nzd": 50,
    "sgd": 50,
    "brl": 50,
    "dkk": 250,
    "nok": 300,
    "sek": 300,
    "pln": 200,
    "czk": 1_500,
    "huf": 17_500,
    "hkd": 400,
    "mxn": 1_000,
    "aed": 200,
    "inr": 50,
    "myr": 200,
    "ron": 200,
    "thb": 1_000,
}
# for the rest Stripe converts half a dollar at the day's rate, which a sandbox does not know
DEFAULT_MINIMUM = 50
# eight digits
MAXIMUM = 99_999_999


def check(amount: int, currency: str) -> None:
    """Raise StripeError when Stripe would not charge this amount of this currency."""
    if currency not in SUPPORTED:
        raise invalid(f"Invalid currency: {currency}.", param="currency")
    if amount < 1:
        raise invalid(
            "This value must be greater than or equal to 1.", param="amount", code="parameter_invalid_integer"
        )
    if amount > MAXIMUM:
        raise StripeError(400, message="Amount is too large.", param="amount", code="amount_too_large", began=False)
    least = MINIMUM.get(currency, DEFAULT_MINIMUM)
    if amount < least:
        message = f"Amount must be at least {least} {currency} in the smallest unit."
        raise invalid(message, param="amount", code="amount_too_small")
    if (currency in THREE_DECIMAL and amount % 10) or (currency == "isk" and amount % 100):
        raise invalid(f"{currency} amounts must be rounded.", param="amount", code="invalid_charge_amount")


def fee(amount: int) -> int:
    """Return Stripe's standard price for a card payment, 2.9 % + 30; it is not given back on refunds."""
    return (amount * 29 + 500) // 1000 + 30
