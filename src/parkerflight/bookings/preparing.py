"""The first step of an attempt, and the step back to it when a price moves: read, judge, commit the payment's intent."""

from datetime import datetime

from parkerflight.bookings import holding, orders
from parkerflight.bookings.attempts import move, refuse
from parkerflight.bookings.charges import charge_of, open_payment, payment_of, priced, replace_payment
from parkerflight.bookings.ending import give_up
from parkerflight.bookings.machine import State
from parkerflight.bookings.models import BookingAttempt
from parkerflight.campaigns import queries as campaign_queries
from parkerflight.campaigns.operations import After
from parkerflight.campaigns.queries import Terms
from parkerflight.core.errors import Terminal
from parkerflight.core.fault_points import fault_point
from parkerflight.core.money import Money
from parkerflight.core.switches import Stop, stopped
from parkerflight.core.tenancy import scope
from parkerflight.flights import wallet
from parkerflight.flights.operations import provider
from parkerflight.flights.types import Offer
from parkerflight.payments import queries as payment_queries

GONE = "The fare was gone before it could be bought; the search goes on."
AFTER_REFUSAL = {
    "insufficient_balance": After.LATER,
    "above_cap": After.SEARCH,
    "offer_no_longer_fits": After.SEARCH,
    "fare_gone": After.SEARCH,
}


def prepare(attempt: BookingAttempt, now: datetime) -> bool:
    """Read the offer again; then hold the fare or commit the payment's intent, or let the match go and say why."""
    if stopped(Stop.BOOKINGS):
        if holding.too_late(attempt, now):
            return give_up(attempt, now, "bookings_stopped", orders.PAUSED, After.SEARCH)
        return holding.wait_for_go(attempt, now)
    try:
        offer = provider().offer(attempt.offer_id)
    except Terminal as error:
        return give_up(attempt, now, error.code, GONE, After.SEARCH)
    fault_point("bookings.after_offer_read")
    with scope(attempt.owner_id):
        terms = campaign_queries.terms(attempt.owner_id, attempt.campaign_id)
        why_not = campaign_queries.verdict_now(attempt.owner_id, attempt.campaign_id, [offer], now)
        card = payment_queries.card_state(attempt.owner_id, terms.card_id)
    if terms.wish:
        return give_up(attempt, now, "person_stopped", "You stopped this before it was bought.", After.SEARCH)
    if why_not:
        return give_up(attempt, now, "offer_no_longer_fits", why_not, After.SEARCH)
    if holding.possible(offer, now) and (terms.veto_hours or card.needs_customer):
        return holding.send(attempt, offer, now)
    return _commit_payment(attempt, offer, terms, now)


def _commit_payment(attempt: BookingAttempt, offer: Offer, terms: Terms, now: datetime) -> bool:
    """The payment's intent, our own money set aside, and the move: one commit."""
    try:
        with scope(attempt.owner_id):
            price = priced(offer.total, terms)
            if not wallet.reserve(attempt_id=attempt.id, amount=offer.total, now=now):
                raise Terminal("insufficient_balance", orders.PAUSED)
            payment_id = open_payment(attempt, terms, charge_of(price), now)
            return move(
                attempt, State.AUTHORISING, now=now, payment_id=payment_id, payments_made=1, card_id=terms.card_id,
                offer_expires_at=offer.expires_at, holdable=holding.possible(offer, now), also=dict(price),
            )  # fmt: skip
    except Terminal as error:
        return give_up(attempt, now, error.code, str(error), AFTER_REFUSAL.get(error.code, After.PERSON))


def reprice(attempt: BookingAttempt, now: datetime) -> bool:
    """The price moved: go on within the cap and the criteria, with a new authorisation if it rose; else let go."""
    if attempt.price_moves >= holding.MOST_PRICE_MOVES:
        sentence = "The price kept moving while it was being bought; nothing was charged, the search goes on."
        return refuse(attempt, now, reason="price_keeps_moving", sentence=sentence, after=After.SEARCH)
    try:
        fare = provider().order(attempt.order_id).total if attempt.order_id else _fare_now(attempt, now)
        fault_point("bookings.after_price_read")
        with scope(attempt.owner_id):
            return _go_on(attempt, fare, now)
    except Terminal as error:
        after = AFTER_REFUSAL.get(error.code, After.PERSON)
        return refuse(attempt, now, reason=error.code, sentence=str(error), after=after, reference=error.reference)


def _fare_now(attempt: BookingAttempt, now: datetime) -> Money:
    try:
        offer = provider().offer(attempt.offer_id)
    except Terminal as error:
        raise Terminal("fare_gone", GONE, reference=error.reference) from None
    with scope(attempt.owner_id):
        why_not = campaign_queries.verdict_now(attempt.owner_id, attempt.campaign_id, [offer], now)
    if why_not:
        raise Terminal("offer_no_longer_fits", why_not)
    return offer.total


def _go_on(attempt: BookingAttempt, fare: Money, now: datetime) -> bool:
    """Joins the caller's transaction."""
    terms = campaign_queries.terms(attempt.owner_id, attempt.campaign_id)
    price = priced(fare, terms)
    if not wallet.reserve(attempt_id=attempt.id, amount=fare, now=now):
        raise Terminal("insufficient_balance", orders.PAUSED)
    moves = attempt.price_moves + 1
    if charge_of(price) <= payment_queries.payment(attempt.owner_id, payment_of(attempt)).amount:
        return move(attempt, State.AUTHORISED, now=now, price_moves=moves, also=dict(price))
    payment_id = replace_payment(attempt, terms, charge_of(price), now)
    made = attempt.payments_made + 1
    return move(
        attempt,
        State.AUTHORISING,
        now=now,
        payment_id=payment_id,
        payments_made=made,
        price_moves=moves,
        also=dict(price),
    )
