"""What is kept of an order, sealed: reference, ticket numbers, itinerary."""

import dataclasses
import json
from datetime import date, datetime, timedelta
from typing import Any

from parkerflight.bookings.models import Booking
from parkerflight.core.money import Money
from parkerflight.flights.types import Order
from parkerflight.vault.envelope import Place
from parkerflight.vault.operations import Purpose, Sealer


def seal_order(booking: Booking, order: Order) -> bytes:
    """The order as sealed JSON for its booking. Call in the owner's scope."""
    text = json.dumps(dataclasses.asdict(order), default=plain)
    return Sealer(booking.owner_id).seal(_place(booking), text)


def open_order(booking: Booking, *, purpose: Purpose) -> dict[str, Any]:
    """What `seal_order` kept. Call in the owner's scope."""
    kept: dict[str, Any] = json.loads(
        Sealer(booking.owner_id).open(_place(booking), bytes(booking.confirmation), purpose=purpose)
    )
    return kept


def _place(booking: Booking) -> Place:
    return Place("bookings_booking", "confirmation", booking.id)


def plain(value: object) -> object:
    """Dates, durations and money as JSON."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Money):
        return {"minor": value.minor, "currency": value.currency}
    raise TypeError(type(value))
