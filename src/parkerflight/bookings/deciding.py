"""What only a person can decide: what became of an order nobody can find, or a ticket nobody can charge for."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from parkerflight.audit import operations as audit
from parkerflight.bookings import holding, jobs, orders
from parkerflight.bookings.attempts import caught_up, charge, refuse
from parkerflight.bookings.machine import State
from parkerflight.bookings.models import AttemptEvent, Booking, BookingAttempt
from parkerflight.campaigns.operations import After
from parkerflight.core.errors import BadInput, NotFound
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.flights.operations import provider
from parkerflight.flights.types import OrderState
from parkerflight.payments import queries as payment_queries


class Verdict(StrEnum):
    """What a person found out."""

    NOTHING_BOOKED = "nothing_booked"
    """The provider's support says that there is no order: let go of the money."""
    BOOKED = "booked"
    """There is an order; its id is given."""
    TICKET_CANCELLED = "ticket_cancelled"
    """The ticket nobody paid for was cancelled at the airline: let go of the money."""
    TRY_AGAIN = "try_again"
    """What stood in the way is gone: look again now."""


@dataclass(frozen=True, slots=True)
class Case:
    """Everything needed to decide about one attempt; ids, amounts and times, no names. Moments are aware, UTC."""

    attempt_id: UUID
    owner_id: UUID
    campaign_id: UUID
    state: str
    reason: str
    since: datetime
    human_since: datetime | None
    offer_id: str
    order_id: str
    request_id: str
    """The provider's id of the request without an answer: its support asks for it."""
    charge: Money
    payment: str
    intent: str
    capture_before: datetime | None
    timeline: tuple[str, ...]
    advice: str


ADVICE = {
    State.UNKNOWN: "Give the provider's support the request id and the offer id and ask whether an order exists. Decide «booked» "
    "with its order id, or «nothing_booked». The money stays held and the campaign does not search until then.",
    State.CAPTURING: "The ticket exists but the card could not be charged. Ask the person for another card («try_again» once it is "
    "there), or cancel the ticket at the provider and decide «ticket_cancelled».",
}


def waiting() -> list[tuple[UUID, UUID]]:
    """(owner, attempt) of what waits for a person, oldest first; found without a scope."""
    rows = BookingAttempt.objects.filter(human_since__isnull=False).order_by("human_since")
    return [(row.owner_id, row.id) for row in rows]


def case(*, owner_id: UUID, attempt_id: UUID) -> Case:
    """One attempt as whoever decides must see it. Raises NotFound."""
    with scope(owner_id):
        attempt = _get(attempt_id)
        payment = payment_queries.payment(owner_id, attempt.payment_id) if attempt.payment_id else None
        events = AttemptEvent.objects.filter(attempt=attempt).order_by("id")
        return Case(
            attempt_id=attempt.id,
            owner_id=owner_id,
            campaign_id=attempt.campaign_id,
            state=attempt.state,
            reason=attempt.reason,
            since=attempt.updated_at,
            human_since=attempt.human_since,
            offer_id=attempt.offer_id,
            order_id=attempt.order_id,
            request_id=attempt.vendor_request_id,
            charge=charge(attempt),
            payment=payment.state if payment else "none",
            intent=payment.intent if payment else "",
            capture_before=payment.capture_before if payment else None,
            timeline=tuple(f"{e.at:%Y-%m-%d %H:%M:%S} {e.to_state} {e.reason}".rstrip() for e in events),
            advice=ADVICE.get(State(attempt.state), "Find the cause in the log, remove it, then decide «try_again»."),
        )


def decide(
    *, owner_id: UUID, attempt_id: UUID, verdict: Verdict, actor: str, reason: str, now: datetime, order_id: str = ""
) -> None:
    """Record what a person found out and let the attempt go on. `actor` names who, `reason` says why; both are kept.

    Raises BadInput when the verdict does not fit the state or what the provider says, NotFound.
    """
    if not reason.strip():
        raise BadInput("reason_missing", "Say why; the next person will ask.", field="reason")
    with scope(owner_id):
        attempt = _get(attempt_id)
        audit.record(
            at=now,
            owner_id=owner_id,
            actor=actor,
            action=f"attempt.decided_{verdict}",
            object_type="attempt",
            object_id=attempt_id,
            details={"reason": reason[:200], "order": order_id, "state": attempt.state},
        )
    _VERDICTS[verdict](attempt, order_id, now)
    with scope(owner_id):
        jobs.advance_soon(attempt_id)


def _nothing_booked(attempt: BookingAttempt, order_id: str, now: datetime) -> None:  # noqa: ARG001 - one signature for all
    found = [one for one in provider().orders_of_offer(attempt.offer_id) if one.state not in orders.OVER]
    if any(one.state is not OrderState.HELD for one in found):
        raise BadInput(
            "order_exists", f"The provider has order {found[0].id}: decide «booked» with it.", field="verdict"
        )
    with scope(attempt.owner_id):
        if not caught_up(attempt, State.UNKNOWN):
            raise _does_not_fit(attempt)
        sentence = "The airline did not take the booking; nothing was charged, the search goes on."
        refuse(attempt, now, reason="nothing_booked", sentence=sentence, after=After.SEARCH)


def _booked(attempt: BookingAttempt, order_id: str, now: datetime) -> None:
    order = provider().order(order_id)
    if order.state in orders.OVER:
        raise BadInput("order_over", "That order is cancelled or lapsed.", field="order")
    ours = order.offer_id == attempt.offer_id or order.metadata.get("attempt_id") == str(attempt.id)
    if not ours:
        raise BadInput("other_order", "That order is for another offer; it is not this attempt's.", field="order")
    record = holding.kept if order.state is OrderState.HELD else orders.bought
    if not record(attempt, order, now):
        raise _does_not_fit(attempt)


def _ticket_cancelled(attempt: BookingAttempt, order_id: str, now: datetime) -> None:  # noqa: ARG001 - one signature for all
    if attempt.state != State.CAPTURING:
        raise _does_not_fit(attempt)
    if provider().order(attempt.order_id).state is not OrderState.CANCELLED:
        raise BadInput(
            "not_cancelled", "The provider says that the order stands: cancel it there first.", field="verdict"
        )
    with scope(attempt.owner_id):
        if not caught_up(attempt, State.CAPTURING):
            raise _does_not_fit(attempt)
        Booking.objects.filter(attempt=attempt).update(cancelled_at=now)
        sentence = "Your card could not be charged, so the ticket was cancelled; nothing was charged."
        refuse(attempt, now, reason="ticket_cancelled", sentence=sentence, after=After.PERSON)


def _try_again(attempt: BookingAttempt, order_id: str, now: datetime) -> None:  # noqa: ARG001 - one signature for all
    with scope(attempt.owner_id):
        BookingAttempt.objects.filter(id=attempt.id, state=attempt.state).update(
            human_since=None, due_at=now, tries=0, updated_at=now
        )


_VERDICTS = {
    Verdict.NOTHING_BOOKED: _nothing_booked,
    Verdict.BOOKED: _booked,
    Verdict.TICKET_CANCELLED: _ticket_cancelled,
    Verdict.TRY_AGAIN: _try_again,
}


def _get(attempt_id: UUID) -> BookingAttempt:
    attempt = BookingAttempt.objects.filter(id=attempt_id).first()
    if attempt is None:
        raise NotFound("no_attempt", "There is no such attempt.")
    return attempt


def _does_not_fit(attempt: BookingAttempt) -> BadInput:
    return BadInput(
        "verdict_does_not_fit", f"The attempt is {attempt.state} by now; look at it again.", field="verdict"
    )
