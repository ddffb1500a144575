"""The port to key-encryption keys, and the local file that serves the embedded mode."""

import json
import os
import secrets
from base64 import b64decode, b64encode
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from parkerflight.settings.config import ConfigurationError, load, write_private
from parkerflight.vault.envelope import NotOpened


class KeyEncryptionKeys(Protocol):
    """Wraps data keys. `context` is bound to the result: unwrapping with another context fails."""

    def wrap(self, secret: bytes, context: bytes) -> tuple[str, bytes]:
        """The wrapping key's id and the wrapped secret."""

    def unwrap(self, kek_id: str, wrapped: bytes, context: bytes) -> bytes:
        """The secret. Raises NotOpened."""


class LocalKeys:
    """Keys in one JSON file, mode 0600: `{"current": id, "keys": {id: base64}}`. For development and small set-ups."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            msg = f"PARKER_KEK_FILE names {path}, which does not exist."
            raise ConfigurationError(msg)
        if path.stat().st_mode & 0o077:
            msg = f"{path} holds keys and must be readable by its owner only: chmod 600 it."
            raise ConfigurationError(msg)
        kept = json.loads(path.read_text())
        self._current: str = kept["current"]
        self._keys = {name: AESGCM(b64decode(value)) for name, value in kept["keys"].items()}

    def wrap(self, secret: bytes, context: bytes) -> tuple[str, bytes]:
        nonce = os.urandom(12)
        return self._current, nonce + self._keys[self._current].encrypt(nonce, secret, context)

    def unwrap(self, kek_id: str, wrapped: bytes, context: bytes) -> bytes:
        key = self._keys.get(kek_id)
        if key is None:
            raise NotOpened
        try:
            return key.decrypt(wrapped[:12], wrapped[12:], context)
        except InvalidTag:
            raise NotOpened from None


def make_local_keys(path: Path) -> None:
    """Write a new key file with one random 256-bit key; an existing file is kept."""
    name = f"local-{secrets.token_hex(4)}"
    key = b64encode(secrets.token_bytes(32)).decode()
    if not path.exists():
        write_private(path, json.dumps({"current": name, "keys": {name: key}}))


@lru_cache(maxsize=1)
def keys() -> KeyEncryptionKeys:
    """This process's key-encryption keys."""
    config = load()
    if config.embedded and not config.kek_file:
        make_local_keys(config.kek_path)
    return LocalKeys(config.kek_path)
