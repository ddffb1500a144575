"""Holding the money, and what each kind of refusal means for the attempt and its campaign."""

from datetime import datetime, timedelta

from parkerflight.bookings import holding, letters
from parkerflight.bookings.attempts import charge, move, refuse, wait
from parkerflight.bookings.charges import payment_of, replace_payment
from parkerflight.bookings.machine import State
from parkerflight.bookings.models import BookingAttempt
from parkerflight.campaigns import queries as campaign_queries
from parkerflight.campaigns.operations import After
from parkerflight.core.errors import OutcomeUnknown, Retryable, Terminal
from parkerflight.core.tenancy import scope
from parkerflight.payments import operations as payments
from parkerflight.payments.gateway import DeclineClass, Declined, KeyReused

HUMAN_LOOKS = timedelta(hours=1)  # an attempt that waits for a person is looked at again this often
NEVER_ARRIVED = "authorisation_never_arrived"  # the gateway was asked for minutes and knows nothing: an outage
HELD = "held"
HOLD_AFTER_TRIES = 1  # a gateway that failed twice is down: the airline can keep the seats meanwhile
# A bank that asks for patience is not waited for either, where another card can pay now.
OTHER_CARD_HELPS = frozenset(
    {DeclineClass.OTHER_CARD, DeclineClass.CALL_BANK, DeclineClass.GENERIC, DeclineClass.RETRY_LATER}
)
AFTER_DECLINE = {DeclineClass.RETRY_LATER: After.LATER, DeclineClass.STOP: After.END}
SENTENCES = {
    DeclineClass.OTHER_CARD: "The card was declined; choose another card.",
    DeclineClass.CALL_BANK: "The bank declined the card; call the bank or choose another card.",
    DeclineClass.AUTHENTICATE: "The bank wants you to confirm payments with this card, and this fare could not wait; choose another card.",
    DeclineClass.RETRY_LATER: "The bank could not answer; the search goes on.",
    DeclineClass.STOP: "The bank says you withdrew your consent; nothing will be charged.",
}
OUT_OF_REACH = "A fare fitted, but the payment service did not answer in time; nothing was charged, the search goes on."


def authorise(attempt: BookingAttempt, now: datetime) -> bool:
    """Hold the money. What is held from an earlier price or card is let go first: never two holds for one trip."""
    payment_id = payment_of(attempt)
    try:
        if attempt.payments_made > 1:
            payments.release_superseded(owner_id=attempt.owner_id, attempt_id=attempt.id, now=now)
        held = payments.authorise(owner_id=attempt.owner_id, payment_id=payment_id, now=now)
    except KeyReused as error:
        return wait(attempt, now=now, delay=HUMAN_LOOKS, reason=error.code, human=True)
    except Declined as error:
        return _declined(attempt, error, now)
    except Terminal as error:
        if error.code == NEVER_ARRIVED:
            return _out_of_reach(attempt, now)
        sentence = "The card could not be charged."
        return refuse(attempt, now, reason=error.code, sentence=sentence, after=After.PERSON, reference=error.reference)
    except (OutcomeUnknown, Retryable):
        if holding.too_late(attempt, now):
            return _out_of_reach(attempt, now)
        if attempt.holdable and not attempt.order_id and attempt.tries >= HOLD_AFTER_TRIES:
            return holding.send_again(attempt, now)
        raise
    if held.state != HELD:
        # Given up by another run while the bank was asked: that run lets it go, and this one looks again.
        raise OutcomeUnknown("authorisation_overtaken", f"the payment is {held.state} by now")
    with scope(attempt.owner_id):
        return move(attempt, State.AUTHORISED, now=now)


def _out_of_reach(attempt: BookingAttempt, now: datetime) -> bool:
    """The fare's life is over before the bank answered: let go, and tell the person how to buy it by hand."""
    with scope(attempt.owner_id):
        letters.post(attempt, letters.Kind.OUT_OF_REACH)
        return refuse(attempt, now, reason="fare_out_of_reach", sentence=OUT_OF_REACH, after=After.SEARCH)


def _declined(attempt: BookingAttempt, error: Declined, now: datetime) -> bool:
    if error.kind is DeclineClass.AUTHENTICATE:
        with scope(attempt.owner_id):
            if attempt.order_id:
                letters.post(attempt, letters.Kind.CONFIRM)
                return move(
                    attempt, State.NEEDS_CUSTOMER, now=now, reason=error.code, due_in=timedelta(0),
                    decide_until=holding.decide_until(attempt, now),
                )  # fmt: skip
        if attempt.holdable:
            return holding.send_again(attempt, now)
    if error.kind in OTHER_CARD_HELPS and _second_card(attempt, now):
        return True
    return refuse(
        attempt, now, reason=error.code, sentence=SENTENCES.get(error.kind, "The card was declined."),
        after=AFTER_DECLINE.get(error.kind, After.PERSON), reference=error.reference,
    )  # fmt: skip


def _second_card(attempt: BookingAttempt, now: datetime) -> bool:
    """Go on with the campaign's second card, if it has one that was not tried yet; one commit."""
    try:
        with scope(attempt.owner_id):
            terms = campaign_queries.terms(attempt.owner_id, attempt.campaign_id)
            if terms.second_card_id in {None, attempt.card_id}:
                return False
            payment_id = replace_payment(attempt, terms, charge(attempt), now, second=True)
            return move(
                attempt, State.AUTHORISING, now=now, reason="second_card", payment_id=payment_id,
                payments_made=attempt.payments_made + 1, card_id=terms.second_card_id,
            )  # fmt: skip
    except Terminal:
        return False  # the second card has no mandate that covers this; the first decline stands
