"""Reading and moving attempts. Each move is a conditional UPDATE with its event, inside the caller's transaction."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from parkerflight.audit import operations as audit
from parkerflight.bookings import machine
from parkerflight.bookings.machine import SETTLED, State
from parkerflight.bookings.models import AttemptEvent, BookingAttempt
from parkerflight.campaigns.operations import After
from parkerflight.core import clock
from parkerflight.core.errors import ParkerError
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope

# A state nobody moved for this long is looked at again: longer than any one vendor call, short enough for a fare.
NUDGE = timedelta(seconds=150)


class Overtaken(ParkerError):
    """Somebody else moved the attempt on; what was about to be recorded with the move is theirs to do."""


def move(
    attempt: BookingAttempt,
    to: State,
    /,
    *,
    now: datetime,
    reason: str = "",
    due_in: timedelta = NUDGE,
    also: Mapping[str, object] | None = None,
    **changes: object,
) -> bool:
    """Take the attempt to state `to`, with `changes` (and `also`) to its columns, if it still is where the caller saw it.

    Joins the caller's transaction, which also carries the effect; writes the event and the audit entry. Whoever waited
    for a person in the old state does not any more. Returns True. Raises Overtaken when somebody was faster: then the
    effect must not happen either, so the exception has to leave the transaction.
    """
    before = State(attempt.state)
    machine.check(before, to)
    kept = {
        "state": to.value,
        "reason": reason or attempt.reason,
        "tries": 0,
        "due_at": None if to.value in SETTLED else now + due_in,
        "human_since": None,
        "updated_at": now,
        **(also or {}),
        **changes,
    }
    # A payment replaced in place (a second card) leaves the state: then the payment tells the two runs apart.
    same = BookingAttempt.objects.filter(id=attempt.id, state=before, payment_id=attempt.payment_id)
    if not same.update(**kept):
        raise Overtaken("overtaken", f"the attempt is not in {before} any more")
    for name, value in kept.items():
        setattr(attempt, name, value)
    _write_down(attempt, before, to, now, reason)
    return True


def caught_up(attempt: BookingAttempt, *states: State) -> bool:
    """Bring the object to the row's present state; True when it is one of `states`. Joins the caller's transaction.

    For answers that are certain: while we waited for one, somebody may have taken us for dead and moved the attempt.
    """
    attempt.state = BookingAttempt.objects.values_list("state", flat=True).get(id=attempt.id)
    return attempt.state in {state.value for state in states}


def refuse(
    attempt: BookingAttempt, now: datetime, *, reason: str, sentence: str, after: After, reference: str = ""
) -> bool:
    """Nothing was or will be bought: commit that, and what the person is told; letting go of money and seats follows."""
    with scope(attempt.owner_id):
        return move(
            attempt, State.REFUSED, now=now, reason=reason[:60], sentence=sentence[:200], after=after,
            vendor_request_id=(reference or attempt.vendor_request_id)[:80],
        )  # fmt: skip


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


def wait(attempt: BookingAttempt, *, now: datetime, delay: timedelta, reason: str, human: bool = False) -> bool:
    """Leave the state and come back after `delay`; `human` marks that only a person can decide. Returns False: waiting."""
    with scope(attempt.owner_id):
        changes: dict[str, object] = {"human_since": now} if human and attempt.human_since is None else {}
        if attempt.state != State.REFUSED:  # why it was refused is told in the end; what delays letting go is not
            changes["reason"] = reason[:60]
        BookingAttempt.objects.filter(id=attempt.id, state=attempt.state).update(
            due_at=now + delay, tries=attempt.tries + 1, **changes
        )
    return False


def total(attempt: BookingAttempt) -> Money:
    """The fare for the whole party: what the airline is paid."""
    return Money(attempt.total_minor, attempt.currency)


def charge(attempt: BookingAttempt) -> Money:
    """What the card pays: the fare and our fee."""
    return Money(attempt.total_minor + attempt.fee_minor, attempt.currency)
