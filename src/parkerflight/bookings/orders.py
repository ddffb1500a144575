"""What a definite answer of the airline means, and recording an order that stands. Shared by every way to one."""

import logging
from datetime import datetime, timedelta

from parkerflight.bookings import sealing
from parkerflight.bookings.attempts import caught_up, move, refuse
from parkerflight.bookings.machine import State
from parkerflight.bookings.models import Booking, BookingAttempt
from parkerflight.campaigns.operations import After
from parkerflight.core.errors import ParkerError
from parkerflight.core.switches import Stop, turn
from parkerflight.core.tenancy import scope
from parkerflight.flights import wallet
from parkerflight.flights.provider import PassengerRefused, WalletEmpty
from parkerflight.flights.types import Order, OrderState

log = logging.getLogger(__name__)
FIRST_ASK = timedelta(seconds=10)
SLOWEST_ASK = timedelta(hours=1)  # an airline's data may take a couple of hours to turn up
# No connection, or our own limiter said wait: the request did not leave this machine, so nothing can exist.
NEVER_SENT = frozenset({"unreachable", "rate_limited"})
BOUGHT = frozenset({OrderState.CONFIRMED, OrderState.TICKETED})
OVER = frozenset({OrderState.CANCELLED, OrderState.LAPSED})
PAUSED = "Booking is paused on our side; nothing was charged, the search goes on."
SENTENCES = {
    "insufficient_balance": PAUSED,
    "person_stopped": "You stopped this before it was bought; nothing was charged.",
    "invalid_passenger_name": "The airline does not take a traveller's name as written; correct it.",
    "hold_lapsed": "The airline let the reserved seats go; nothing was charged, the search goes on.",
    "schedule_changed": "The airline changed the flights before they were paid; nothing was charged, the search goes on.",
}
REFUSED = "The airline refused the booking; nothing was charged, the search goes on."


def refused(attempt: BookingAttempt, now: datetime, error: ParkerError) -> bool:
    """The airline said no for certain: commit that, with what it means for the campaign."""
    if isinstance(error, WalletEmpty):
        turn(Stop.BOOKINGS, on=True, reason="Our balance at the flight provider is empty: top it up.", now=now)
    person = isinstance(error, PassengerRefused)
    sentence = SENTENCES.get(error.code, str(error) if error.code == "traveler_refused" else REFUSED)
    after = After.PERSON if person else After.SEARCH
    with scope(attempt.owner_id):
        if not caught_up(attempt, State.AUTHORISED, State.HOLDING, State.ORDERING, State.PAYING, State.UNKNOWN):
            return False
        return refuse(attempt, now, reason=error.code, sentence=sentence, after=after, reference=error.reference)


def bought(attempt: BookingAttempt, order: Order, now: datetime) -> bool:
    """Record the order, the booking and what our balance paid; one commit."""
    with scope(attempt.owner_id):
        if not caught_up(attempt, State.ORDERING, State.PAYING, State.UNKNOWN):
            log.error("attempt %s: order %s stands, but the attempt is %s", attempt.id, order.id, attempt.state)
            return False
        # The wallet's row is locked before the attempt's, here as everywhere: two workers cannot wait for each other.
        wallet.spend(attempt_id=attempt.id, amount=order.total, now=now)
        # What the airline took is what the card pays: it is the amount we sent, or the order could not exist.
        move(attempt, State.ORDERED, now=now, order_id=order.id, total_minor=order.total.minor, due_in=FIRST_ASK)
        booking = Booking(
            owner_id=attempt.owner_id,
            attempt=attempt,
            campaign_id=attempt.campaign_id,
            order_id=order.id,
            total_minor=order.total.minor,
            fee_minor=attempt.fee_minor,
            currency=order.total.currency,
            passengers=len(order.passenger_ids),
            tickets=ticketed(order),
            booked_at=now,
        )
        booking.confirmation = sealing.seal_order(booking, order)
        booking.save(force_insert=True)
    return True


def ticketed(order: Order) -> int:
    """How many passengers have a ticket. A ticket that names nobody counts for one."""
    named = {passenger for ticket in order.tickets for passenger in ticket.passenger_ids}
    return min(len(order.passenger_ids), max(len(named), len(order.tickets)))
