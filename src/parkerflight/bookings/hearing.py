"""What a webhook sets in motion: it is a hint to look, never a fact. The object is read again, the same steps follow."""

import logging
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from parkerflight.bookings import cancelling, changes, jobs
from parkerflight.bookings.machine import SETTLED, State
from parkerflight.bookings.models import BookingAttempt
from parkerflight.campaigns import operations as campaigns
from parkerflight.core.errors import NotFound, OutcomeUnknown, Retryable
from parkerflight.core.tenancy import scope
from parkerflight.inbox import operations as inbox
from parkerflight.inbox.queries import Event
from parkerflight.payments import operations as payments
from parkerflight.payments import queries as payment_queries
from parkerflight.payments.gateway import DisputeKind
from parkerflight.payments.operations import gateway

log = logging.getLogger(__name__)
CHANGED = "order.airline_initiated_change_detected"
FAILED = "order.creation_failed"
ABOUT_DISPUTES = {
    "charge.dispute.": DisputeKind.DISPUTE,
    "radar.early_fraud_warning.": DisputeKind.EARLY_FRAUD_WARNING,
    "review.": DisputeKind.REVIEW,
}
NOT_GIVEN = frozenset({"failed", "canceled"})


def hear(*, event_id: int, now: datetime) -> None:
    """Act on one stored event; done once however often this runs. What cannot be done yet is tried again, for a while."""
    event = inbox.take(event_id=event_id, now=now)
    if event is None:
        return
    try:
        _HEARD[event.vendor](event, now)
    except (Retryable, OutcomeUnknown, NotFound) as error:
        # Not there yet, or not readable now: vendors send first and publish later.
        inbox.postponed(event_id=event_id, code=error.code, now=now)
        return
    inbox.handled(event_id=event_id, now=now)


def _from_provider(event: Event, now: datetime) -> None:
    order_id, offer_id = event.subject.get("order_id", ""), event.subject.get("offer_id", "")
    if event.kind == CHANGED:
        changes.detect(order_id, now)
        return
    about = Q(order_id=order_id) if order_id else Q(pk__in=[])
    about |= Q(offer_id=offer_id) if offer_id else Q(pk__in=[])
    for attempt in BookingAttempt.objects.filter(about):
        _wake(attempt, now, failed=event.kind == FAILED)


def _wake(attempt: BookingAttempt, now: datetime, *, failed: bool = False) -> None:
    with scope(attempt.owner_id):
        live = BookingAttempt.objects.filter(id=attempt.id)
        if failed:
            # Announced and signed; the next look by offer confirms that nothing is there.
            live.filter(state=State.UNKNOWN).update(reason="order_creation_failed", due_at=now)
        elif attempt.due_at:
            live.filter(due_at__gt=now).update(due_at=now)
        jobs.advance_soon(attempt.id)


def _from_gateway(event: Event, now: datetime) -> None:
    kind = event.kind
    if kind == "payment_method.detached":
        _card_gone(event, now)
        return
    about = next((what for prefix, what in ABOUT_DISPUTES.items() if kind.startswith(prefix)), None)
    if about:
        payments.hear_dispute(reference=event.object_id, kind=about, now=now)
    owner_id, payment_id = _payment_of(event)
    if owner_id is None or payment_id is None:
        return
    payments.refresh(owner_id=owner_id, payment_id=payment_id, now=now)
    for refund in payment_queries.refunds(owner_id, payment_id):
        if refund.status in NOT_GIVEN:
            cancelling.refund_failed(owner_id=owner_id, refund_id=refund.id, now=now)
    with scope(owner_id):
        attempt = BookingAttempt.objects.filter(payment_id=payment_id).exclude(state__in=SETTLED).first()
    if attempt:
        _wake(attempt, now)


def _payment_of(event: Event) -> tuple[UUID | None, UUID | None]:
    """Whose payment the event is about: from its own metadata, or from that of the payment it names."""
    ids = {name: event.subject.get(name, "") for name in ("owner_id", "payment_id")}
    intent = event.subject.get("intent", "")
    if intent and not all(ids.values()):
        metadata = gateway().view_of(intent).metadata
        ids = {name: metadata.get(name, "") for name in ids}
    if not all(ids.values()):
        return None, None
    return UUID(ids["owner_id"]), UUID(ids["payment_id"])


def _card_gone(event: Event, now: datetime) -> None:
    owner_id = payment_queries.owner_of_customer(event.subject.get("customer", ""))
    if owner_id:
        campaigns.card_gone(owner_id=owner_id, reference=event.object_id, now=now)


_HEARD = {"duffel": _from_provider, "stripe": _from_gateway}
