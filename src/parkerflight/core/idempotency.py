"""A write that a client may send again: carried out once, answered the same each time.

The effects and the answer are one commit, so a crash loses both or neither. A refused request leaves nothing behind; its
key is free. Modelled on Stripe's keys and draft-ietf-httpapi-idempotency-key-header.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from parkerflight.core.errors import BadInput, Retryable
from parkerflight.core.fault_points import fault_point
from parkerflight.core.models import IdempotencyKey
from parkerflight.core.tenancy import scope

KEEP = timedelta(hours=48)  # clients are told 24 hours; the second day is for clocks and for a late clean-up
BATCH = 1000  # rows deleted in one go
BUSY_SECONDS = 1.0  # a write takes milliseconds; whoever asks again after a second gets its answer
KEY = re.compile(r"[\x21-\x7e]{1,255}")  # printable, as in an HTTP header; 255 is what Stripe takes


class KeyMissing(BadInput):
    """The request carries no usable key."""


class KeyReused(BadInput):
    """The key came before, with another request."""


class KeyBusy(Retryable):
    """A request with this key is being carried out at this moment."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and a body of ids and codes."""

    status: int
    body: dict[str, Any]
    replayed: bool = False


def fingerprint(*, method: str, path: str, content: object) -> str:
    """SHA-256 of a request; the order of names and the white space of its JSON do not count."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{method} {path}\n{canonical}".encode()).hexdigest()


def check(key: str) -> str:
    """The key, when it is one. Raises KeyMissing, which says what to send."""
    if not KEY.fullmatch(key):
        message = (
            "Send the header Idempotency-Key with a value of your own, such as a random UUID: a new one for each new "
            "wish, the same one when you send a request again."
        )
        raise KeyMissing("idempotency_key_missing", message, field="Idempotency-Key")
    return key


def once(*, owner_id: UUID, key: str, fingerprint: str, now: datetime, effect: Callable[[], Answer]) -> Answer:
    """Carry out `effect` and keep its answer, in one commit; or return the answer it had, marked `replayed`.

    `effect` runs inside the owner's scope and must not call a vendor. What it raises undoes everything. Raises
    KeyReused, KeyBusy.
    """
    hashed = hashlib.sha256(check(key).encode()).hexdigest()
    with scope(owner_id):
        _claim(owner_id, hashed)
        kept = IdempotencyKey.objects.filter(owner_id=owner_id, key_sha256=hashed).first()
        if kept is not None:
            return _kept(kept, fingerprint)
        answer = effect()
        IdempotencyKey.objects.create(
            owner_id=owner_id,
            key_sha256=hashed,
            fingerprint=fingerprint,
            status=answer.status,
            answer=answer.body,
            created_at=now,
        )
        fault_point("core.idempotency.answered")
    return answer


def _claim(owner_id: UUID, hashed: str) -> None:
    """Hold the key until our transaction ends, or say that somebody does. The unique row guards what this cannot."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 1))", [f"{owner_id}/{hashed}"])
        if not cursor.fetchone()[0]:
            message = "A request with this Idempotency-Key is being carried out; ask again in a second."
            raise KeyBusy("idempotency_key_in_use", message, after=BUSY_SECONDS)


def _kept(row: IdempotencyKey, fingerprint: str) -> Answer:
    if row.fingerprint != fingerprint:
        message = "This Idempotency-Key came before with another request; use a new one for a new wish."
        raise KeyReused("idempotency_key_reused", message, field="Idempotency-Key")
    return Answer(row.status, row.answer, replayed=True)


def prune(*, now: datetime, keep: timedelta = KEEP) -> int:
    """Forget keys older than `keep`, in their owners' scopes; for the worker. Returns how many; one batch a call."""
    old = IdempotencyKey.objects.filter(created_at__lt=now - keep).order_by("created_at")
    rows = list(old.values_list("owner_id", "id")[:BATCH])
    for owner_id in {owner_id for owner_id, _ in rows}:
        with scope(owner_id):
            IdempotencyKey.objects.filter(id__in=[key for whose, key in rows if whose == owner_id]).delete()
    return len(rows)
