"""Fares that the airline keeps unpaid for a while: reserved first, paid once the money is held."""

from datetime import datetime, timedelta

from parkerflight.bookings import letters, orders
from parkerflight.bookings.attempts import caught_up, move, refuse, total, wait
from parkerflight.bookings.charges import charge_of, open_payment, payment_of, priced
from parkerflight.bookings.ending import give_up
from parkerflight.bookings.machine import State
from parkerflight.bookings.models import BookingAttempt
from parkerflight.bookings.ordering import PURCHASE_ERRORS, money_waits, not_bought, repriced, unknown
from parkerflight.bookings.requests import claim_order, wanted_still
from parkerflight.campaigns.operations import After
from parkerflight.core.errors import OutcomeUnknown, Retryable, Terminal
from parkerflight.core.fault_points import fault_point
from parkerflight.core.switches import Stop, stopped
from parkerflight.core.tenancy import scope
from parkerflight.flights import wallet
from parkerflight.flights.operations import provider
from parkerflight.flights.provider import AlreadyAttempted, PriceChanged
from parkerflight.flights.types import Offer, Order, OrderAccepted, OrderState
from parkerflight.payments import operations as payments
from parkerflight.payments import queries as payment_queries

SHORTEST_HOLD = timedelta(hours=3)  # less leaves a person no time to read a mail and confirm
PAY_BEFORE = timedelta(minutes=30)  # paid this long before the hold ends: an airline's clock is not ours
ANSWER_BEFORE = timedelta(hours=2)  # a person's answer must come this long before the hold ends
LONGEST_ANSWER = timedelta(hours=24)  # a fare held longer on somebody's behalf is speculation, which providers forbid
FIRST_LOOK = timedelta(minutes=5)  # webhooks are faster; looking is for the ones that get lost, so ever more seldom
SLOWEST_LOOK = timedelta(hours=1)
MOST_PRICE_MOVES = 3  # a fare that moved three times within one booking is not for sale at any known price
STOPPED = timedelta(seconds=30)
SLOWEST_STOPPED = timedelta(minutes=5)


def possible(offer: Offer, now: datetime) -> bool:
    """Whether these seats can be reserved long enough, and must be paid before the first flight leaves."""
    ends = offer.payment_required_by
    if offer.requires_instant_payment or ends is None or ends - now < SHORTEST_HOLD:
        return False
    # Local time without a zone: half a day of doubt on the safe side.
    leaves = offer.slices[0].departing_at.replace(tzinfo=ends.tzinfo) - timedelta(hours=14)
    return ends < leaves


def send_again(attempt: BookingAttempt, now: datetime) -> bool:
    """Reserve the seats of an attempt whose money cannot be held at once."""
    try:
        offer = provider().offer(attempt.offer_id)
    except Terminal as error:
        sentence = "The fare was gone before the bank had answered; nothing was charged, the search goes on."
        return refuse(attempt, now, reason=error.code, sentence=sentence, after=After.SEARCH)
    return send(attempt, offer, now)


def send(attempt: BookingAttempt, offer: Offer, now: datetime) -> bool:
    """Claim the reservation, send it once, record what came of it."""
    try:
        price = {"total_minor": offer.total.minor, "currency": offer.total.currency}
        ends = {"offer_expires_at": offer.expires_at, "holdable": True}
        request = claim_order(attempt, offer, State.HOLDING, now, hold=True, **price, **ends)
    except Terminal as error:
        return _not_even_sent(attempt, now, error)
    fault_point("bookings.before_hold")
    try:
        outcome = provider().create_order(request)
    except (AlreadyAttempted, OutcomeUnknown, Retryable) as error:
        if error.code in orders.NEVER_SENT:
            return orders.refused(attempt, now, error)
        return unknown(attempt, now, error.code, error.reference)
    except PriceChanged as error:
        return _other_price(attempt, now, error)
    except Terminal as error:
        return orders.refused(attempt, now, error)
    fault_point("bookings.after_hold_answer")
    if isinstance(outcome, OrderAccepted):
        return unknown(attempt, now, "booked_data_later" if outcome.booked else "pending_supplier", outcome.reference)
    return kept(attempt, outcome, now)


def _other_price(attempt: BookingAttempt, now: datetime, error: PriceChanged) -> bool:
    """Nothing was held at the old price: back to where the fare is read, a few times."""
    if attempt.price_moves >= MOST_PRICE_MOVES:
        return orders.refused(attempt, now, error)
    back = State.PREPARED if attempt.payment_id is None else State.AUTHORISING
    with scope(attempt.owner_id):
        if not caught_up(attempt, State.HOLDING):
            return False
        return move(attempt, back, now=now, reason=error.code, price_moves=attempt.price_moves + 1)


def _not_even_sent(attempt: BookingAttempt, now: datetime, error: Terminal) -> bool:
    """Refused before the claim, from a state that may have a payment or not."""
    after = After.PERSON if error.code == "traveler_refused" else After.SEARCH
    if attempt.state == State.PREPARED:
        return give_up(attempt, now, error.code, str(error), after)
    return refuse(attempt, now, reason=error.code, sentence=str(error), after=after)


def kept(attempt: BookingAttempt, order: Order, now: datetime) -> bool:
    """Record that the airline keeps the seats."""
    with scope(attempt.owner_id):
        if not caught_up(attempt, State.HOLDING, State.UNKNOWN):
            return False
        return move(
            attempt, State.HELD, now=now, order_id=order.id, hold_until=order.payment_required_by,
            total_minor=order.total.minor, due_in=timedelta(0),
        )  # fmt: skip


def pay_until(attempt: BookingAttempt) -> datetime | None:
    """The last moment to pay a held order."""
    return attempt.hold_until - PAY_BEFORE if attempt.hold_until else None


def too_late(attempt: BookingAttempt, now: datetime) -> bool:
    """Whether the fare's life is over: the hold's when the airline keeps the seats, else the offer's."""
    ends = pay_until(attempt) if attempt.order_id else attempt.offer_expires_at
    return ends is not None and now >= ends


def decide_until(attempt: BookingAttempt, now: datetime) -> datetime:
    """The last moment for the person's answer."""
    ends = now + LONGEST_ANSWER
    return min(ends, attempt.hold_until - ANSWER_BEFORE) if attempt.hold_until else ends


def _over(attempt: BookingAttempt, order: Order, now: datetime) -> bool:
    """Whether the reservation is gone or about to go; then the attempt is refused."""
    return (order.state in orders.OVER or too_late(attempt, now)) and _lapsed(attempt, now)


def _lapsed(attempt: BookingAttempt, now: datetime) -> bool:
    sentence = orders.SENTENCES["hold_lapsed"]
    refuse(attempt, now, reason="hold_lapsed", sentence=sentence, after=After.SEARCH)
    return True


def go_on(attempt: BookingAttempt, now: datetime) -> bool:
    """The seats are held: give the person the time to say no, then hold the money."""
    order = provider().order(attempt.order_id)
    fault_point("bookings.after_held_read")
    if _over(attempt, order, now):
        return True
    try:
        with scope(attempt.owner_id):
            terms = wanted_still(attempt)
            if attempt.payment_id is not None:
                return _with_payment(attempt, now)
            veto_until = min(
                attempt.created_at + timedelta(hours=terms.veto_hours), decide_until(attempt, attempt.created_at)
            )
            if terms.veto_hours and now < veto_until:
                if attempt.decide_until is None:
                    letters.post(attempt, letters.Kind.VETO)
                    BookingAttempt.objects.filter(id=attempt.id).update(decide_until=veto_until)
                return wait(attempt, now=now, delay=veto_until - now, reason="veto_window")
            price = priced(order.total, terms)
            if not wallet.reserve(attempt_id=attempt.id, amount=order.total, now=now):
                raise Terminal("insufficient_balance", orders.SENTENCES["insufficient_balance"])
            payment_id = open_payment(attempt, terms, charge_of(price), now)
            return move(
                attempt, State.AUTHORISING, now=now, payment_id=payment_id, payments_made=1, card_id=terms.card_id,
                also=dict(price),
            )  # fmt: skip
    except Terminal as error:
        after = {"person_stopped": After.SEARCH, "above_cap": After.SEARCH, "insufficient_balance": After.LATER}
        why = after.get(error.code, After.PERSON)
        return refuse(attempt, now, reason=error.code, sentence=str(error), after=why)


def _with_payment(attempt: BookingAttempt, now: datetime) -> bool:
    """The payment was begun before the seats were held: go on where it stands. Joins the caller's transaction."""
    state = payment_queries.payment(attempt.owner_id, payment_of(attempt)).state
    if state == "needs_customer":
        letters.post(attempt, letters.Kind.CONFIRM)
        ends = decide_until(attempt, now)
        return move(attempt, State.NEEDS_CUSTOMER, now=now, due_in=timedelta(0), decide_until=ends)
    if state == "held":
        return move(attempt, State.AUTHORISED, now=now)
    return move(attempt, State.AUTHORISING, now=now)


def ask_customer(attempt: BookingAttempt, now: datetime) -> bool:
    """Wait for the cardholder's word to the bank until the deadline; the letter with the link is on its way."""
    seen = payments.await_customer(owner_id=attempt.owner_id, payment_id=payment_of(attempt), now=now)
    ends = attempt.decide_until or now
    if seen.state == "held":
        with scope(attempt.owner_id):
            return move(attempt, State.AUTHORISED, now=now)
    if seen.state != "needs_customer" or now >= ends:
        sentence = "The payment was not confirmed in time, so the reserved seats were given back; nothing was charged."
        return refuse(attempt, now, reason="not_confirmed", sentence=sentence, after=After.PERSON)
    try:
        with scope(attempt.owner_id):
            wanted_still(attempt)
    except Terminal as error:
        return refuse(attempt, now, reason=error.code, sentence=str(error), after=After.SEARCH)
    delay = min(FIRST_LOOK * 2 ** min(attempt.tries, 8), SLOWEST_LOOK, ends - now)
    return wait(attempt, now=now, delay=delay, reason="authentication_required")


def pay(attempt: BookingAttempt, now: datetime) -> bool:
    """The money is held: read the latest price, claim the payment, send it once, record what came of it."""
    if stopped(Stop.BOOKINGS):
        return _lapsed(attempt, now) if too_late(attempt, now) else wait_for_go(attempt, now)
    order = provider().order(attempt.order_id)
    if _over(attempt, order, now):
        return True
    try:
        if money_waits(attempt, now):
            return False
        if order.state is OrderState.HELD and order.total != total(attempt):
            return repriced(attempt, now)
        with scope(attempt.owner_id):
            wanted_still(attempt)
            move(attempt, State.PAYING, now=now)
    except Terminal as error:
        return orders.refused(attempt, now, error)
    fault_point("bookings.before_pay")
    try:
        provider().pay_order(attempt.order_id, total(attempt))
    except PURCHASE_ERRORS as error:
        return not_bought(attempt, now, error)
    fault_point("bookings.after_pay_answer")
    # Should this read fail, the attempt is found in `paying` and asked about, never paid again.
    order = provider().order(attempt.order_id)
    if order.state in orders.BOUGHT:
        return orders.bought(attempt, order, now)
    return unknown(attempt, now, "paid_data_later", "")


def wait_for_go(attempt: BookingAttempt, now: datetime) -> bool:
    """Bookings are stopped: come back soon, and ever more seldom."""
    delay = min(STOPPED * 2 ** min(attempt.tries, 8), SLOWEST_STOPPED)
    return wait(attempt, now=now, delay=delay, reason="bookings_stopped")


def given_back(attempt: BookingAttempt) -> bool:
    """Cancel a reservation nobody pays for. True once the airline has it back; may be run again.

    Raises Terminal for an order that is paid: then it must not be let go, and a person looks.
    """
    order = provider().order(attempt.order_id)
    if order.state in orders.OVER:
        return True
    if order.state is not OrderState.HELD:
        raise Terminal("paid_after_refusal", "the order that should be let go is paid")
    quote = provider().quote_cancellation(attempt.order_id)
    fault_point("bookings.after_hold_quote")
    done = provider().confirm_cancellation(quote.id)
    fault_point("bookings.after_hold_cancelled")
    return done.confirmed_at is not None
