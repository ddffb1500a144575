"""Requests to the gateway, stored before they are sent. A retry finds the stored one; a changed request is a new one."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from parkerflight.core.errors import OutcomeUnknown
from parkerflight.core.fault_points import fault_point
from parkerflight.core.tenancy import scope
from parkerflight.payments.gateway import StoredCall
from parkerflight.payments.models import Payment, VendorCall

# Stripe may forget a key after 24 h and would then carry the request out again; an hour is kept for slow clocks.
KEY_TRUSTED = timedelta(hours=23)
# Offers live half an hour; a payment or refund that cannot be found after ten minutes of asking was never made.
NEVER_ARRIVED = timedelta(minutes=10)
Outcome = VendorCall.Outcome
UNSETTLED = (Outcome.OPEN, Outcome.UNKNOWN)


def opened(
    payment: Payment | None,
    owner_id: UUID,
    purpose: str,
    parameters: dict[str, Any],
    now: datetime,
    *,
    subject: str = "",
) -> VendorCall:
    """The open call for this purpose: the stored one if there is any, else a new row. Joins the caller's transaction."""
    same = VendorCall.objects.filter(owner_id=owner_id, payment=payment, purpose=purpose, subject=subject)
    known = same.order_by("-try_no").first()
    if known and known.outcome in UNSETTLED:
        return known
    number = known.try_no + 1 if known else 1
    about = subject or (payment.id if payment else owner_id)
    return VendorCall.objects.create(
        owner_id=owner_id,
        payment=payment,
        purpose=purpose,
        subject=subject,
        try_no=number,
        key=f"{purpose}:{about}:{number}",
        parameters=parameters,
        opened_at=now,
    )


def replaced(call: VendorCall, parameters: dict[str, Any], now: datetime) -> VendorCall:
    """A new call under a new key in place of one that did nothing. Joins the caller's transaction."""
    close(call, Outcome.REFUSED)
    return opened(call.payment, call.owner_id, call.purpose, parameters, now, subject=call.subject)


def stored(call: VendorCall, now: datetime) -> StoredCall:
    """What to send. Raises OutcomeUnknown once the key is too old to be trusted: then look, never send."""
    if stale(call, now):
        raise OutcomeUnknown("key_too_old", "this request's key may be forgotten; look up what became of it")
    return StoredCall(call.key, call.parameters)


def stale(call: VendorCall, now: datetime) -> bool:
    """The gateway may have forgotten this call's key."""
    return now - call.opened_at > KEY_TRUSTED


def must_look(call: VendorCall, now: datetime) -> bool:
    """An earlier sending got no answer, or may have and nobody lived to write it down for a day: look before sending."""
    return call.outcome == Outcome.UNKNOWN or stale(call, now)


def close(call: VendorCall, outcome: str, reference: str = "") -> None:
    """Record how the call ended, in the transaction of its effect."""
    VendorCall.objects.filter(id=call.id).update(outcome=outcome, reference=reference[:80])


def settle(payment: Payment, purpose: str, subject: str = "") -> None:
    """Close as done whatever is open for this purpose, in the transaction of the effect or of learning about it."""
    same = VendorCall.objects.filter(payment=payment, purpose=purpose, subject=subject)
    same.filter(outcome__in=UNSETTLED).update(outcome=Outcome.DONE)


def unanswered(call: VendorCall) -> None:
    """Commit that this call was sent and got no definite answer."""
    with scope(call.owner_id):
        VendorCall.objects.filter(id=call.id, outcome=Outcome.OPEN).update(outcome=Outcome.UNKNOWN)
    fault_point("payments.call.after_unknown")
