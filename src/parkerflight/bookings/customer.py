"""The page where the cardholder confirms with the bank: the fare is priced again before anything is shown."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from parkerflight.bookings import jobs
from parkerflight.bookings.charges import charge_of, payment_of, priced
from parkerflight.bookings.machine import State
from parkerflight.bookings.models import BookingAttempt
from parkerflight.campaigns import queries as campaign_queries
from parkerflight.core.errors import BadInput, NotFound, Terminal
from parkerflight.core.fault_points import fault_point
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.flights.operations import provider
from parkerflight.flights.types import OrderState
from parkerflight.payments import operations as payments


@dataclass(frozen=True, slots=True)
class ToConfirm:
    """What the page shows and needs. The client secret goes to the person's browser only: never log, mail or store it."""

    charge: Money
    cap: Money
    deadline: datetime | None
    """Aware, UTC."""
    client_secret: str = field(repr=False)


def to_confirm(*, owner_id: UUID, attempt_id: UUID, now: datetime) -> ToConfirm:
    """Price the held fare again and bring the payment to that amount.

    Raises BadInput when there is nothing to confirm (any more), the seats are gone, or the fare rose above the cap.
    """
    attempt = _waiting(owner_id, attempt_id, now)
    order = provider().order(attempt.order_id)
    fault_point("bookings.after_confirm_read")
    if order.state is not OrderState.HELD:
        raise BadInput("seats_gone", "The airline let the seats go; nothing was charged, the search goes on.")
    try:
        with scope(owner_id):
            terms = campaign_queries.terms(owner_id, attempt.campaign_id)
            price = priced(order.total, terms)
            waiting = BookingAttempt.objects.filter(id=attempt_id, state=State.NEEDS_CUSTOMER)
            if not waiting.update(updated_at=now, **price):
                raise _nothing()
    except Terminal as error:
        raise BadInput(error.code, str(error)) from error
    asked = payments.confirmation(owner_id=owner_id, payment_id=payment_of(attempt), amount=charge_of(price), now=now)
    return ToConfirm(charge_of(price), terms.cap, attempt.decide_until, asked.client_secret)


def confirmed(*, owner_id: UUID, attempt_id: UUID, now: datetime) -> None:
    """The page says that the bank was asked: look at once instead of at the next turn. What the bank says decides."""
    with scope(owner_id):
        waiting = BookingAttempt.objects.filter(id=attempt_id, state=State.NEEDS_CUSTOMER)
        if waiting.update(due_at=now + timedelta(seconds=1)):
            jobs.advance_soon(attempt_id)


def _waiting(owner_id: UUID, attempt_id: UUID, now: datetime) -> BookingAttempt:
    with scope(owner_id):
        attempt = BookingAttempt.objects.filter(id=attempt_id).first()
    if attempt is None:
        raise NotFound("no_attempt", "There is no such booking.")
    if attempt.state != State.NEEDS_CUSTOMER:
        raise _nothing()
    if attempt.decide_until and now >= attempt.decide_until:
        raise BadInput("too_late", "The time to confirm is over; the seats went back and nothing was charged.")
    return attempt


def _nothing() -> BadInput:
    return BadInput("nothing_to_confirm", "There is nothing to confirm any more; your campaign says how it went on.")
