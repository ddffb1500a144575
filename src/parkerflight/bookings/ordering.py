"""The one order of an instant fare: claimed, sent once, and its answer recorded."""

from datetime import datetime, timedelta

from parkerflight.bookings import orders
from parkerflight.bookings.attempts import caught_up, move, refuse, total, wait
from parkerflight.bookings.charges import payment_of
from parkerflight.bookings.machine import State
from parkerflight.bookings.models import BookingAttempt
from parkerflight.bookings.requests import claim_order
from parkerflight.campaigns.operations import After
from parkerflight.core.errors import OutcomeUnknown, ParkerError, Retryable, Terminal
from parkerflight.core.fault_points import fault_point
from parkerflight.core.switches import Stop, stopped
from parkerflight.core.tenancy import scope
from parkerflight.flights.operations import provider
from parkerflight.flights.provider import AlreadyAttempted, AlreadyPaid, PriceChanged
from parkerflight.flights.types import OrderAccepted
from parkerflight.payments import operations as payments
from parkerflight.payments import queries as payment_queries

REVIEW_LOOKS = timedelta(seconds=30)  # a fraud review is decided by a person; an offer lives half an hour,
SLOWEST_REVIEW_LOOKS = timedelta(minutes=15)  # a hold days; the webhook of a closed review comes sooner
HELD = "held"
PURCHASE_ERRORS = (Terminal, Retryable, OutcomeUnknown)


def order(attempt: BookingAttempt, now: datetime) -> bool:
    """Read the fare a last time, claim the order, send it once, record what came of it."""
    if stopped(Stop.BOOKINGS):
        return refuse(attempt, now, reason="bookings_stopped", sentence=orders.PAUSED, after=After.SEARCH)
    try:
        offer = provider().offer(attempt.offer_id)
        if money_waits(attempt, now):
            return False
        if offer.total != total(attempt):
            return repriced(attempt, now)
        request = claim_order(attempt, offer, State.ORDERING, now)
    except Terminal as error:
        return orders.refused(attempt, now, error)
    fault_point("bookings.before_order")
    try:
        outcome = provider().create_order(request)
    except PURCHASE_ERRORS as error:
        return not_bought(attempt, now, error)
    fault_point("bookings.after_order_answer")
    if isinstance(outcome, OrderAccepted):
        return unknown(attempt, now, "booked_data_later" if outcome.booked else "pending_supplier", outcome.reference)
    return orders.bought(attempt, outcome, now)


def not_bought(attempt: BookingAttempt, now: datetime, error: ParkerError) -> bool:
    """An order or a payment was sent and the answer is an error: nothing for certain, or nobody knows."""
    if error.code in orders.NEVER_SENT:
        return never_sent(attempt, now, error.code)
    if isinstance(error, PriceChanged):
        return repriced(attempt, now)
    if isinstance(error, Terminal) and not isinstance(error, (AlreadyAttempted, AlreadyPaid)):
        return orders.refused(attempt, now, error)
    # Even «nothing happened, try again» is checked with the provider first: cheap, against a second ticket.
    return unknown(attempt, now, error.code, error.reference)


def money_waits(attempt: BookingAttempt, now: datetime) -> bool:
    """Whether the held money waits for a fraud review: no ticket is bought while one is open.

    Raises Terminal when nothing is held any more.
    """
    seen = payment_queries.payment(attempt.owner_id, payment_of(attempt))
    if seen.review_open:
        seen = payments.refresh(owner_id=attempt.owner_id, payment_id=seen.id, now=now)
    if seen.state != HELD:
        raise Terminal("hold_gone", "The payment was stopped before the ticket was bought; nothing was charged.")
    if seen.review_open:
        grown = min(REVIEW_LOOKS * 2 ** min(attempt.tries, 8), SLOWEST_REVIEW_LOOKS)
        wait(attempt, now=now, delay=grown if attempt.order_id else REVIEW_LOOKS, reason="review_open")
    return seen.review_open


def repriced(attempt: BookingAttempt, now: datetime) -> bool:
    """The price moved and nothing was bought at the old one: decide anew."""
    with scope(attempt.owner_id):
        if not caught_up(attempt, State.AUTHORISED, State.ORDERING, State.PAYING, State.UNKNOWN):
            return False
        return move(attempt, State.REPRICING, now=now, reason="price_changed")


def never_sent(attempt: BookingAttempt, now: datetime, code: str) -> bool:
    """The claimed request never left this machine: back to before the claim, and a little later again."""
    with scope(attempt.owner_id):
        if caught_up(attempt, State.ORDERING, State.PAYING, State.UNKNOWN):
            move(attempt, State.AUTHORISED, now=now, reason=code, due_in=orders.FIRST_ASK)
    return False


def unknown(attempt: BookingAttempt, now: datetime, code: str, reference: str) -> bool:
    """No definite answer: from here on the provider is asked, never assumed, never sent the same again."""
    with scope(attempt.owner_id):
        move(attempt, State.UNKNOWN, now=now, reason=code, vendor_request_id=reference[:80], due_in=orders.FIRST_ASK)
    return True


def interrupted(attempt: BookingAttempt, now: datetime) -> bool:
    """Found claimed: whoever sent the request did not come back. Whether it arrived is unknown."""
    with scope(attempt.owner_id):
        return move(attempt, State.UNKNOWN, now=now, reason=f"{attempt.state}_interrupted", due_in=timedelta(0))
