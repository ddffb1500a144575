"""What this room holds about a person: nothing; the balance is ours, an attempt's id is all that leads further."""

_WHY = "to know, before a card is touched, that our balance at the provider can pay the airline"
_KEPT = "ten years: the books"


def _plain(*names: str) -> dict[str, tuple[str, str, str]]:
    return dict.fromkeys(names, ("not personal", _WHY, _KEPT))


COLUMNS = {
    "flights_wallet": _plain(
        "currency", "available_minor", "overdrawn_minor", "reserved_minor", "spent_minor", "topped_up_minor",
        "alarm_below_minor", "updated_at",
    ),
    "flights_wallethold": _plain("attempt_id", "currency", "reserved_minor", "spent_minor", "refunded_minor"),
    "flights_walletentry": _plain("id", "kind", "currency", "amount_minor", "attempt_id", "reason", "at"),
}  # fmt: skip
