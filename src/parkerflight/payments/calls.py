"""Requests to the gateway, stored before they are sent. A retry finds the stored one; a changed request is a new one."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from parkerflight.core.errors import OutcomeUnknown
from parkerflight.payments.gateway import StoredCall
from parkerflight.payments.models import Payment, VendorCall

# Stripe may forget a key after 24 h and would then carry the request out again; an hour is kept for slow clocks.
KEY_TRUSTED = timedelta(hours=23)
Outcome = VendorCall.Outcome


def opened(
    payment: Payment | None, owner_id: UUID, purpose: str, parameters: dict[str, Any], now: datetime
) -> VendorCall:
    """The open call for this purpose: the stored one if there is any, else a new row. Joins the caller's transaction."""
    known = VendorCall.objects.filter(owner_id=owner_id, payment=payment, purpose=purpose).order_by("-try_no").first()
    if known and known.outcome in {Outcome.OPEN, Outcome.UNKNOWN}:
        return known
    number = known.try_no + 1 if known else 1
    return VendorCall.objects.create(
        owner_id=owner_id,
        payment=payment,
        purpose=purpose,
        try_no=number,
        key=f"{purpose}:{payment.id if payment else owner_id}:{number}",
        parameters=parameters,
        opened_at=now,
    )


def stored(call: VendorCall, now: datetime) -> StoredCall:
    """What to send. Raises OutcomeUnknown once the key is too old to be trusted: then look, never send."""
    if now - call.opened_at > KEY_TRUSTED:
        raise OutcomeUnknown("key_too_old", "this request's key may be forgotten; look up what became of it")
    return StoredCall(call.key, call.parameters)


def close(call: VendorCall, outcome: str, reference: str = "") -> None:
    """Record how the call ended, in the transaction of its effect."""
    VendorCall.objects.filter(id=call.id).update(outcome=outcome, reference=reference[:80])
