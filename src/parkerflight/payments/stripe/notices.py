"""Webhooks: the signature over the raw body, then what the notice is about. Nothing else in it is believed."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import stripe

from parkerflight.payments.gateway import BadSignature, GatewayEvent

HEADER = "stripe-signature"
OLDEST = timedelta(seconds=stripe.Webhook.DEFAULT_TOLERANCE)  # as Stripe's own libraries: a replay has five minutes
AHEAD = timedelta(minutes=5)  # Stripe's libraries take any future moment; no honest clock is this far ahead
# Objects without our metadata, which name the payment they are about.
ABOUT_A_PAYMENT = frozenset({"charge", "refund", "dispute", "review", "radar.early_fraud_warning"})


def read(body: bytes, headers: Mapping[str, str], secret: str, *, now: datetime) -> GatewayEvent:
    """The notice in `body`, proved by its signature and fresh at `now`. Raises BadSignature."""
    header = next((value for name, value in headers.items() if name.lower() == HEADER), "")
    try:
        # Without a tolerance of its own: it would compare with the wall clock, and `now` may be another time.
        stripe.WebhookSignature.verify_header(body, header, secret)
        signed_at = next(int(part[2:]) for part in header.split(",") if part.startswith("t="))
    except (stripe.SignatureVerificationError, UnicodeDecodeError, ValueError, StopIteration):
        raise BadSignature("bad_signature", "This notice is not signed by the payment gateway.") from None
    age = now.timestamp() - signed_at
    if age > OLDEST.total_seconds() or -age > AHEAD.total_seconds():
        raise BadSignature("stale_signature", "This notice was signed at another time.")
    try:
        return _event(json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadSignature("no_event", "This notice is signed but is no event.") from None


def _event(event: dict[str, Any]) -> GatewayEvent:
    thing = event["data"]["object"]
    metadata = thing.get("metadata") or {}
    before = event["data"].get("previous_attributes") or {}
    customer = thing["id"] if thing["object"] == "customer" else thing.get("customer") or before.get("customer")
    return GatewayEvent(
        id=str(event["id"]),
        kind=str(event["type"]),
        object_id=str(thing["id"]),
        owner_id=as_uuid(metadata.get("owner_id")),
        payment_id=as_uuid(metadata.get("payment_id")),
        intent=_intent(thing),
        customer=_name(customer),
    )


def _intent(thing: dict[str, Any]) -> str:
    if thing["object"] == "payment_intent":
        return str(thing["id"])
    return _name(thing.get("payment_intent")) if thing["object"] in ABOUT_A_PAYMENT else ""


def _name(value: Any) -> str:
    return str(value["id"] if isinstance(value, dict) else value or "")


def as_uuid(text: Any) -> UUID | None:
    """The id in our metadata; None for anything else."""
    try:
        return UUID(text)
    except (ValueError, TypeError, AttributeError):
        return None
