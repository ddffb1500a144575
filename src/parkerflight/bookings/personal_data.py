"""What this room holds about a person."""

_WHY = "to buy the ticket and prove what was bought"
_LONG = "seven years, as bookkeeping asks"


def _plain(*names: str) -> dict[str, tuple[str, str, str]]:
    return dict.fromkeys(names, ("not personal", _WHY, _LONG))


COLUMNS = {
    "bookings_bookingattempt": _plain(
        "id", "owner_id", "campaign_id", "match_id", "offer_id", "offer_request_id", "state", "total_minor", "currency",
        "fee_minor", "card_id", "payments_made", "price_moves", "offer_expires_at", "holdable", "hold_until", "decide_until",
        "after", "sentence", "payment_id", "request_hash", "seats", "order_id", "reason", "vendor_request_id", "tries", "due_at", "human_since",
        "created_at", "updated_at",
    ),
    "bookings_attemptevent": _plain("id", "owner_id", "attempt_id", "at", "wall_ms", "from_state", "to_state", "reason"),
    "bookings_booking": {
        **_plain("id", "owner_id", "attempt_id", "campaign_id", "order_id", "total_minor", "currency", "passengers",
                 "tickets", "fee_minor", "booked_at", "captured_at", "cancelled_at"),
        "confirmation": ("personal", "booking reference, ticket numbers and itinerary, for the person", _LONG),
    },
    "bookings_cancellation": _plain(
        "id", "owner_id", "booking_id", "quote_id", "refund_minor", "currency", "refund_to", "to_card_minor", "penalty_minor",
        "expires_at", "refund_id", "state", "reason", "tries", "due_at", "human_since", "created_at", "updated_at",
    ),
    "bookings_change": {
        **_plain("id", "owner_id", "booking_id", "change_id", "can_accept", "state", "seen_at", "updated_at"),
        "details": ("personal", "which flights the airline took away and which it gives, for the person", _LONG),
    },
}  # fmt: skip
