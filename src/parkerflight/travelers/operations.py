"""Adding, changing and removing travellers and their documents. One transaction each, in the owner's scope."""

from datetime import datetime
from uuid import UUID, uuid4

from parkerflight.audit.operations import record
from parkerflight.core.errors import BadInput, NotFound
from parkerflight.core.tenancy import scope
from parkerflight.travelers.models import IdentityDocument, Traveler
from parkerflight.travelers.sealing import seal_document, seal_profile
from parkerflight.travelers.values import Document, Profile, Relationship, checked_document, checked_profile, masked
from parkerflight.vault.operations import Sealer

MAX_TRAVELERS = 100  # a large family or a small office; more is somebody filling the database


def add_traveler(
    *, owner_id: UUID, profile: Profile, now: datetime, actor: str, relationship: Relationship = Relationship.OTHER
) -> UUID:
    """Store a person who flies and return the id. Raises BadInput (BadName for names) and writes nothing then."""
    checked = checked_profile(profile, now=now)
    traveler_id = uuid4()
    with scope(owner_id):
        if Traveler.objects.filter(owner_id=owner_id, archived_at=None).count() >= MAX_TRAVELERS:
            message = f"An account has at most {MAX_TRAVELERS} travellers; remove one first."
            raise BadInput("too_many_travelers", message)
        Traveler.objects.create(
            id=traveler_id,
            owner_id=owner_id,
            relationship=relationship,
            created_at=now,
            updated_at=now,
            **seal_profile(Sealer(owner_id), traveler_id, checked),
        )
        _audit("traveler.added", traveler_id, owner_id=owner_id, now=now, actor=actor)
    return traveler_id


def update_traveler(
    *,
    owner_id: UUID,
    traveler_id: UUID,
    profile: Profile,
    now: datetime,
    actor: str,
    relationship: Relationship | None = None,
) -> None:
    """Replace the person's fields; None keeps the relationship. Raises BadInput, and NotFound when not there."""
    checked = checked_profile(profile, now=now)
    with scope(owner_id):
        changed: dict[str, object] = {"updated_at": now, **seal_profile(Sealer(owner_id), traveler_id, checked)}
        if relationship is not None:
            changed["relationship"] = relationship
        _require(Traveler.objects.filter(id=traveler_id, owner_id=owner_id, archived_at=None).update(**changed))
        _audit("traveler.updated", traveler_id, owner_id=owner_id, now=now, actor=actor)


def remove_traveler(*, owner_id: UUID, traveler_id: UUID, now: datetime, actor: str) -> None:
    """Hide the traveller and delete the documents at once; the fields go with `erase_removed`. Raises NotFound."""
    with scope(owner_id):
        live = Traveler.objects.filter(id=traveler_id, owner_id=owner_id, archived_at=None)
        _require(live.update(archived_at=now, updated_at=now))
        IdentityDocument.objects.filter(traveler_id=traveler_id, owner_id=owner_id).delete()
        _audit("traveler.removed", traveler_id, owner_id=owner_id, now=now, actor=actor)


def add_document(*, owner_id: UUID, traveler_id: UUID, document: Document, now: datetime, actor: str) -> UUID:
    """Store a travel document in place of any earlier one of its kind; return the id. Raises BadInput, NotFound."""
    checked = checked_document(document, now=now)
    document_id = uuid4()
    with scope(owner_id):
        # The UPDATE locks the traveller, so that of two documents sent at once one replaces the other.
        _require(Traveler.objects.filter(id=traveler_id, owner_id=owner_id, archived_at=None).update(updated_at=now))
        IdentityDocument.objects.filter(traveler_id=traveler_id, owner_id=owner_id, kind=checked.kind).delete()
        IdentityDocument.objects.create(
            id=document_id,
            owner_id=owner_id,
            traveler_id=traveler_id,
            kind=checked.kind,
            masked=masked(checked.number),
            created_at=now,
            **seal_document(Sealer(owner_id), document_id, checked),
        )
        _audit("document.added", document_id, owner_id=owner_id, now=now, actor=actor, of=traveler_id)
    return document_id


def remove_document(*, owner_id: UUID, document_id: UUID, now: datetime, actor: str) -> None:
    """Delete one travel document. Raises NotFound."""
    with scope(owner_id):
        deleted, _ = IdentityDocument.objects.filter(id=document_id, owner_id=owner_id).delete()
        _require(deleted)
        _audit("document.removed", document_id, owner_id=owner_id, now=now, actor=actor)


def erase_removed(*, owner_id: UUID, before: datetime, now: datetime, actor: str) -> int:
    """Delete the rows of travellers removed before that moment; return how many."""
    with scope(owner_id):
        removed = Traveler.objects.filter(owner_id=owner_id, archived_at__lt=before)
        ids = list(removed.values_list("id", flat=True))
        Traveler.objects.filter(id__in=ids, owner_id=owner_id).delete()
        for traveler_id in ids:
            _audit("traveler.erased", traveler_id, owner_id=owner_id, now=now, actor=actor)
    return len(ids)


def _require(rows: int) -> None:
    if rows == 0:
        raise NotFound("traveler_not_found", "There is no such traveller or document in this account.")


def _audit(action: str, object_id: UUID, *, owner_id: UUID, now: datetime, actor: str, of: UUID | None = None) -> None:
    record(
        at=now,
        owner_id=owner_id,
        actor=actor,
        action=action,
        object_type=action.partition(".")[0],
        object_id=object_id,
        details={"traveler": str(of)} if of else {},
    )
