"""Queueing an attempt's next step in the running transaction, without importing the task that runs it."""

from uuid import UUID

from parkerflight.core.jobs import defer_by_name


def advance_soon(attempt_id: UUID) -> None:
    """Have a worker go on with this attempt; twice the same wish waits once."""
    defer_by_name("bookings.advance", once=f"advance:{attempt_id}", attempt_id=str(attempt_id))


def confirm_soon(owner_id: UUID, attempt_id: UUID) -> None:
    """Have a worker tell the person about their booking."""
    defer_by_name("bookings.confirm", once=f"confirm:{attempt_id}", owner_id=str(owner_id), attempt_id=str(attempt_id))
