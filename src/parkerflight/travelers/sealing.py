"""Between clear values and sealed columns. The only place that knows which column holds what."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from parkerflight.travelers.models import IdentityDocument, Traveler
from parkerflight.travelers.values import Document, DocumentKind, Profile
from parkerflight.vault.envelope import Place
from parkerflight.vault.operations import Purpose, Sealer

TRAVELERS = "travelers_traveler"
DOCUMENTS = "travelers_identitydocument"


def seal_profile(sealer: Sealer, traveler_id: UUID, profile: Profile) -> dict[str, bytes]:
    """The sealed columns of the traveller's row."""
    clear = {
        "given_name": profile.given_name,
        "family_name": profile.family_name,
        "title": profile.title,
        "gender": profile.gender,
        "born_on": profile.born_on.isoformat(),
        "email": profile.email,
        "phone": profile.phone,
    }
    return _seal_all(sealer, TRAVELERS, traveler_id, clear)


def open_profile(sealer: Sealer, row: Traveler, *, purpose: Purpose) -> Profile:
    """The person in clear. Raises NotOpened when a value was moved or altered."""
    return Profile(
        born_on=date.fromisoformat(open_field(sealer, row, "born_on", purpose=purpose)),
        **{
            name: open_field(sealer, row, name, purpose=purpose)
            for name in ("given_name", "family_name", "title", "gender", "email", "phone")
        },
    )


def open_field(sealer: Sealer, row: Traveler, column: str, *, purpose: Purpose) -> str:
    """One field in clear, so that a reader of ages never sees a name."""
    return sealer.open(Place(TRAVELERS, column, row.id), getattr(row, column), purpose=purpose)


def seal_document(sealer: Sealer, document_id: UUID, document: Document) -> dict[str, bytes]:
    """The sealed columns of the document's row."""
    clear = {
        "number": document.number,
        "issuing_country": document.issuing_country,
        "expires_on": document.expires_on.isoformat() if document.expires_on else "",
    }
    return _seal_all(sealer, DOCUMENTS, document_id, clear)


def open_document(sealer: Sealer, row: IdentityDocument, *, purpose: Purpose) -> Document:
    """The document in clear. Raises NotOpened when a value was moved or altered."""

    def clear(column: str) -> str:
        return sealer.open(Place(DOCUMENTS, column, row.id), getattr(row, column), purpose=purpose)

    expires_on = clear("expires_on")
    return Document(
        kind=DocumentKind(row.kind),
        number=clear("number"),
        issuing_country=clear("issuing_country"),
        expires_on=date.fromisoformat(expires_on) if expires_on else None,
    )


def _seal_all(sealer: Sealer, table: str, row_id: UUID, clear: Mapping[str, str]) -> dict[str, bytes]:
    return {column: sealer.seal(Place(table, column, row_id), text) for column, text in clear.items()}
