"""What this room holds about a person: ids and hashes."""

_WHY = "a request that is sent twice is carried out once"
_KEPT = "a day or two"
COLUMNS = {
    "core_idempotencykey": dict.fromkeys(
        ("id", "owner_id", "key_sha256", "fingerprint", "status", "answer", "created_at"),
        ("not personal", _WHY, _KEPT),
    ),
}
