"""Reading and moving attempts. Each move is a conditional UPDATE with its event, inside the caller's transaction."""

from datetime import datetime, timedelta
from uuid import UUID

from parkerflight.audit import operations as audit
from parkerflight.bookings import machine
from parkerflight.bookings.machine import SETTLED, State
from parkerflight.bookings.models import AttemptEvent, BookingAttempt
from parkerflight.core import clock
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope

# A state nobody moved for this long is looked at again: longer than any one vendor call, short enough for a fare.
NUDGE = timedelta(seconds=150)


def move(
    attempt: BookingAttempt,
    after: State,
    *,
    now: datetime,
    reason: str = "",
    due_in: timedelta = NUDGE,
    **changes: object,
) -> bool:
    """Take the attempt to `after` if it still is where the caller saw it. False when somebody was faster.

    Joins the caller's transaction, which also carries the effect; writes the event and the audit entry.
    """
    before = State(attempt.state)
    machine.check(before, after)
    settled = after.value in SETTLED
    moved = BookingAttempt.objects.filter(id=attempt.id, state=before).update(
        state=after,
        reason=reason or attempt.reason,
        tries=0,
        due_at=None if settled else now + due_in,
        updated_at=now,
        **changes,
    )
    if not moved:
        return False
    for name, value in {"state": after.value, "reason": reason or attempt.reason, "tries": 0, **changes}.items():
        setattr(attempt, name, value)
    _write_down(attempt, before, after, now, reason)
    return True


def begin_event(attempt: BookingAttempt, now: datetime) -> None:
    """The timeline's first line."""
    _write_down(attempt, State.PREPARED, State.PREPARED, now, "")


def _write_down(attempt: BookingAttempt, before: State, after: State, now: datetime, reason: str) -> None:
    AttemptEvent.objects.create(
        owner_id=attempt.owner_id,
        attempt=attempt,
        at=now,
        wall_ms=clock.wall_ms(),
        from_state=before,
        to_state=after,
        reason=reason,
    )
    audit.record(
        at=now,
        owner_id=attempt.owner_id,
        actor=audit.WORKER,
        action=f"attempt.{after}",
        object_type="attempt",
        object_id=attempt.id,
        details={"offer": attempt.offer_id, "order": attempt.order_id, "reason": reason},
    )


def find(attempt_id: UUID) -> BookingAttempt | None:
    """An attempt that is still in flight, looked up without a scope; None once it is settled."""
    return BookingAttempt.objects.filter(id=attempt_id).first()


def wait(attempt: BookingAttempt, *, now: datetime, delay: timedelta, reason: str, human: bool = False) -> None:
    """Leave the state and come back after `delay`; `human` marks that only a person can decide."""
    with scope(attempt.owner_id):
        changes: dict[str, object] = {"human_since": now} if human and attempt.human_since is None else {}
        BookingAttempt.objects.filter(id=attempt.id, state=attempt.state).update(
            due_at=now + delay, reason=reason, tries=attempt.tries + 1, **changes
        )


def total(attempt: BookingAttempt) -> Money:
    """What the party pays."""
    return Money(attempt.total_minor, attempt.currency)
