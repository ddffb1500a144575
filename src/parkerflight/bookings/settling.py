"""After the order: take the money and finish; or let go of seats and money when nothing was bought."""

from datetime import datetime, timedelta

from parkerflight.bookings import holding, letters, tickets
from parkerflight.bookings.attempts import Overtaken, charge, move, wait
from parkerflight.bookings.charges import payment_of, replace_payment
from parkerflight.bookings.completion import complete
from parkerflight.bookings.ending import give_up
from parkerflight.bookings.machine import State
from parkerflight.bookings.models import BookingAttempt
from parkerflight.campaigns import queries as campaign_queries
from parkerflight.campaigns.operations import After
from parkerflight.core.errors import Terminal
from parkerflight.core.switches import Stop, stopped
from parkerflight.core.tenancy import scope
from parkerflight.payments import operations as payments
from parkerflight.payments.gateway import HoldGone

HUMAN_LOOKS = timedelta(hours=1)  # an attempt that waits for a person is looked at again this often
MOST_RECHARGES = 3  # a hold that lapsed is made anew; a card that loses three is for a person


def capture(attempt: BookingAttempt, now: datetime) -> bool:
    """The order stands: commit that the money is to be taken, once its tickets are there."""
    with scope(attempt.owner_id):
        if tickets.all_there(attempt):
            return move(attempt, State.CAPTURING, now=now)
    if not tickets.arrived(attempt, now):
        return False
    with scope(attempt.owner_id):
        return move(attempt, State.CAPTURING, now=now)


def take_money(attempt: BookingAttempt, now: datetime) -> bool:
    """Capture and finish. A hold that ended first is made anew within the mandate; where that fails a person settles it."""
    if stopped(Stop.CAPTURES):
        return wait(attempt, now=now, delay=holding.STOPPED, reason="captures_stopped")
    owner_id, payment_id = attempt.owner_id, payment_of(attempt)
    try:
        if attempt.payments_made > 1:
            # A payment made anew is held first; one that is held already is only read.
            payments.authorise(owner_id=owner_id, payment_id=payment_id, now=now)
        payments.capture(owner_id=owner_id, payment_id=payment_id, amount=charge(attempt), now=now)
    except HoldGone as error:
        return _again(attempt, now, error.code)
    except Terminal as error:
        letters.post(attempt, letters.Kind.UNPAID)
        return wait(attempt, now=now, delay=HUMAN_LOOKS, reason=error.code, human=True)
    return complete(attempt, now)


def _again(attempt: BookingAttempt, now: datetime, code: str) -> bool:
    """The ticket stands but the hold is gone: commit a new payment for it. True when it can be tried at once."""
    try:
        with scope(attempt.owner_id):
            if attempt.payments_made > MOST_RECHARGES:
                raise Terminal("hold_gone_again", "the hold ended before it could be captured, again")
            terms = campaign_queries.terms(attempt.owner_id, attempt.campaign_id)
            payment_id = replace_payment(attempt, terms, charge(attempt), now)
            made = attempt.payments_made + 1
            mine = BookingAttempt.objects.filter(id=attempt.id, state=attempt.state, payment_id=attempt.payment_id)
            if not mine.update(payment_id=payment_id, payments_made=made, reason=code[:60], updated_at=now):
                raise Overtaken("overtaken", "somebody else made the payment anew")
    except Terminal as error:
        letters.post(attempt, letters.Kind.UNPAID)
        return wait(attempt, now=now, delay=HUMAN_LOOKS, reason=error.code, human=True)
    attempt.payment_id, attempt.payments_made = payment_id, made
    return True


def let_go(attempt: BookingAttempt, now: datetime) -> bool:
    """Nothing was bought: give back the seats, cancel the authorisation, then free the campaign."""
    if attempt.order_id and not holding.given_back(attempt):
        return wait(attempt, now=now, delay=holding.STOPPED, reason=attempt.reason)
    if attempt.payment_id is not None:
        payments.release(owner_id=attempt.owner_id, payment_id=attempt.payment_id, now=now)
    if attempt.payments_made > 1:
        payments.release_superseded(owner_id=attempt.owner_id, attempt_id=attempt.id, now=now)
    return give_up(attempt, now, attempt.reason, attempt.sentence, After(attempt.after))
