"""Which letters a person got, in their scope."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from parkerflight.core.tenancy import scope
from parkerflight.notifications.content import TABLE
from parkerflight.notifications.models import Message
from parkerflight.vault.envelope import Place
from parkerflight.vault.operations import Purpose, Sealer


@dataclass(frozen=True, slots=True)
class SentLetter:
    """A letter that left us. `sent_at` is aware, UTC; the subject is empty once the letter's content was forgotten."""

    event_key: str
    sent_at: datetime
    subject: str = field(repr=False)


def letters_about(
    owner_id: UUID, subject_ids: Collection[UUID], *, until: datetime, purpose: Purpose
) -> list[SentLetter]:
    """The letters about these objects that were sent up to `until`, oldest first. Opens their subjects only."""
    with scope(owner_id):
        wanted = {str(one) for one in subject_ids}
        sent = Message.objects.filter(owner_id=owner_id, sent_at__lte=until).order_by("sent_at", "id")
        rows = [row for row in sent if wanted & set(row.event_key.split(":"))]
        sealer = Sealer(owner_id) if rows else None
        return [_letter(sealer, row, purpose) for row in rows if sealer and row.sent_at]


def _letter(sealer: Sealer, row: Message, purpose: Purpose) -> SentLetter:
    place = Place(TABLE, "subject", row.id)
    subject = sealer.open(place, bytes(row.subject), purpose=purpose) if row.subject else ""
    assert row.sent_at is not None
    return SentLetter(row.event_key, row.sent_at, subject)
