"""What this room holds about a person."""

_WHY = "to charge what the person agreed to and to prove it"
_LONG = "seven years, as bookkeeping asks"


def _plain(*names: str) -> dict[str, tuple[str, str, str]]:
    return dict.fromkeys(names, ("not personal", _WHY, _LONG))


COLUMNS = {
    "payments_customer": _plain("owner_id", "reference", "created_at"),
    "payments_card": _plain(
        "id", "owner_id", "reference", "setup_reference", "brand", "last4", "expires_month", "expires_year", "status",
        "needs_customer", "created_at",
    ),
    "payments_mandate": {
        **_plain("id", "owner_id", "version", "text", "text_sha256", "cap_minor", "currency", "includes", "valid_until",
                 "card_id", "agreed_at", "revoked_at"),
        "ip_sealed": ("personal", "evidence of who agreed", _LONG),
        "user_agent_sealed": ("personal", "evidence of who agreed", _LONG),
    },
    "payments_payment": _plain(
        "id", "owner_id", "attempt_id", "try_no", "card_id", "mandate_id", "amount_minor", "currency", "captured_minor",
        "refunded_minor", "intent", "intent_ended", "superseded", "charge", "state", "capture_before", "failure_code",
        "failure_kind", "review_open", "disputed", "created_at", "updated_at",
    ),
    "payments_refund": _plain(
        "id", "owner_id", "payment_id", "amount_minor", "currency", "cause", "reference", "status", "failure_reason",
        "created_at", "updated_at",
    ),
    "payments_dispute": _plain(
        "id", "owner_id", "payment_id", "reference", "kind", "status", "reason", "amount_minor", "currency", "due_by",
        "opened_at", "closed_at", "evidence_submitted_at", "heard_at",
    ),
    "payments_vendorcall": _plain(
        "id", "owner_id", "payment_id", "purpose", "subject", "try_no", "key", "parameters", "opened_at", "outcome", "reference",
    ),
}  # fmt: skip
