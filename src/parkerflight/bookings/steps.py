"""One function a state: what is done there. Each commits its intent, calls one vendor, records the outcome.

Each returns True when the attempt moved and the next step may follow at once, False when it has to wait.
"""

from collections.abc import Callable
from datetime import datetime

from parkerflight.bookings import authorising, holding, ordering, preparing, reconciling, settling
from parkerflight.bookings.machine import State
from parkerflight.bookings.models import BookingAttempt

Step = Callable[[BookingAttempt, datetime], bool]


def buy(attempt: BookingAttempt, now: datetime) -> bool:
    """The money is held: pay the seats that are held, or order."""
    return holding.pay(attempt, now) if attempt.order_id else ordering.order(attempt, now)


STEPS: dict[State, Step] = {
    State.PREPARED: preparing.prepare,
    State.HOLDING: ordering.interrupted,
    State.HELD: holding.go_on,
    State.NEEDS_CUSTOMER: holding.ask_customer,
    State.AUTHORISING: authorising.authorise,
    State.AUTHORISED: buy,
    State.ORDERING: ordering.interrupted,
    State.PAYING: ordering.interrupted,
    State.REPRICING: preparing.reprice,
    State.UNKNOWN: reconciling.ask,
    State.ORDERED: settling.capture,
    State.CAPTURING: settling.take_money,
    State.REFUSED: settling.let_go,
}
