"""Changes an airline makes on its own: found, told, and answered by the person. Never accepted in their name."""

import dataclasses
import json
import logging
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from parkerflight.audit import operations as audit
from parkerflight.bookings import jobs, letters, sealing
from parkerflight.bookings.models import Booking, Change
from parkerflight.core.errors import BadInput, NotFound, OutcomeUnknown, Terminal
from parkerflight.core.fault_points import fault_point
from parkerflight.core.tenancy import scope
from parkerflight.flights.operations import provider
from parkerflight.flights.types import AirlineChange, Order
from parkerflight.vault.envelope import Place
from parkerflight.vault.operations import Purpose, Sealer

log = logging.getLogger(__name__)
State = Change.State


def detect(order_id: str, now: datetime) -> int:
    """Read an order's changes and tell its owner about those nobody answered; returns how many are new."""
    return _keep(provider().order(order_id), now)


def poll(now: datetime) -> int:
    """Look at every order that waits for an answer: webhooks can be missed. Returns how many changes are new."""
    return sum(_keep(order, now) for order in provider().orders_requiring_action())


def _keep(order: Order, now: datetime) -> int:
    owner = order.metadata.get("owner_id")
    if not owner:
        log.warning("order %s has a change but carries no owner of ours", order.id)
        return 0
    owner_id = UUID(owner)
    changes = [one for one in provider().airline_changes(order.id) if not one.taken]
    fault_point("bookings.after_changes_read")
    with scope(owner_id):
        booking = Booking.objects.filter(order_id=order.id, cancelled_at__isnull=True).first()
        # Only the newest can be answered; older ones are part of it.
        return _record(booking, changes[-1], now) if booking and changes else 0


def _record(booking: Booking, change: AirlineChange, now: datetime) -> int:
    row_id = uuid4()
    row = Change(
        id=row_id,
        owner_id=booking.owner_id,
        booking=booking,
        change_id=change.id,
        details=_sealed(booking.owner_id, row_id, change),
        can_accept=change.can_accept,
        seen_at=now,
        updated_at=now,
    )
    Change.objects.bulk_create([row], ignore_conflicts=True)
    if not Change.objects.filter(id=row_id).exists():
        return 0
    older = Change.objects.filter(booking=booking, state=State.OPEN).exclude(id=row_id)
    older.update(state=State.CLOSED, updated_at=now)
    letters.post_about(booking.owner_id, row_id, letters.Kind.CHANGED)
    _audit(row, "change.seen", now, audit.WORKER)
    return 1


def accept(*, owner_id: UUID, change_row_id: UUID, now: datetime) -> None:
    """The person accepts: commit that, a worker tells the airline. Raises BadInput when it cannot be accepted, NotFound."""
    with scope(owner_id):
        row = _get(change_row_id)
        if row.state in {State.ACCEPTING, State.ACCEPTED}:
            return
        if not row.can_accept or not _moved(row, State.OPEN, State.ACCEPTING, now):
            raise BadInput("cannot_accept", "This change cannot be accepted here any more; contact us.", field="change")
        _audit(row, "change.accept_asked", now, audit.account(owner_id))
        jobs.accept_soon(owner_id, row.id)


def contact(*, owner_id: UUID, change_row_id: UUID, now: datetime) -> None:
    """The person does not want it: one of us talks to the airline. Raises BadInput when it is answered already, NotFound."""
    with scope(owner_id):
        row = _get(change_row_id)
        if not _moved(row, State.OPEN, State.CONTACT, now):
            raise BadInput("answered_already", f"This change is {row.state} already.", field="change")
        _audit(row, "change.contact_asked", now, audit.account(owner_id))


def carry_out(*, owner_id: UUID, change_row_id: UUID, now: datetime) -> str:
    """Tell the airline that the change is accepted; the state afterwards. May run twice; raises what retrying can help."""
    with scope(owner_id):
        row = _get(change_row_id)
    if row.state != State.ACCEPTING:
        return row.state
    try:
        provider().accept_change(row.change_id)
    except (Terminal, OutcomeUnknown):
        seen = {one.id: one for one in provider().airline_changes(row.booking.order_id)}
        taken = seen[row.change_id].taken if row.change_id in seen else "gone"
        if not taken:
            raise
        if taken != "accepted":
            with scope(owner_id):
                _moved(row, State.ACCEPTING, State.CLOSED, now)
            return State.CLOSED
    fault_point("bookings.after_change_accepted")
    order = provider().order(row.booking.order_id)
    with scope(owner_id):
        _moved(row, State.ACCEPTING, State.ACCEPTED, now)
        Booking.objects.filter(id=row.booking_id).update(confirmation=sealing.seal_order(row.booking, order))
        _audit(row, "change.accepted", now, audit.WORKER)
    return State.ACCEPTED


def accepting(limit: int = 50) -> list[tuple[UUID, UUID]]:
    """(owner, change) of accepted changes the airline was not told yet; found without a scope."""
    return [(row.owner_id, row.id) for row in Change.objects.filter(state=State.ACCEPTING)[:limit]]


def details(*, owner_id: UUID, change_row_id: UUID) -> dict[str, Any]:
    """Which flights went and which came, for the person's page."""
    with scope(owner_id):
        row = _get(change_row_id)
        kept: dict[str, Any] = json.loads(
            Sealer(owner_id).open(_place(row.id), bytes(row.details), purpose=Purpose.SHOW_OWNER)
        )
    return kept


def _sealed(owner_id: UUID, row_id: UUID, change: AirlineChange) -> bytes:
    text = json.dumps(dataclasses.asdict(change), default=sealing.plain)
    return Sealer(owner_id).seal(_place(row_id), text)


def _place(row_id: UUID) -> Place:
    return Place("bookings_change", "details", row_id)


def _get(change_row_id: UUID) -> Change:
    row = Change.objects.select_related("booking").filter(id=change_row_id).first()
    if row is None:
        raise NotFound("no_change", "There is no such change.")
    return row


def _moved(row: Change, before: str, after: str, now: datetime) -> bool:
    return bool(Change.objects.filter(id=row.id, state=before).update(state=after, updated_at=now))


def _audit(row: Change, action: str, now: datetime, actor: str) -> None:
    audit.record(
        at=now, owner_id=row.owner_id, actor=actor, action=action, object_type="change", object_id=row.id,
        details={"booking": str(row.booking_id)},
    )  # fmt: skip
