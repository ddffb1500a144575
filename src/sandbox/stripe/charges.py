"""Charges: the bank's answer to one attempt, its capture, its release."""

from sandbox.stripe import balance
from sandbox.stripe.cards import AUTHENTICATION_REQUIRED, BLOCKED, OK, TestCard
from sandbox.stripe.errors import JSON
from sandbox.stripe.params import fields, listing, merge_metadata
from sandbox.stripe.payment_methods import decline_fields
from sandbox.stripe.store import Store

LIST = listing("customer payment_intent transfer_group")
UPDATE = fields("customer description receipt_email transfer_group", maps="metadata shipping fraud_details")
DAY = 86_400
HOLD_SECONDS = 7 * DAY
# Visa's shorter window for charges the merchant starts while the customer is away
VISA_AWAY_HOLD_SECONDS = 4 * DAY + 18 * 3_600
SCORES = {"normal": 20, "elevated": 65, "highest": 90}
_SHOWN = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "wallet")


def make(store: Store, intent: JSON, method: JSON, *, outcome: str, away: bool, three_d_secure: JSON | None) -> JSON:
    """Add the charge for one attempt; `outcome` is OK, BLOCKED or a decline. Amounts are in minor units."""
    card = store.cards[method["id"]].card
    manual = intent["capture_method"] == "manual"
    charge = _blank(store, intent, method)
    charge["payment_method_details"]["card"] |= {"three_d_secure": three_d_secure}
    charge["outcome"] = _outcome(card, outcome)
    if outcome == OK:
        if manual:
            window = VISA_AWAY_HOLD_SECONDS if away and card.brand == "visa" else HOLD_SECONDS
            charge["payment_method_details"]["card"]["capture_before"] = store.now() + window
        charge["payment_method_details"]["card"]["authorization_code"] = store.ids.letters(6).upper()
    else:
        _mark_failed(charge, outcome)
    store.add(charge)
    store.emit("charge.succeeded" if outcome == OK else "charge.failed", charge)
    return charge


def _mark_failed(charge: JSON, outcome: str) -> None:
    refusal = decline_fields("fraudulent" if outcome == BLOCKED else outcome)
    charge |= {
        "status": "failed",
        "paid": False,
        "failure_code": refusal["code"],
        "failure_message": refusal["message"],
    }


def _blank(store: Store, intent: JSON, method: JSON) -> JSON:
    shown = {name: method["card"][name] for name in _SHOWN}
    options = intent["payment_method_options"]["card"]
    details = {
        **shown,
        "amount_authorized": intent["amount"],
        "authorization_code": None,
        "electronic_commerce_indicator": None,
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": method["card"]["brand"],
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "regulated_status": "unregulated",
        "setup_credential_usage": options.get("setup_credential_usage"),
        "stored_credential_usage": options.get("stored_credential_usage"),
    }
    name = store.ids.new("ch", 24)
    return {
        "id": name,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "SANDBOX",
        "captured": False,
        "created": store.now(),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": None,
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {"card": details, "type": "card"},
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": f"https://pay.stripe.com/receipts/payment/{name}",
        "refunded": False,
        "review": None,
        "shipping": intent["shipping"],
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }


def _outcome(card: TestCard, outcome: str) -> JSON:
    shared = {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "risk_level": card.risk,
        "risk_score": SCORES[card.risk],
    }
    if outcome == OK:
        texts = {"reason": None, "seller_message": "Payment complete.", "type": "authorized"}
        if card.risk == "elevated":
            texts["reason"] = "elevated_risk_level"
        return {**shared, **texts, "network_status": "approved_by_network"}
    if outcome == BLOCKED:
        return {
            **shared,
            "advice_code": "do_not_try_again",
            "reason": "highest_risk_level",
            "rule": "block_if_high_risk",
            "seller_message": "Stripe blocked this payment as too risky.",
            "type": "blocked",
            "network_status": "not_sent_to_network",
        }
    refusal = decline_fields(outcome)
    return {
        **shared,
        "advice_code": refusal.get("advice_code"),
        "network_advice_code": refusal.get("network_advice_code"),
        "network_decline_code": refusal.get("network_decline_code"),
        "network_status": "declined_by_network",
        "reason": refusal.get("decline_code") or refusal["code"],
        "seller_message": "The bank refused this payment."
        if outcome != AUTHENTICATION_REQUIRED
        else "The bank wants the customer to authenticate.",
        "type": "issuer_declined",
    }


def capture(store: Store, charge: JSON, amount: int) -> None:
    """Take money from a hold and book it."""
    charge |= {"captured": True, "amount_captured": amount}
    card = store.cards[charge["payment_method"]].card
    charge["balance_transaction"] = balance.book_charge(store, charge, amount, at_once=card.available_at_once)


def retrieve(store: Store, charge: str) -> JSON:
    return store.get("charge", charge)


def update(store: Store, params: JSON, charge: str) -> JSON:
    found = store.get("charge", charge)
    before = {name: found[name] for name in params if name in found}
    for name in ("description", "receipt_email", "shipping", "fraud_details"):
        if name in params:
            found[name] = params[name]
    found["metadata"] = merge_metadata(found["metadata"], params.get("metadata"))
    store.emit("charge.updated", found, before)
    return found


def listed(store: Store, params: JSON) -> JSON:
    customer, intent = params.get("customer"), params.get("payment_intent")
    return store.page(
        "charge",
        params,
        lambda row: customer in (None, row["customer"]) and intent in (None, row["payment_intent"]),
    )
