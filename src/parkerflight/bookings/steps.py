"""One function a state: what is done there. Each commits its intent, calls one vendor, records the outcome.

Returns True when the attempt moved and the next step may follow at once, False when it has to wait.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from parkerflight.bookings import ordering
from parkerflight.bookings.attempts import move, total, wait
from parkerflight.bookings.completion import complete
from parkerflight.bookings.machine import State
from parkerflight.bookings.models import BookingAttempt
from parkerflight.campaigns import operations as campaigns
from parkerflight.campaigns import queries as campaign_queries
from parkerflight.core.errors import Terminal
from parkerflight.core.fault_points import fault_point
from parkerflight.core.switches import Stop, stopped
from parkerflight.core.tenancy import scope
from parkerflight.flights.operations import provider
from parkerflight.payments import operations as payments
from parkerflight.payments.gateway import DeclineClass, Declined, HoldGone, KeyReused

Step = Callable[[BookingAttempt, datetime], bool]
HUMAN_LOOKS = timedelta(hours=1)  # an attempt that waits for a person is looked at again this often
STOPPED = timedelta(seconds=30)  # while a kill switch is on
PERSON_ACTS = frozenset({DeclineClass.OTHER_CARD, DeclineClass.CALL_BANK, DeclineClass.GENERIC, DeclineClass.STOP,
                         DeclineClass.AUTHENTICATE, DeclineClass.CHECK_OURSELVES})  # fmt: skip


def prepare(attempt: BookingAttempt, now: datetime) -> bool:
    """Read the offer again and commit the payment's intent, or let the match go and say why."""
    if stopped(Stop.BOOKINGS):
        wait(attempt, now=now, delay=STOPPED, reason="bookings_stopped")
        return False
    try:
        offer = provider().offer(attempt.offer_id)
    except Terminal as error:
        return give_up(attempt, now, error.code, "The fare was gone before it could be bought.")
    fault_point("bookings.after_offer_read")
    with scope(attempt.owner_id):
        why_not = campaign_queries.verdict_now(attempt.owner_id, attempt.campaign_id, [offer], now)
        campaign = campaign_queries.terms(attempt.owner_id, attempt.campaign_id)
    if why_not:
        return give_up(attempt, now, "offer_no_longer_fits", why_not)
    if campaign.mandate_id is None:
        return give_up(attempt, now, "no_mandate", "There is no mandate to charge the card.", person_must_act=True)
    try:
        with scope(attempt.owner_id):
            payment_id = payments.prepare_payment(
                owner_id=attempt.owner_id,
                attempt_id=attempt.id,
                mandate_id=campaign.mandate_id,
                card_id=campaign.card_id,
                amount=offer.total,
                campaign_id=attempt.campaign_id,
                now=now,
            )
            return move(
                attempt, State.AUTHORISING, now=now, payment_id=payment_id,
                total_minor=offer.total.minor, currency=offer.total.currency,
            )  # fmt: skip
    except Terminal as error:
        return give_up(attempt, now, error.code, str(error), person_must_act=True)


def authorise(attempt: BookingAttempt, now: datetime) -> bool:
    """Hold the money. A decline ends the attempt; what it means for the campaign depends on its class."""
    try:
        payments.authorise(owner_id=attempt.owner_id, payment_id=_payment(attempt), now=now)
    except KeyReused as error:
        wait(attempt, now=now, delay=HUMAN_LOOKS, reason=error.code, human=True)
        return False
    except Declined as error:
        acts = error.kind in PERSON_ACTS
        return give_up(attempt, now, error.code, _declined_sentence(error.kind), person_must_act=acts)
    except Terminal as error:
        return give_up(attempt, now, error.code, "The card could not be charged.", person_must_act=True)
    with scope(attempt.owner_id):
        return move(attempt, State.AUTHORISED, now=now)


def _declined_sentence(kind: DeclineClass) -> str:
    return {
        DeclineClass.OTHER_CARD: "The card was declined; choose another card.",
        DeclineClass.CALL_BANK: "The bank declined the card; call the bank or choose another card.",
        DeclineClass.AUTHENTICATE: "The bank wants you to confirm payments with this card.",
        DeclineClass.RETRY_LATER: "The bank could not answer; the search goes on.",
        DeclineClass.STOP: "The bank says you withdrew your consent; nothing will be charged.",
    }.get(kind, "The card was declined.")


def order(attempt: BookingAttempt, now: datetime) -> bool:
    """Claim the one order this attempt may send, then send it."""
    if stopped(Stop.BOOKINGS):
        return refuse(attempt, now, "bookings_stopped")
    return ordering.send(attempt, now)


def interrupted(attempt: BookingAttempt, now: datetime) -> bool:
    """Found in `ordering`: whoever sent the order did not come back. Whether it arrived is unknown."""
    with scope(attempt.owner_id):
        return move(attempt, State.UNKNOWN, now=now, reason="order_interrupted", due_in=timedelta(0))


def reconcile(attempt: BookingAttempt, now: datetime) -> bool:
    """Ask the provider what became of the order; never assume."""
    return ordering.ask(attempt, now)


def capture(attempt: BookingAttempt, now: datetime) -> bool:
    """The order stands: commit that the money is to be taken, once its tickets are there."""
    with scope(attempt.owner_id):
        if ordering.all_ticketed(attempt):
            return move(attempt, State.CAPTURING, now=now)
    if not ordering.tickets_arrived(attempt, now):
        return False
    with scope(attempt.owner_id):
        return move(attempt, State.CAPTURING, now=now)


def take_money(attempt: BookingAttempt, now: datetime) -> bool:
    """Capture and finish. A hold that is gone although the ticket exists is for a person to settle."""
    if stopped(Stop.CAPTURES):
        wait(attempt, now=now, delay=STOPPED, reason="captures_stopped")
        return False
    try:
        payments.capture(owner_id=attempt.owner_id, payment_id=_payment(attempt), amount=total(attempt), now=now)
    except (HoldGone, Terminal) as error:
        wait(attempt, now=now, delay=HUMAN_LOOKS, reason=error.code, human=True)
        return False
    return complete(attempt, now)


def let_go(attempt: BookingAttempt, now: datetime) -> bool:
    """Nothing was bought: cancel the authorisation, then free the campaign."""
    payments.release(owner_id=attempt.owner_id, payment_id=_payment(attempt), now=now)
    sentence = ordering.SENTENCES.get(attempt.reason, "The airline refused the booking; nothing was charged.")
    return give_up(attempt, now, attempt.reason, sentence, person_must_act=attempt.reason in ordering.PERSON_ACTS)


def refuse(attempt: BookingAttempt, now: datetime, reason: str) -> bool:
    """Nothing was or will be ordered; the held money must go back."""
    with scope(attempt.owner_id):
        return move(attempt, State.REFUSED, now=now, reason=reason)


def give_up(attempt: BookingAttempt, now: datetime, code: str, sentence: str, *, person_must_act: bool = False) -> bool:
    """Settle the attempt without a booking; the campaign goes on searching or waits for the person. One commit."""
    with scope(attempt.owner_id):
        if not move(attempt, State.RELEASED, now=now, reason=code):
            return False
        campaigns.release(
            owner_id=attempt.owner_id,
            match_id=attempt.match_id,
            now=now,
            reason=sentence[:200],
            person_must_act=person_must_act,
        )
    return False


def _payment(attempt: BookingAttempt) -> UUID:
    if attempt.payment_id is None:
        raise Terminal("no_payment", "an attempt past preparation has a payment")
    return attempt.payment_id


STEPS: dict[State, Step] = {
    State.PREPARED: prepare,
    State.AUTHORISING: authorise,
    State.AUTHORISED: order,
    State.ORDERING: interrupted,
    State.UNKNOWN: reconcile,
    State.ORDERED: capture,
    State.CAPTURING: take_money,
    State.REFUSED: let_go,
}
