"""What this room holds about a person: table → column → (class, purpose, retention)."""

_CONTENT = "90 days after it was queued, then blanked"
_FACT = "as long as the account: evidence that the person was told"

COLUMNS: dict[str, dict[str, tuple[str, str, str]]] = {
    "notifications_message": {
        "id": ("not personal", "names the message; random", _FACT),
        "owner_id": ("not personal", "links rows; random", _FACT),
        "event_key": ("not personal", "one message per event; ids only", _FACT),
        "channel": ("not personal", "how it is sent", _FACT),
        "recipient": ("personal", "where to send it", _CONTENT),
        "subject": ("personal", "what is sent", _CONTENT),
        "body": ("personal", "what is sent", _CONTENT),
        "attachments": ("personal", "what is sent", _CONTENT),
        "state": ("not personal", "delivery", _FACT),
        "tries": ("not personal", "delivery", _FACT),
        "last_error": ("not personal", "class of the last failure", _FACT),
        "created_at": ("not personal", "delivery", _FACT),
        "claimed_at": ("not personal", "delivery", _FACT),
        "sent_at": ("not personal", "evidence that the person was told", _FACT),
        "provider_id": ("not personal", "names the message at the mail system", _FACT),
    },
}
