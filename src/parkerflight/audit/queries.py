"""Reading the record, in the owner's scope; plain values."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from parkerflight.audit.models import Entry
from parkerflight.core.tenancy import scope

MOST = 1_000  # an attempt has some twenty entries; more than this is no evidence but a flood


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of the record. `at` is aware, UTC."""

    at: datetime
    actor: str
    action: str
    object_id: str
    details: dict[str, str | int | bool | list[str]]


def about(owner_id: UUID, object_ids: Collection[object], *, until: datetime) -> list[Line]:
    """What was written down about these objects up to `until`, oldest first."""
    with scope(owner_id):
        ids = [str(one) for one in object_ids]
        rows = Entry.objects.filter(owner_id=owner_id, object_id__in=ids, at__lte=until).order_by("id")[:MOST]
        return [Line(row.at, row.actor, row.action, row.object_id, row.details) for row in rows]
