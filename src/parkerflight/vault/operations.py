"""Making a person's key, sealing and opening. Each works in the row-level security scope of that person."""

import hashlib
import hmac
import secrets
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from parkerflight.core.errors import NotFound
from parkerflight.settings.config import load
from parkerflight.vault import envelope
from parkerflight.vault.envelope import DataKey, Place
from parkerflight.vault.kek import keys
from parkerflight.vault.models import PersonKey


class Purpose(StrEnum):
    """Why a sealed value is opened; written down with each opening of travel documents."""

    SHOW_OWNER = "show_owner"
    TICKETING = "ticketing"
    NOTIFY = "notify"
    DISPUTE = "dispute"
    """Evidence for a bank about a payment its cardholder disputes."""


def create_person(*, owner_id: UUID, now: datetime) -> None:
    """Make the person's data key. Call inside the person's scope, before the first field is sealed."""
    key_id = uuid4()
    kek_id, wrapped = keys().wrap(secrets.token_bytes(envelope.KEY_BYTES), _context(owner_id, key_id))
    PersonKey.objects.create(owner_id=owner_id, key_id=key_id, wrapped=wrapped, kek_id=kek_id, created_at=now)


class Sealer:
    """Seals and opens one person's fields; unwraps that person's key once and forgets it with the object."""

    def __init__(self, owner_id: UUID) -> None:
        row = PersonKey.objects.filter(owner_id=owner_id).first()
        if row is None:
            raise NotFound("no_person_key", "this person has no key: erased, or outside this scope")
        secret = keys().unwrap(row.kek_id, bytes(row.wrapped), _context(owner_id, row.key_id))
        self._key = DataKey(id=row.key_id, owner_id=owner_id, secret=secret)

    def seal(self, place: Place, text: str) -> bytes:
        """The sealed value of `text` for `place`."""
        return envelope.seal(self._key, place, text.encode())

    def open(self, place: Place, sealed: bytes, *, purpose: Purpose) -> str:  # noqa: ARG002 - part of the port from the start
        """The text sealed for exactly this place. Raises NotOpened."""
        return envelope.unseal(self._key, place, bytes(sealed)).decode()


def lookup_hash(label: str, value: str) -> bytes:
    """Keyed hash (HMAC-SHA-256) of a normalised value, for equality look-ups; `label` separates the columns."""
    key = bytes.fromhex(load().secret("lookup_key"))
    return hmac.new(key, f"{label}\x00{value}".encode(), hashlib.sha256).digest()


def _context(owner_id: UUID, key_id: UUID) -> bytes:
    return b"parker/data-key/1" + owner_id.bytes + key_id.bytes
