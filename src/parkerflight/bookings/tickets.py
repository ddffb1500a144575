"""Waiting for ticket documents, which may come hours after the order."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F

from parkerflight.bookings import letters, sealing
from parkerflight.bookings.attempts import wait
from parkerflight.bookings.models import Booking, BookingAttempt
from parkerflight.bookings.orders import FIRST_ASK, SLOWEST_ASK, ticketed
from parkerflight.core.tenancy import scope
from parkerflight.flights.operations import provider
from parkerflight.payments import queries as payment_queries

TICKETS_FIRST = timedelta(hours=12)  # this long before the hold ends it is captured even if tickets are late


def all_there(attempt: BookingAttempt) -> bool:
    """Whether every passenger had a ticket when we last looked. Joins the caller's transaction."""
    return Booking.objects.filter(attempt=attempt, tickets=F("passengers")).exists()


def arrived(attempt: BookingAttempt, now: datetime) -> bool:
    """Look again. True when every passenger has a ticket, or the hold is so near its end that waiting would lose it."""
    if look(owner_id=attempt.owner_id, attempt_id=attempt.id):
        return True
    payment = payment_queries.payment(attempt.owner_id, attempt.payment_id) if attempt.payment_id else None
    if payment and payment.capture_before and now > payment.capture_before - TICKETS_FIRST:
        return True
    return wait(
        attempt, now=now, delay=min(FIRST_ASK * 2 ** min(attempt.tries, 12), SLOWEST_ASK), reason="tickets_late"
    )


def look(*, owner_id: UUID, attempt_id: UUID) -> bool:
    """Read the order and keep what it says now. True when every passenger has a ticket."""
    with scope(owner_id):
        booking = Booking.objects.get(attempt_id=attempt_id)
    order = provider().order(booking.order_id)
    with scope(owner_id):
        Booking.objects.filter(id=booking.id).update(
            tickets=ticketed(order), confirmation=sealing.seal_order(booking, order)
        )
    return ticketed(order) == booking.passengers


def still_missing(now: datetime, limit: int = 50) -> list[tuple[UUID, UUID]]:
    """(owner, attempt) of completed bookings whose documents are still to come; found without a scope."""
    rows = Booking.objects.filter(
        tickets__lt=F("passengers"), captured_at__isnull=False, cancelled_at__isnull=True, booked_at__lte=now
    )
    return [(row.owner_id, row.attempt_id) for row in rows.order_by("booked_at")[:limit]]


def chase(*, owner_id: UUID, attempt_id: UUID) -> None:
    """Look for late documents of a completed booking; send them once they are there."""
    if look(owner_id=owner_id, attempt_id=attempt_id):
        letters.post_about(owner_id, attempt_id, letters.Kind.TICKETS)
