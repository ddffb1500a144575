"""New PaymentMethods from test tokens and test numbers."""

import hashlib
from datetime import UTC, datetime
from typing import Any

from sandbox.stripe.cards import BY_NUMBER, TestCard, luhn_valid, named
from sandbox.stripe.errors import JSON, StripeError, invalid, missing
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.store import CardState, Store

MONTHS = 12
ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")


def from_data(store: Store, data: JSON) -> JSON:
    """Make a PaymentMethod from `card[token]` or a test number. Raises a 402 for impossible numbers and dates."""
    wish = data.get("card")
    if not isinstance(wish, dict):
        raise invalid("Missing required param: card.", param="card", code="parameter_missing")
    if "token" in wish:
        card = named(wish["token"])
        if card is None:
            raise missing("token", wish["token"], "card[token]", status=400)
        month, year = default_expiry(store)
    else:
        card = _by_number(str(wish.get("number", "")))
        month, year = _expiry(store, wish)
    method = new(store, card, month, year)
    method["allow_redisplay"] = data.get("allow_redisplay", "unspecified")
    method["metadata"] = merge_metadata({}, data.get("metadata"))
    bill(method, data.get("billing_details", {}))
    method["card"]["checks"]["cvc_check"] = "pass" if wish.get("cvc") else None
    return method


def _by_number(number: str) -> TestCard:
    card = BY_NUMBER.get(number.replace(" ", ""))
    if card is not None:
        return card
    code = "incorrect_number" if number.isdigit() and not luhn_valid(number) else "invalid_number"
    raise _wrong_card(code, "card[number]", "Your card number is not one of the test numbers.")


def _expiry(store: Store, wish: JSON) -> tuple[int, int]:
    today = datetime.fromtimestamp(store.now(), UTC)
    month, year = (_number(wish, name) for name in ("exp_month", "exp_year"))
    if not 1 <= month <= MONTHS:
        raise _wrong_card("invalid_expiry_month", "card[exp_month]", "Your card's expiration month is invalid.")
    if (year, month) < (today.year, today.month):
        raise _wrong_card("invalid_expiry_year", "card[exp_year]", "Your card's expiration year is invalid.")
    return month, year


def _number(wish: JSON, name: str) -> int:
    text = str(wish.get(name, ""))
    return int(text) if text.isdigit() else 0


def _wrong_card(code: str, param: str, message: str) -> StripeError:
    return StripeError(402, kind="card_error", code=code, param=param, message=message)


def default_expiry(store: Store) -> tuple[int, int]:
    today = datetime.fromtimestamp(store.now(), UTC)
    return today.month, today.year + 1


def new(store: Store, card: TestCard, month: int, year: int) -> JSON:
    """Add a PaymentMethod of this test card, attached to nobody."""
    method: JSON = {
        "id": store.ids.new("pm", 24),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {"address": dict.fromkeys(ADDRESS), **dict.fromkeys(("email", "name", "phone", "tax_id"))},
        "card": {
            "brand": card.brand,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "US",
            "display_brand": card.brand,
            "exp_month": month,
            "exp_year": year,
            "fingerprint": hashlib.sha256(card.number.encode()).hexdigest()[:16],
            "funding": "debit" if card.name.endswith("_debit") else "credit",
            "generated_from": None,
            "last4": card.last4,
            "networks": {"available": [card.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": store.now(),
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }
    store.cards[method["id"]] = CardState(card)
    return store.add(method)


def bill(method: JSON, details: Any) -> None:
    if isinstance(details, dict):
        address = {**method["billing_details"]["address"], **(details.get("address") or {})}
        method["billing_details"] = {**method["billing_details"], **details, "address": address}
