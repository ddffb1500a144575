"""Telling the person what happened to an attempt or a booking: queued in the commit of what happened, composed by a job.

What is wrong with a mail must never keep money and ticket from agreeing, so composing has no part in the saga.
"""

from enum import StrEnum
from uuid import UUID

from parkerflight.bookings.models import BookingAttempt
from parkerflight.core.jobs import defer_by_name


class Kind(StrEnum):
    """What there is to tell. Each is told once for an attempt, cancellation or change."""

    CONFIRM = "confirm"
    """The bank wants the cardholder; the seats are held until a deadline."""
    VETO = "veto"
    """The seats are held and will be bought unless the person says no."""
    OUT_OF_REACH = "out_of_reach"
    """A fare fitted, but an outage kept us from buying it: how to buy it by hand."""
    ACT = "act"
    """The search stopped until the person does something."""
    UNPAID = "unpaid"
    """The ticket stands but the card could not be charged."""
    TICKETS = "tickets"
    """Ticket documents that were late are there."""
    CANCELLED = "cancelled"
    REFUND_FAILED = "refund_failed"
    CHANGED = "changed"
    """The airline changed the flights."""


def post(attempt: BookingAttempt, kind: Kind) -> None:
    """Queue one letter about an attempt, in the running transaction."""
    post_about(attempt.owner_id, attempt.id, kind)


def post_about(owner_id: UUID, subject_id: UUID, kind: Kind) -> None:
    """Queue one letter about an attempt, cancellation or change by its id."""
    ids = {"owner_id": str(owner_id), "subject_id": str(subject_id), "kind": kind.value}
    defer_by_name("bookings.tell", once=f"tell:{kind}:{subject_id}", **ids)
