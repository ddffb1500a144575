"""Queueing this room's jobs in the running transaction, without importing the tasks that run them."""

from uuid import UUID

from parkerflight.core.jobs import defer_by_name


def advance_soon(attempt_id: UUID) -> None:
    """Have a worker go on with this attempt; twice the same wish waits once."""
    defer_by_name("bookings.advance", once=f"advance:{attempt_id}", attempt_id=str(attempt_id))


def confirm_soon(owner_id: UUID, attempt_id: UUID) -> None:
    """Have a worker tell the person about their booking."""
    defer_by_name("bookings.confirm", once=f"confirm:{attempt_id}", owner_id=str(owner_id), attempt_id=str(attempt_id))


def cancel_soon(owner_id: UUID, cancellation_id: UUID) -> None:
    """Have a worker go on with a confirmed cancellation."""
    ids = {"owner_id": str(owner_id), "cancellation_id": str(cancellation_id)}
    defer_by_name("bookings.cancel", once=f"cancel:{cancellation_id}", **ids)


def accept_soon(owner_id: UUID, change_row_id: UUID) -> None:
    """Have a worker tell the airline that a change is accepted."""
    ids = {"owner_id": str(owner_id), "change_id": str(change_row_id)}
    defer_by_name("bookings.accept_change", once=f"accept:{change_row_id}", **ids)
