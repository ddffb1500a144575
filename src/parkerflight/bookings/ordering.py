"""The one order of an attempt: building it, sending it once, and finding out what became of it."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F

from parkerflight.bookings import sealing
from parkerflight.bookings.attempts import move, total, wait
from parkerflight.bookings.machine import State
from parkerflight.bookings.models import Booking, BookingAttempt
from parkerflight.bookings.seating import Person, passengers, seat
from parkerflight.campaigns import queries as campaign_queries
from parkerflight.core.errors import NotFound, OutcomeUnknown, ParkerError, Retryable, Terminal
from parkerflight.core.fault_points import fault_point
from parkerflight.core.switches import Stop, turn
from parkerflight.core.tenancy import scope
from parkerflight.flights.operations import provider
from parkerflight.flights.provider import AlreadyAttempted, PriceChanged, WalletEmpty
from parkerflight.flights.types import (
    Offer,
    Order,
    OrderAccepted,
    OrderRequest,
    OrderState,
)
from parkerflight.payments import queries as payment_queries
from parkerflight.travelers import queries as travelers
from parkerflight.travelers.values import Document
from parkerflight.vault.operations import Purpose, lookup_hash

log = logging.getLogger(__name__)
# No connection, or our own limiter said wait: the request did not leave this machine, so nothing can exist.
NEVER_SENT = frozenset({"unreachable", "rate_limited"})
FIRST_ASK = timedelta(seconds=10)
SLOWEST_ASK = timedelta(hours=1)  # an airline's data may take a couple of hours to turn up
HORIZON = timedelta(hours=24)  # after a day without an answer a person decides, with the provider's support
TICKETS_FIRST = timedelta(hours=12)  # this long before the hold ends it is captured even if tickets are late

PERSON_ACTS = frozenset({"invalid_passenger_name", "invalid_passenger_title", "invalid_phone_number", "invalid_email_address",
                         "invalid_loyalty_card", "order_passengers_incompatible_with_offer", "duplicate_passenger_name",
                         "traveler_refused"})  # fmt: skip
SENTENCES = {
    "insufficient_balance": "Booking is paused on our side; nothing was charged, the search goes on.",
    "price_changed": "The fare rose while it was being bought; nothing was charged, the search goes on.",
    "payment_amount_does_not_match_order_amount": "The fare rose while it was being bought; nothing was charged, the search goes on.",
    "invalid_passenger_name": "The airline does not take a traveller's name as written; correct it.",
    "bookings_stopped": "Booking is paused on our side; nothing was charged, the search goes on.",
}


def send(attempt: BookingAttempt, now: datetime) -> bool:
    """Commit that the order is about to be sent, send it once, record what came of it."""
    try:
        offer = provider().offer(attempt.offer_id)
        if offer.total != total(attempt):
            raise PriceChanged("price_changed", "the fare moved after the money was held")
        with scope(attempt.owner_id):
            request, seats = build(attempt, offer, now)
            claimed = move(attempt, State.ORDERING, now=now, request_hash=_fingerprint(request), seats=seats)
    except (Terminal, NotFound) as error:
        return _refused(attempt, now, error)
    if not claimed:
        return False
    fault_point("bookings.before_order")
    try:
        outcome = provider().create_order(request)
    except (AlreadyAttempted, OutcomeUnknown, Retryable) as error:
        if error.code in NEVER_SENT:
            return _refused(attempt, now, error)
        # Even «nothing happened, try again» is checked with the provider first: cheap, against a second ticket.
        return _unknown(attempt, now, error.code, error.reference)
    except Terminal as error:
        if isinstance(error, WalletEmpty):
            turn(Stop.BOOKINGS, on=True, reason="Our balance at the flight provider is empty: top it up.", now=now)
        return _refused(attempt, now, error)
    fault_point("bookings.after_order_answer")
    if isinstance(outcome, OrderAccepted):
        return _unknown(attempt, now, "booked_data_later" if outcome.booked else "pending_supplier", outcome.reference)
    return ordered(attempt, outcome, now)


def ask(attempt: BookingAttempt, now: datetime) -> bool:
    """Look the order up by its offer; wait longer each time; after a day a person decides."""
    found = provider().orders_of_offer(attempt.offer_id)
    mine = [order for order in found if order.state is not OrderState.CANCELLED]
    if mine:
        return ordered(attempt, mine[0], now)
    if found:
        return _refused(attempt, now, Terminal("order_cancelled", "the order was made and cancelled again"))
    delay = min(FIRST_ASK * 2 ** min(attempt.tries, 12), SLOWEST_ASK)
    late = now - attempt.created_at > HORIZON
    wait(attempt, now=now, delay=delay, reason=attempt.reason or "order_unknown", human=late)
    return False


def ordered(attempt: BookingAttempt, order: Order, now: datetime) -> bool:
    """Record the order and the booking; one commit."""
    with scope(attempt.owner_id):
        if not move(attempt, State.ORDERED, now=now, order_id=order.id, due_in=FIRST_ASK):
            return False
        booking = Booking(
            owner_id=attempt.owner_id,
            attempt=attempt,
            campaign_id=attempt.campaign_id,
            order_id=order.id,
            total_minor=order.total.minor,
            currency=order.total.currency,
            passengers=len(order.passenger_ids),
            tickets=_ticketed(order),
            booked_at=now,
        )
        booking.confirmation = sealing.seal_order(booking, order)
        booking.save(force_insert=True)
    return True


def all_ticketed(attempt: BookingAttempt) -> bool:
    """Whether every passenger had a ticket when we last looked. Joins the caller's transaction."""
    return Booking.objects.filter(attempt=attempt, tickets=F("passengers")).exists()


def tickets_arrived(attempt: BookingAttempt, now: datetime) -> bool:
    """Look again. True when every passenger has a ticket, or the hold is so near its end that waiting would lose it."""
    order = provider().order(attempt.order_id)
    with scope(attempt.owner_id):
        booking = Booking.objects.get(attempt=attempt)
        Booking.objects.filter(id=booking.id).update(
            tickets=_ticketed(order), confirmation=sealing.seal_order(booking, order)
        )
    if _ticketed(order) == booking.passengers:
        return True
    payment = payment_queries.payment(attempt.owner_id, attempt.payment_id) if attempt.payment_id else None
    if payment and payment.capture_before and now > payment.capture_before - TICKETS_FIRST:
        return True
    wait(attempt, now=now, delay=min(FIRST_ASK * 2 ** min(attempt.tries, 12), SLOWEST_ASK), reason="tickets_late")
    return False


def _ticketed(order: Order) -> int:
    """How many passengers have a ticket. A ticket that names nobody counts for one."""
    named = {passenger for ticket in order.tickets for passenger in ticket.passenger_ids}
    return min(len(order.passenger_ids), max(len(named), len(order.tickets)))


def build(attempt: BookingAttempt, offer: Offer, now: datetime) -> tuple[OrderRequest, dict[str, str]]:
    """The order's exact content, and which traveller has which seat. Opens profiles for ticketing."""
    campaign = campaign_queries.terms(attempt.owner_id, attempt.campaign_id)
    ids = list(campaign.traveler_ids)
    profiles = travelers.for_ticketing(attempt.owner_id, ids, Purpose.TICKETING, now=now)
    papers: dict[UUID, tuple[Document, ...]] = {}
    if offer.documents_required:
        papers = travelers.documents_for_ticketing(attempt.owner_id, ids, Purpose.TICKETING, now=now)
    people = [Person(one, profile, papers.get(one, ())) for one, profile in zip(ids, profiles, strict=True)]
    seats = seat(offer, people)
    request = OrderRequest(
        offer_id=offer.id,
        total=offer.total,
        passengers=passengers(offer, seats),
        metadata={"attempt_id": str(attempt.id), "campaign_id": str(attempt.campaign_id)},
    )
    return request, {seat_id: str(person.traveler_id) for seat_id, person in seats.items()}


def _fingerprint(request: OrderRequest) -> str:
    people = [(p.id, p.given_name, p.family_name, p.born_on.isoformat()) for p in request.passengers]
    # Keyed: a plain hash of a name and a birthday could be guessed by trying.
    return lookup_hash("bookings.order", repr((request.offer_id, request.total, people))).hex()


def _unknown(attempt: BookingAttempt, now: datetime, code: str, reference: str) -> bool:
    with scope(attempt.owner_id):
        move(attempt, State.UNKNOWN, now=now, reason=code, vendor_request_id=reference[:80], due_in=FIRST_ASK)
    return True


def _refused(attempt: BookingAttempt, now: datetime, error: ParkerError) -> bool:
    with scope(attempt.owner_id):
        # While we waited for this answer somebody may have taken us for dead; the refusal is certain all the same.
        attempt.state = BookingAttempt.objects.values_list("state", flat=True).get(id=attempt.id)
        if attempt.state not in {State.AUTHORISED, State.ORDERING, State.UNKNOWN}:
            return False
        return move(attempt, State.REFUSED, now=now, reason=error.code[:60], vendor_request_id=error.reference[:80])
