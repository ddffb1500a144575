"""What this room holds about a person: ids only, and a hash of what it threw away."""

_WHY = "an event is worked on once, and can be replayed"
_KEPT = "sixty days"
COLUMNS = {
    "inbox_event": dict.fromkeys(
        (
            "id", "vendor", "event_id", "kind", "object_id", "subject", "body_sha256", "received_at",
            "waiting_since", "taken_at", "handled_at", "given_up_at", "tries", "next_try_at", "last_error", "duplicates", "same_as_id",
        ),
        ("not personal", _WHY, _KEPT),
    ),
}  # fmt: skip
