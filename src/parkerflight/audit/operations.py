"""Writing the record. Callers are inside the transaction of the effect."""

from datetime import datetime
from uuid import UUID

from django.db import connection

from parkerflight.audit.models import Entry
from parkerflight.core.errors import ParkerError

WORKER = "worker"


def account(account_id: UUID) -> str:
    """The actor's name for a signed-in person."""
    return f"account:{account_id}"


def record(
    *,
    at: datetime,
    owner_id: UUID,
    actor: str,
    action: str,
    object_type: str,
    object_id: object,
    details: dict[str, str | int | bool | list[str]] | None = None,
) -> None:
    """Add one entry to the running transaction. Raises ParkerError when there is none to join."""
    if not connection.in_atomic_block:
        raise ParkerError("audit_alone", "an audit entry belongs into the transaction of its effect")
    Entry.objects.create(
        at=at,
        owner_id=owner_id,
        actor=actor,
        action=action,
        object_type=object_type,
        object_id=str(object_id),
        details=details or {},
    )
