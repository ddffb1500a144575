"""Orders: the provider's list against attempts and bookings, both ways."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from parkerflight.bookings.machine import SETTLED, State
from parkerflight.bookings.models import Booking, BookingAttempt, Cancellation
from parkerflight.core.errors import NotFound
from parkerflight.core.money import Money
from parkerflight.flights.operations import provider
from parkerflight.flights.types import Order, OrderState
from parkerflight.ops.findings import Finding, Severity

GRACE = timedelta(minutes=15)  # what moved just now is being worked on; the next run sees how it ended
MOST_LOOKUPS = 500  # orders read one by one because no list named them; more means that the list cannot be trusted
BOUGHT = frozenset({OrderState.CONFIRMED, OrderState.TICKETED})
ASKING = frozenset({State.HOLDING, State.ORDERING, State.PAYING, State.UNKNOWN})
HOLDING_SEATS = frozenset(
    {State.HELD, State.NEEDS_CUSTOMER, State.AUTHORISING, State.AUTHORISED, State.REPRICING, State.PAYING}
)
TRY = ("id", "state", "order_id", "offer_id", "updated_at")
TRIP = ("id", "attempt_id", "order_id", "total_minor", "currency", "cancelled_at", "booked_at")


@dataclass(frozen=True, slots=True)
class Ours:
    """What our books say about one order."""

    attempt_id: UUID
    state: State
    order_id: str
    updated_at: datetime
    booking_id: UUID | None = None
    total: Money | None = None
    cancelled: bool = False
    cancelling: bool = False


def compare(since: datetime, now: datetime, counts: dict[str, int]) -> Iterator[Finding]:
    """Every difference between the provider's orders and ours since then. Each is looked at twice before it is told."""
    seen = set()
    for order in provider().orders_since(since):
        seen.add(order.id)
        if found := _judge(order, ours_of(order), now):
            yield from _again(order.id, found, now)
    expected = _expected(since)
    counts |= {"provider's orders": len(seen), "our orders": len(expected)}
    for order_id, booking_id, attempt_id in expected:
        if order_id not in seen:
            yield from _unlisted(order_id, booking_id, attempt_id, now)


def _again(order_id: str, first: Finding, now: datetime) -> Iterator[Finding]:
    """While the list was read the saga went on: only what both books still say at this moment is told."""
    try:
        order = provider().order(order_id)
    except NotFound:
        yield first
        return
    if found := _judge(order, ours_of(order), now):
        yield found


def _unlisted(order_id: str, booking_id: UUID | None, attempt_id: UUID, now: datetime) -> Iterator[Finding]:
    try:
        order = provider().order(order_id)
    except NotFound:
        if booking_id:
            ours = str(booking_id)
            yield Finding(
                "booking_unknown_to_the_provider", Severity.PERSON, ours, order_id, "not found", str(attempt_id)
            )
        return
    if found := _judge(order, ours_of(order), now):
        yield found


def _expected(since: datetime) -> list[tuple[str, UUID | None, UUID]]:
    """(order, booking, attempt) of what we booked or hold since then."""
    booked = Booking.objects.filter(booked_at__gte=since).values_list("order_id", "id", "attempt_id")
    live = BookingAttempt.objects.exclude(state__in=SETTLED).exclude(order_id="").filter(created_at__gte=since)
    known: dict[str, tuple[str, UUID | None, UUID]] = {}
    for order_id, attempt_id in live.values_list("order_id", "id"):
        known[order_id] = (order_id, None, attempt_id)
    for order_id, booking_id, attempt_id in booked:
        known[order_id] = (order_id, booking_id, attempt_id)
    return [*known.values()][:MOST_LOOKUPS]


def ours_of(order: Order) -> Ours | None:
    """Our books on this order: by its id, by our id on it, by its offer."""
    rows = BookingAttempt.objects.values_list(*TRY)
    row = rows.filter(order_id=order.id).first()
    if row is None and (attempt_id := _uuid(order.metadata.get("attempt_id", ""))):
        row = rows.filter(id=attempt_id).first()
    row = row or rows.filter(offer_id=order.offer_id).first()
    if row is None:
        return None
    attempt_id, state, order_id, _offer, updated_at = row
    trip = Booking.objects.filter(attempt_id=attempt_id).values(*TRIP).first()
    if trip is None:
        return Ours(attempt_id, State(state), order_id, updated_at)
    under_way = Cancellation.objects.filter(booking_id=trip["id"], state__in=["confirming", "confirmed"])
    return Ours(
        attempt_id=attempt_id,
        state=State(state),
        order_id=order_id,
        updated_at=updated_at,
        booking_id=trip["id"],
        total=Money(trip["total_minor"], trip["currency"]),
        cancelled=trip["cancelled_at"] is not None,
        cancelling=under_way.exists(),
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _judge(order: Order, ours: Ours | None, now: datetime) -> Finding | None:
    if ours is None:
        return _orphan(order)
    if ours.booking_id and ours.order_id == order.id:
        return _booked(order, ours)
    if ours.booking_id or (ours.order_id and ours.order_id != order.id):
        return _other(order, ours)
    if ours.state is State.RELEASED:
        return _other(order, ours, "order_of_a_released_attempt")
    return _under_way(order, ours, now)


def _orphan(order: Order) -> Finding | None:
    if order.state in BOUGHT:
        return Finding("order_without_an_attempt", Severity.PERSON, "", order.id, f"{order.state} for {order.total}")
    if order.state is OrderState.HELD:
        return _idle(order, "")
    return None


def _idle(order: Order, attempt: str) -> Finding:
    until = f"until {order.payment_required_by:%d %b %H:%M}" if order.payment_required_by else "without an end"
    return Finding("unpaid_hold_nobody_waits_for", Severity.WATCH, attempt, order.id, f"held {until}", attempt)


def _other(order: Order, ours: Ours, kind: str = "second_order_of_an_attempt") -> Finding | None:
    """An order that is not the one its attempt stands for."""
    if order.state in BOUGHT:
        return _finding(kind, Severity.PERSON, ours, order, f"{order.state} for {order.total}, we are {ours.state}")
    return _idle(order, str(ours.attempt_id)) if order.state is OrderState.HELD else None


def _booked(order: Order, ours: Ours) -> Finding | None:
    """The order of a booking: it stands, is paid, and cost what our books say; or both say that it is cancelled."""
    if ours.cancelling:
        return None
    if order.state in BOUGHT and ours.cancelled:
        return _finding("cancelled_here_but_stands", Severity.PERSON, ours, order, str(order.state))
    if ours.cancelled:
        return None
    if order.state is OrderState.CANCELLED:
        return _finding("cancelled_at_the_provider", Severity.PERSON, ours, order, "our booking stands")
    if order.state not in BOUGHT:
        return _finding("booked_here_but_unpaid", Severity.PERSON, ours, order, str(order.state))
    if ours.total is not None and order.total != ours.total:
        details = f"provider {order.total}, we {ours.total}"
        return _finding("order_amount_differs", Severity.PERSON, ours, order, details)
    return None


def _under_way(order: Order, ours: Ours, now: datetime) -> Finding | None:
    """An attempt that is not settled: behind is what a worker can catch up with; the rest is for a person."""
    if now - ours.updated_at < GRACE:
        return None
    details = f"{order.state} at the provider, {ours.state} here"
    if ours.state in ASKING and (order.state in BOUGHT or order.state is OrderState.HELD):
        return _finding("attempt_behind", Severity.WOKEN, ours, order, details)
    if order.state in BOUGHT:
        return _finding("order_of_an_attempt_that_has_not_ordered", Severity.PERSON, ours, order, details)
    if order.state is not OrderState.HELD and ours.order_id == order.id and ours.state in HOLDING_SEATS:
        return _finding("attempt_behind", Severity.WOKEN, ours, order, details)
    return None


def _finding(kind: str, severity: Severity, ours: Ours, order: Order, details: str) -> Finding:
    return Finding(
        kind, severity, str(ours.booking_id or ours.attempt_id), order.id, details, attempt_id=str(ours.attempt_id)
    )
