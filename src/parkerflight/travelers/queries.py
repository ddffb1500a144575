"""Reading travellers. Plain values out; each function opens only the fields it is about."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from parkerflight.audit.operations import WORKER, record
from parkerflight.core.errors import NotFound
from parkerflight.core.tenancy import scope
from parkerflight.travelers.models import IdentityDocument, Traveler
from parkerflight.travelers.sealing import open_document, open_field, open_profile
from parkerflight.travelers.values import Document, Profile, age_on
from parkerflight.vault.operations import Purpose, Sealer


@dataclass(frozen=True, slots=True)
class DocumentSummary:
    """A document as its owner may see it again: never the number."""

    id: UUID
    kind: str
    masked: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Summary:
    """A traveller in a list. Its repr shows ids only."""

    id: UUID
    name: str = field(repr=False)
    relationship: str = field(repr=False)
    documents: tuple[DocumentSummary, ...]


def summaries(owner_id: UUID) -> list[Summary]:
    """The account's travellers, removed ones left out, oldest first. Opens names only."""
    with scope(owner_id):
        rows = list(Traveler.objects.filter(owner_id=owner_id, archived_at=None).order_by("created_at", "id"))
        documents = _document_summaries(owner_id)
        sealer = Sealer(owner_id) if rows else None
        return [_summary(sealer, row, documents.get(row.id, ())) for row in rows if sealer]


def profile(owner_id: UUID, traveler_id: UUID) -> Profile:
    """One traveller's fields, for their owner to read and edit. Raises NotFound."""
    with scope(owner_id):
        row = _live(owner_id, [traveler_id])[0]
        return open_profile(Sealer(owner_id), row, purpose=Purpose.SHOW_OWNER)


def for_ticketing(
    owner_id: UUID, traveler_ids: Sequence[UUID], purpose: Purpose, *, now: datetime, actor: str = WORKER
) -> list[Profile]:
    """The travellers in the order asked for. The opening is written down in the same transaction.

    Raises NotFound when one was removed or is not in this account; then none is opened.
    """
    with scope(owner_id):
        rows = _live(owner_id, traveler_ids)
        _record_opening("traveler.opened", owner_id, traveler_ids, purpose, now=now, actor=actor)
        sealer = Sealer(owner_id)
        return [open_profile(sealer, row, purpose=purpose) for row in rows]


def documents_for_ticketing(
    owner_id: UUID, traveler_ids: Sequence[UUID], purpose: Purpose, *, now: datetime, actor: str = WORKER
) -> dict[UUID, tuple[Document, ...]]:
    """Every traveller's documents, empty where there are none. For the worker: the web role may not read these columns.

    The opening is written down in the same transaction. Raises NotFound as `for_ticketing` does.
    """
    with scope(owner_id):
        _live(owner_id, traveler_ids)
        _record_opening("document.opened", owner_id, traveler_ids, purpose, now=now, actor=actor)
        rows = list(IdentityDocument.objects.filter(owner_id=owner_id, traveler_id__in=traveler_ids).order_by("kind"))
        sealer = Sealer(owner_id)
        opened = [(row.traveler_id, open_document(sealer, row, purpose=purpose)) for row in rows]
    return {one: tuple(document for whose, document in opened if whose == one) for one in traveler_ids}


def all_have_documents(owner_id: UUID, traveler_ids: Sequence[UUID]) -> bool:
    """Whether every one of these travellers has a document on file. Opens nothing."""
    with scope(owner_id):
        having = IdentityDocument.objects.filter(owner_id=owner_id, traveler_id__in=traveler_ids)
        return set(having.values_list("traveler_id", flat=True)) == set(traveler_ids)


def ages_on(owner_id: UUID, traveler_ids: Sequence[UUID], day: date) -> list[int]:
    """Ages in whole years on `day` (local date of the last flight), in the order asked for. Opens birth dates only.

    Raises NotFound, and BadInput when somebody is not born by then.
    """
    with scope(owner_id):
        rows = _live(owner_id, traveler_ids)
        sealer = Sealer(owner_id)
        births = [open_field(sealer, row, "born_on", purpose=Purpose.TICKETING) for row in rows]
    return [age_on(date.fromisoformat(born_on), day) for born_on in births]


def names(owner_id: UUID, traveler_ids: Sequence[UUID]) -> list[str]:
    """Display names in the order asked for; removed travellers too, because mails about their tickets name them.

    Raises NotFound when one was erased or is not in this account.
    """
    with scope(owner_id):
        kept = Traveler.objects.filter(owner_id=owner_id, id__in=traveler_ids)
        rows = _in_order({row.id: row for row in kept}, traveler_ids)
        sealer = Sealer(owner_id)
        return [_name(sealer, row) for row in rows]


def _live(owner_id: UUID, traveler_ids: Sequence[UUID]) -> list[Traveler]:
    live = Traveler.objects.filter(owner_id=owner_id, id__in=traveler_ids, archived_at=None)
    return _in_order({row.id: row for row in live}, traveler_ids)


def _in_order(found: dict[UUID, Traveler], traveler_ids: Sequence[UUID]) -> list[Traveler]:
    if not traveler_ids or any(one not in found for one in traveler_ids):
        raise NotFound("traveler_not_found", "There is no such traveller in this account.")
    return [found[one] for one in traveler_ids]


def _summary(sealer: Sealer, row: Traveler, documents: tuple[DocumentSummary, ...]) -> Summary:
    return Summary(id=row.id, name=_name(sealer, row), relationship=row.relationship, documents=documents)


def _name(sealer: Sealer, row: Traveler) -> str:
    parts = (open_field(sealer, row, column, purpose=Purpose.SHOW_OWNER) for column in ("given_name", "family_name"))
    return " ".join(parts)


def _document_summaries(owner_id: UUID) -> dict[UUID, tuple[DocumentSummary, ...]]:
    """By traveller. Names its columns: the web role has no right to the others."""
    found: dict[UUID, tuple[DocumentSummary, ...]] = {}
    columns = ("traveler_id", "id", "kind", "masked")
    for whose, *shown in IdentityDocument.objects.filter(owner_id=owner_id).order_by("kind").values_list(*columns):
        found[whose] = (*found.get(whose, ()), DocumentSummary(*shown))
    return found


def _record_opening(
    action: str, owner_id: UUID, traveler_ids: Sequence[UUID], purpose: Purpose, *, now: datetime, actor: str
) -> None:
    record(
        at=now,
        owner_id=owner_id,
        actor=actor,
        action=action,
        object_type="traveler",
        object_id=traveler_ids[0],
        details={"purpose": str(purpose), "travelers": [str(one) for one in traveler_ids]},
    )
