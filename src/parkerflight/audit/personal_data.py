"""What this room holds about a person: ids and codes only."""

_WHY = "evidence of what was done"
_LONG = "seven years, as bookkeeping asks"
COLUMNS = {
    "audit_entry": dict.fromkeys(
        ("id", "at", "owner_id", "actor", "action", "object_type", "object_id", "details"),
        ("not personal", _WHY, _LONG),
    ),
}
