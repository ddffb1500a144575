"""Stripe's errors in our words. The message of a card error is for its holder; ours never carry card data."""

from collections.abc import Iterator
from contextlib import contextmanager

import stripe

from parkerflight.core.errors import NotFound, OutcomeUnknown, ParkerError, Retryable, Terminal
from parkerflight.payments.gateway import Declined, HoldGone, KeyReused
from parkerflight.payments.stripe.declines import classify

# What a payment that is over answers to a capture, a cancellation or a change; a look shows how it ended.
GONE = frozenset(
    {
        "payment_intent_unexpected_state",
        "charge_already_captured",
        "charge_expired_for_capture",
        "capture_charge_authorization_expired",
    }
)
SERVER_ERROR = 500
BUSY_SECONDS = 2.0  # a key in flight or a locked object is free again within moments
THROTTLED_SECONDS = 10.0  # 25 or 100 requests a second refill quickly; ten seconds let a burst pass


@contextmanager
def translated() -> Iterator[None]:
    """Run one Stripe request; whatever it raises leaves as one of ours."""
    try:
        yield
    except stripe.StripeError as error:
        raise _ours(error) from None


def _ours(error: stripe.StripeError) -> ParkerError:
    reference = error.request_id or ""
    code = str(getattr(error.error, "code", None) or error.code or type(error).__name__)
    if isinstance(error, stripe.CardError):
        return _declined(error, reference)
    if isinstance(error, stripe.IdempotencyError):
        return KeyReused("key_reused", "the same key came with another request", reference=reference)
    if code in {"idempotency_key_in_use", "lock_timeout"} or isinstance(error, stripe.RateLimitError):
        after = THROTTLED_SECONDS if code == "rate_limit" else BUSY_SECONDS
        return Retryable(code, "the payment gateway is busy", reference=reference, after=after)
    if code in GONE:
        return HoldGone(code, "the hold has ended", reference=reference)
    if code == "resource_missing":
        return NotFound(code, "the payment gateway does not know this", reference=reference)
    if isinstance(error, stripe.InvalidRequestError | stripe.AuthenticationError | stripe.PermissionError):
        return Terminal(code, f"the payment gateway refused the request ({code})", reference=reference)
    # Everything else, a dropped connection and 5xx above all, may have been carried out.
    return OutcomeUnknown(code, "the payment gateway gave no definite answer", reference=reference)


def _declined(error: stripe.CardError, reference: str) -> Declined:
    details = error.error
    decline = str(getattr(details, "decline_code", None) or error.code or "card_declined")
    code = str(error.code or decline)
    advice = str(getattr(details, "advice_code", None) or "")
    intent = getattr(details, "payment_intent", None)
    return Declined(
        decline if code == "card_declined" else code,
        "The card was declined.",
        kind=classify(decline if code == "card_declined" else code, advice),
        intent=str(intent["id"]) if intent is not None else "",
        reference=reference,
    )
