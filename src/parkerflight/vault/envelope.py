"""The sealed value: `version | algorithm | key id | nonce | ciphertext+tag`, AES-256-GCM.

The associated data bind table, column, row, owner and key, each length-prefixed so that no two places share an
encoding (NIST SP 800-38D; RFC 5116). Nonces are random 96-bit: one key serves one person, far below 2**32 values.
"""

import os
import struct
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from parkerflight.core.errors import ParkerError

VERSION = 1
AES_256_GCM = 1
HEADER = struct.Struct(">BB16s12s")
KEY_BYTES = 32
TAG_BYTES = 16


class NotOpened(ParkerError):
    """A sealed value does not open here: moved, altered, cut, of another version or under another key."""

    def __init__(self) -> None:
        super().__init__("not_opened", "a sealed value does not open at this place")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value lives. `row_id` is known before the row is inserted: our ids are made here, not there."""

    table: str
    column: str
    row_id: UUID


@dataclass(frozen=True, slots=True, repr=False)
class DataKey:
    """A person's 256-bit key and its name. Its repr shows neither."""

    id: UUID
    owner_id: UUID
    secret: bytes

    def __repr__(self) -> str:
        return "DataKey(…)"


def seal(key: DataKey, place: Place, plaintext: bytes) -> bytes:
    """Encrypt `plaintext` for `place`; twice the same input gives two different values."""
    nonce = os.urandom(12)
    header = HEADER.pack(VERSION, AES_256_GCM, key.id.bytes, nonce)
    return header + AESGCM(key.secret).encrypt(nonce, plaintext, _associated(key, place))


def unseal(key: DataKey, place: Place, sealed: bytes) -> bytes:
    """Decrypt a value sealed for exactly this place. Raises NotOpened, and never says why."""
    if len(sealed) < HEADER.size + TAG_BYTES:
        raise NotOpened
    version, algorithm, key_id, nonce = HEADER.unpack_from(sealed)
    if (version, algorithm, key_id) != (VERSION, AES_256_GCM, key.id.bytes):
        raise NotOpened
    try:
        return AESGCM(key.secret).decrypt(nonce, bytes(sealed[HEADER.size :]), _associated(key, place))
    except InvalidTag:
        raise NotOpened from None


def _associated(key: DataKey, place: Place) -> bytes:
    parts = (
        bytes([VERSION, AES_256_GCM]),
        key.id.bytes,
        key.owner_id.bytes,
        place.table.encode(),
        place.column.encode(),
        place.row_id.bytes,
    )
    return b"".join(struct.pack(">H", len(part)) + part for part in parts)
