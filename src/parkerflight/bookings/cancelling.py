"""Giving a booking back: the airline's quote is shown, the person says yes, the airline cancels, the card is refunded.

Each state is a recovery point, as in the saga. The quote alone says what comes back; nothing is promised beyond it.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from parkerflight.audit import operations as audit
from parkerflight.bookings import jobs, letters
from parkerflight.bookings.machine import State as AttemptState
from parkerflight.bookings.models import Booking, Cancellation
from parkerflight.core.errors import BadInput, NotFound, OutcomeUnknown, ParkerError, Retryable, Terminal
from parkerflight.core.fault_points import fault_point
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.flights import wallet
from parkerflight.flights.operations import provider
from parkerflight.flights.provider import AlreadyCancelled
from parkerflight.flights.types import CancellationQuote, OrderState, RefundTo
from parkerflight.payments import operations as payments

log = logging.getLogger(__name__)
State = Cancellation.State
NUDGE = timedelta(seconds=150)  # as for attempts: longer than any one call
SLOWEST = timedelta(minutes=10)
HUMAN_TRIES = 8  # about half an hour of the same surprise is for a person to look at
DAY = timedelta(hours=24)  # the window in which many airlines, and US rules for tickets bought early, refund in full


@dataclass(frozen=True, slots=True)
class Quote:
    """What giving a booking back would mean; shown before the person decides. Moments are aware, UTC."""

    cancellation_id: UUID
    paid: Money
    to_card: Money
    """What goes back to the card."""
    penalty: Money
    """What the airline keeps; our fee, where it is not given back, is the rest."""
    credits: bool
    """The airline gives credits with itself instead of money."""
    known: bool
    """False when the airline names no figure: then a person tells what comes back."""
    expires_at: datetime | None
    free_until: datetime | None
    """The end of free cancellation, where the airline states one."""
    within_a_day: bool
    """Bought less than 24 hours ago."""


def quote(*, owner_id: UUID, booking_id: UUID, now: datetime) -> Quote:
    """Ask the airline what cancelling gives back; changes nothing there.

    Raises BadInput when the booking is cancelled, or not finished; NotCancellable when the airline does not let us.
    """
    with scope(owner_id):
        booking = _cancellable(booking_id)
    offered = provider().quote_cancellation(booking.order_id)
    order = provider().order(booking.order_id)
    fault_point("bookings.after_cancellation_quote")
    to_card, penalty = _shares(booking, offered)
    cancellation = Cancellation(
        id=uuid4(),
        owner_id=owner_id,
        booking=booking,
        quote_id=offered.id,
        refund_minor=offered.refund.minor if offered.refund else None,
        currency=offered.refund.currency if offered.refund else "",
        refund_to=offered.refund_to,
        to_card_minor=to_card.minor,
        penalty_minor=penalty.minor,
        expires_at=offered.expires_at,
        created_at=now,
        updated_at=now,
    )
    with scope(owner_id):
        cancellation.save(force_insert=True)
    return Quote(
        cancellation_id=cancellation.id,
        paid=Money(booking.total_minor + booking.fee_minor, booking.currency),
        to_card=to_card,
        penalty=penalty,
        credits=offered.refund_to in {RefundTo.CREDITS, RefundTo.VOUCHER},
        known=_figure(booking, offered) is not None,
        expires_at=offered.expires_at,
        free_until=order.void_window_ends_at,
        within_a_day=now - booking.booked_at < DAY,
    )


def _cancellable(booking_id: UUID) -> Booking:
    booking = Booking.objects.select_related("attempt").filter(id=booking_id).first()
    if booking is None:
        raise NotFound("no_booking", "There is no such booking.")
    if booking.cancelled_at:
        raise BadInput("cancelled_already", "This booking is cancelled already.", field="booking")
    if booking.attempt.state != AttemptState.COMPLETED:
        raise BadInput("not_finished", "This booking is still being paid; try again in a few minutes.", field="booking")
    return booking


def _figure(booking: Booking, offered: CancellationQuote) -> Money | None:
    """The airline's refund as money we can pass on; None when it names none, or one in another currency."""
    if offered.refund_to is not RefundTo.BALANCE:
        return Money(0, booking.currency)
    if offered.refund is None or offered.refund.currency != booking.currency:
        return None
    return offered.refund


def _shares(booking: Booking, offered: CancellationQuote) -> tuple[Money, Money]:
    """What goes to the card and what the airline keeps. Our fee goes back too when the airline gives everything back."""
    figure = _figure(booking, offered) or Money(0, booking.currency)
    whole = figure.minor >= booking.total_minor
    to_card = min(figure.minor, booking.total_minor) + (booking.fee_minor if whole else 0)
    return Money(to_card, booking.currency), Money(max(booking.total_minor - figure.minor, 0), booking.currency)


def confirm(*, owner_id: UUID, cancellation_id: UUID, now: datetime) -> None:
    """The person says yes to a quote: commit that, a worker does the rest. Saying it twice is saying it once.

    Raises BadInput for a quote that ran out, NotFound.
    """
    with scope(owner_id):
        row = _get(cancellation_id)
        if row.state in {State.CONFIRMING, State.CONFIRMED, State.REFUNDED, State.SETTLED}:
            return
        if row.state != State.QUOTED or (row.expires_at and now >= row.expires_at):
            raise BadInput(
                "quote_expired", "This quote ran out; ask for a new one and look at it again.", field="quote"
            )
        rival = Cancellation.objects.filter(booking=row.booking_id).exclude(state__in=[State.QUOTED, State.FAILED])
        if rival.exists():
            raise BadInput("cancelled_already", "This booking is being cancelled already.", field="quote")
        _move(row, State.CONFIRMING, now)
        audit.record(
            at=now,
            owner_id=owner_id,
            actor=audit.account(owner_id),
            action="booking.cancel_confirmed",
            object_type="cancellation",
            object_id=row.id,
            details={"to_card_minor": row.to_card_minor, "penalty_minor": row.penalty_minor},
        )
        jobs.cancel_soon(owner_id, row.id)


def advance(*, owner_id: UUID, cancellation_id: UUID, now: datetime) -> str:
    """Go on with a confirmed cancellation from its recovery point; its state afterwards. May run twice."""
    with scope(owner_id):
        row = _get(cancellation_id)
    try:
        if row.state == State.CONFIRMING:
            _tell_airline(row, now)
        if row.state == State.CONFIRMED:
            _pay_back(row, now)
    except (Retryable, OutcomeUnknown) as error:
        grown = timedelta(seconds=getattr(error, "after", 5.0)) * 2 ** min(row.tries, 8)
        _wait(row, now, min(grown, SLOWEST), error.code, human=row.tries >= HUMAN_TRIES)
    except ParkerError as error:
        log.exception("cancellation %s is stuck in %s", row.id, row.state)
        _wait(row, now, SLOWEST, error.code, human=True)
    return row.state


def _tell_airline(row: Cancellation, now: datetime) -> None:
    """Confirm the quote. The same quote may be confirmed again: a second time is answered with «already»."""
    booking = row.booking
    try:
        done = provider().confirm_cancellation(row.quote_id)
    except (OutcomeUnknown, AlreadyCancelled):
        done = provider().cancellation(row.quote_id)
        if done.confirmed_at is None and provider().order(booking.order_id).state is not OrderState.CANCELLED:
            raise
    except Retryable:
        raise
    except Terminal as error:
        with scope(row.owner_id):
            _move(row, State.FAILED, now, reason=error.code[:60], due_at=None)
        return
    fault_point("bookings.after_cancellation_confirmed")
    to_card, penalty = _shares(booking, done)
    with scope(row.owner_id):
        Booking.objects.filter(id=booking.id, cancelled_at__isnull=True).update(cancelled_at=now)
        if done.refund and done.refund_to is RefundTo.BALANCE and done.refund.minor:
            wallet.refund(attempt_id=booking.attempt_id, amount=done.refund, now=now)
        known = _figure(booking, done) is not None
        _move(
            row, State.CONFIRMED, now, to_card_minor=to_card.minor, penalty_minor=penalty.minor, refund_to=done.refund_to,
            reason="" if known else "refund_amount_unknown", human_since=None if known else now,
        )  # fmt: skip


def _pay_back(row: Cancellation, now: datetime) -> None:
    """Refund the card what the airline gives back; once, by the cancellation's own id."""
    if row.reason == "refund_amount_unknown":
        _wait(row, now, timedelta(hours=1), row.reason, human=True)
        return
    booking = row.booking
    if not row.to_card_minor or booking.attempt.payment_id is None:
        with scope(row.owner_id):
            _move(row, State.SETTLED, now, due_at=None)
            letters.post_about(row.owner_id, row.id, letters.Kind.CANCELLED)
        return
    refund = payments.refund(
        owner_id=row.owner_id,
        payment_id=booking.attempt.payment_id,
        amount=Money(row.to_card_minor, booking.currency),
        cause=f"cancellation:{row.id}",
        now=now,
    )
    fault_point("bookings.after_refund")
    failed = refund.status in {"failed", "canceled"}
    with scope(row.owner_id):
        _move(row, State.REFUNDED, now, refund_id=refund.id, due_at=None)
        letters.post_about(row.owner_id, row.id, letters.Kind.CANCELLED)
        if failed:
            refund_failed(owner_id=row.owner_id, refund_id=refund.id, now=now)


def refund_failed(*, owner_id: UUID, refund_id: UUID, now: datetime) -> None:
    """A refund that seemed done came back from the bank: tell the person, and have one of us look."""
    with scope(owner_id):
        row = Cancellation.objects.filter(refund_id=refund_id, human_since__isnull=True).first()
        if row is None:
            return
        Cancellation.objects.filter(id=row.id).update(reason="refund_failed", human_since=now, updated_at=now)
        letters.post_about(owner_id, row.id, letters.Kind.REFUND_FAILED)


def due(now: datetime, limit: int = 50) -> list[tuple[UUID, UUID]]:
    """(owner, cancellation) somebody must look at now; found without a scope."""
    rows = Cancellation.objects.filter(due_at__lte=now).order_by("due_at")[:limit]
    return [(row.owner_id, row.id) for row in rows]


def _get(cancellation_id: UUID) -> Cancellation:
    row = Cancellation.objects.select_related("booking__attempt").filter(id=cancellation_id).first()
    if row is None:
        raise NotFound("no_cancellation", "There is no such quote.")
    return row


def _move(row: Cancellation, state: str, now: datetime, **changes: object) -> None:
    """Joins the caller's transaction; the object follows only if the row was where the caller saw it."""
    kept = {"state": state, "tries": 0, "due_at": now + NUDGE, "updated_at": now, **changes}
    if Cancellation.objects.filter(id=row.id, state=row.state).update(**kept):
        for name, value in kept.items():
            setattr(row, name, value)


def _wait(row: Cancellation, now: datetime, delay: timedelta, reason: str, *, human: bool) -> None:
    with scope(row.owner_id):
        changes: dict[str, object] = {"human_since": now} if human and row.human_since is None else {}
        Cancellation.objects.filter(id=row.id, state=row.state).update(
            due_at=now + delay, reason=reason[:60], tries=row.tries + 1, **changes
        )
