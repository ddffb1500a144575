"""What happens to a PaymentIntent's money: the attempt at the bank, hold, capture, release, expiry."""

from functools import partial

from sandbox.stripe import charges, disputes, refunds
from sandbox.stripe.cards import AUTHENTICATION_REQUIRED, BLOCKED, OK, THREE_D_SECURE
from sandbox.stripe.errors import JSON, StripeError, refused
from sandbox.stripe.intents import expect_status, next_action, three_d_secure
from sandbox.stripe.payment_methods import attach_to, check_owner, decline_fields
from sandbox.stripe.store import Store

AWAY = ("true", "one_off", "recurring")


def check_usable(store: Store, method: JSON, intent_id: str | None) -> None:
    """Raise a 400 for a card that an earlier intent used up without a customer."""
    used_by = store.cards[method["id"]].used_by
    if method["customer"] is None and used_by not in ("", intent_id):
        raise refused(
            "This PaymentMethod was previously used without being attached to a Customer. It may not be used again.",
            param="payment_method",
        )


def attempt(store: Store, intent: JSON, params: JSON) -> None:
    """Confirm: charge, or ask for 3D Secure. Raises the 402 of a refused attempt; the intent then waits for a card."""
    if intent["payment_method"] is None:
        raise refused(
            "You cannot confirm this PaymentIntent because it is missing a payment method.",
            code="payment_intent_unexpected_state",
            payment_intent=intent,
        )
    method = store.objects[intent["payment_method"]]
    check_owner(method, intent["customer"])
    away = params.get("off_session") in AWAY
    outcome = _answer(store, intent, method, away=away)
    if outcome == THREE_D_SECURE and params.get("error_on_requires_action"):
        raise _fail(store, intent, method, decline_fields(AUTHENTICATION_REQUIRED), None)
    if outcome == THREE_D_SECURE:
        intent["status"] = "requires_action"
        intent["next_action"] = next_action(intent["id"], intent["client_secret"], params.get("return_url"))
        store.emit("payment_intent.requires_action", intent)
        return
    _charge(store, intent, method, outcome, away=away)


def _answer(store: Store, intent: JSON, method: JSON, *, away: bool) -> str:
    state = store.cards[method["id"]]
    if away:
        return state.card.away if state.prepared else state.card.without_preparation
    forced = intent["payment_method_options"]["card"]["request_three_d_secure"] in ("any", "challenge")
    return THREE_D_SECURE if forced and state.card.present == OK else state.card.present


def _charge(
    store: Store, intent: JSON, method: JSON, outcome: str, *, away: bool, authentication: JSON | None = None
) -> None:
    charge = charges.make(store, intent, method, outcome=outcome, away=away, three_d_secure=authentication)
    intent |= {"latest_charge": charge["id"], "next_action": None}
    if method["customer"] is None:
        store.cards[method["id"]].used_by = intent["id"]
    if outcome != OK:
        refusal = decline_fields("fraudulent" if outcome == BLOCKED else outcome)
        raise _fail(store, intent, method, refusal, charge)
    intent["last_payment_error"] = None
    _save_for_later(store, intent, method)
    if intent["capture_method"] == "manual":
        _hold(store, intent, charge)
    else:
        capture(store, intent, intent["amount"])


def _save_for_later(store: Store, intent: JSON, method: JSON) -> None:
    if intent["setup_future_usage"] is None or intent["customer"] is None:
        return
    state = store.cards[method["id"]]
    state.used_by, state.prepared = "", True
    attach_to(store, method, intent["customer"])


def _fail(store: Store, intent: JSON, method: JSON, refusal: JSON, charge: JSON | None) -> StripeError:
    """Send the intent back to waiting for a card and return the 402."""
    error = {**refusal, **({"charge": charge["id"]} if charge else {})}
    intent |= {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    intent["last_payment_error"] = {"type": "card_error", **error, "payment_method": dict(method)}
    store.emit("payment_intent.payment_failed", intent)
    return StripeError(402, kind="card_error", **error, payment_intent=intent, payment_method=method)


def _hold(store: Store, intent: JSON, charge: JSON) -> None:
    intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
    store.emit("payment_intent.amount_capturable_updated", intent)
    until = charge["payment_method_details"]["card"]["capture_before"]
    store.later(until - store.now(), partial(_expire, store, intent, charge))


def check_capturable(store: Store, intent: JSON) -> None:
    """Raise the error that says why there is nothing to capture."""
    charge = store.objects.get(intent["latest_charge"] or "")
    if intent["status"] == "succeeded":
        raise refused(
            "This PaymentIntent has already been captured.", code="charge_already_captured", payment_intent=intent
        )
    if intent["status"] == "canceled" and intent["cancellation_reason"] == "expired" and charge is not None:
        raise refused(
            "The authorization has expired, so the charge can no longer be captured.",
            code="charge_expired_for_capture",
            charge=charge["id"],
            payment_intent=intent,
        )
    expect_status(intent, ("requires_capture",), "capture")


def capture(store: Store, intent: JSON, amount: int) -> None:
    """Book `amount` (minor units) and let go of the rest of the hold."""
    charge = store.objects[intent["latest_charge"]]
    held = intent["capture_method"] == "manual"
    charges.capture(store, charge, amount)
    intent |= {"status": "succeeded", "amount_capturable": 0, "amount_received": amount}
    if held:
        store.emit("charge.captured", charge)
    store.emit("payment_intent.succeeded", intent)
    disputes.aftermath(store, charge)


def cancel(store: Store, intent: JSON, reason: str | None) -> None:
    """End the intent; a hold is given back, which Stripe shows as a refund of the charge."""
    held = intent["status"] == "requires_capture"
    intent |= {
        "status": "canceled",
        "canceled_at": store.now(),
        "cancellation_reason": reason,
        "amount_capturable": 0,
        "next_action": None,
    }
    if held:
        charge = store.objects[intent["latest_charge"]]
        refunds.release(store, charge, "expired_uncaptured_charge" if reason == "expired" else None)
        store.emit("charge.expired" if reason == "expired" else "charge.refunded", charge)
    store.emit("payment_intent.canceled", intent)


def _expire(store: Store, intent: JSON, charge: JSON) -> None:
    if intent["status"] == "requires_capture" and intent["latest_charge"] == charge["id"]:
        cancel(store, intent, "expired")


def authenticate(store: Store, intent_id: str, *, success: bool) -> JSON:
    """Finish 3D Secure in the customer's place; the charge that follows may still be declined."""
    intent = store.get("payment_intent", intent_id)
    expect_status(intent, ("requires_action",), "authenticate")
    method = store.objects[intent["payment_method"]]
    if not success:
        error = {
            "code": "payment_intent_authentication_failure",
            "message": "The customer could not be authenticated with this payment method.",
        }
        _fail(store, intent, method, error, None)
        return intent
    try:
        _charge(
            store,
            intent,
            method,
            store.cards[method["id"]].card.after,
            away=False,
            authentication={
                **three_d_secure(),
                "exemption_indicator": None,
            },
        )
    except StripeError:
        # the customer's browser would show the decline; whoever finishes 3D Secure here sees it on the intent
        return intent
    return intent
