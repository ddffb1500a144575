"""What this room holds about a person."""

_TRIP = "to find and buy the trip"
_LIFE = "until two years after the campaign ends"


def _plain(*names: str) -> dict[str, tuple[str, str, str]]:
    return dict.fromkeys(names, ("not personal", _TRIP, _LIFE))


COLUMNS = {
    "campaigns_campaign": _plain(
        "id", "owner_id", "status", "criteria", "traveler_ids", "cap_minor", "currency", "card_id", "mandate_id",
        "second_card_id", "second_mandate_id", "veto_hours", "wish", "retry_at",
        "reason", "expires_at", "created_at", "updated_at",
    ),
    "campaigns_campaigncell": _plain("id", "owner_id", "campaign_id", "cell_id", "active"),
    "campaigns_match": _plain(
        "id", "owner_id", "campaign_id", "offer_id", "offer_request_id", "total_minor", "currency", "offer_expires_at",
        "verdict", "state", "found_at", "settled_at",
    ),
    "campaigns_cell": _plain("key", "query", "last_look_at", "claimed_until"),
    "campaigns_look": _plain("id", "cell_id", "at", "offers", "lowest_minor", "currency", "matches", "error"),
}  # fmt: skip
