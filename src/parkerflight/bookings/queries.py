"""Reads for the person's own pages and the command line, in the owner's scope."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from parkerflight.bookings.changes import details
from parkerflight.bookings.models import AttemptEvent, Booking, BookingAttempt, Change
from parkerflight.bookings.sealing import open_order
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.vault.operations import Purpose


@dataclass(frozen=True, slots=True)
class Trip:
    """A booked trip. `order` holds reference, tickets and itinerary as plain data; its repr shows none of it."""

    booking_id: UUID
    campaign_id: UUID
    attempt_id: UUID
    order_id: str
    total: Money
    booked_at: datetime
    captured_at: datetime | None
    order: "Opened"


class Opened(dict[str, Any]):
    """Opened personal data that does not print itself."""

    def __repr__(self) -> str:
        return "Opened(…)"


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """One transition. `wall_ms` is real time in milliseconds since 1970."""

    state: str
    reason: str
    at: datetime
    wall_ms: int


def trips(owner_id: UUID) -> list[Trip]:
    """All booked trips of a person, newest first."""
    with scope(owner_id):
        return [_trip(row) for row in Booking.objects.select_related("attempt").order_by("-booked_at")[:200]]


def _trip(row: Booking) -> Trip:
    return Trip(
        booking_id=row.id,
        campaign_id=row.campaign_id,
        attempt_id=row.attempt_id,
        order_id=row.order_id,
        total=Money(row.total_minor, row.currency),
        booked_at=row.booked_at,
        captured_at=row.captured_at,
        order=Opened(open_order(row, purpose=Purpose.SHOW_OWNER)),
    )


def attempts_of(owner_id: UUID, campaign_id: UUID) -> list[dict[str, Any]]:
    """The tries made for a campaign, oldest first: id, state, reason, offer, payment."""
    names = ("id", "state", "reason", "offer_id", "payment_id", "order_id", "total_minor", "currency")
    with scope(owner_id):
        rows = BookingAttempt.objects.filter(campaign_id=campaign_id).order_by("created_at")
        return [{name: getattr(row, name) for name in names} for row in rows]


def timeline(owner_id: UUID, attempt_id: UUID) -> list[TimelineEvent]:
    """An attempt's transitions in order."""
    with scope(owner_id):
        rows = AttemptEvent.objects.filter(attempt_id=attempt_id).order_by("id")
        return [TimelineEvent(row.to_state, row.reason, row.at, row.wall_ms) for row in rows]


def changes_of(owner_id: UUID) -> list[dict[str, Any]]:
    """What airlines changed on a person's trips, newest first: id, booking, state, when seen, flights gone and come."""
    with scope(owner_id):
        rows = list(Change.objects.order_by("-seen_at")[:200])
    return [
        {
            "id": row.id,
            "booking_id": row.booking_id,
            "state": row.state,
            "can_accept": row.can_accept,
            "seen_at": row.seen_at,
            **_flights(details(owner_id=owner_id, change_row_id=row.id)),
        }
        for row in rows
    ]


def _flights(change: dict[str, Any]) -> dict[str, list[str]]:
    def lines(slices: list[dict[str, Any]]) -> list[str]:
        return [
            f"{one['marketing_carrier']}{one['marketing_flight_number']} {one['origin']['iata_code']} {one['departing_at']} "
            f"{one['destination']['iata_code']} {one['arriving_at']}"
            for journey in slices
            for one in journey["segments"]
        ]

    return {"removed": lines(change["removed"]), "added": lines(change["added"])}
