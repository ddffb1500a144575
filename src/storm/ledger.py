"""The ideal: what must be true in the vendors' own books once everything is calm. Knows nothing of our tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from parkerflight.core.money import Money
from storm.cast import Campaign

Row = dict[str, Any]
ALIVE = frozenset({"ticketed", "held", "pending"})


@dataclass(frozen=True)
class Broken:
    """Something that must never be."""

    what: str
    detail: str


def check(
    campaigns: Iterable[Campaign], orders: list[Row], intents: list[Row], *, refunds_failed: bool = False
) -> list[Broken]:
    """Compare Stripe's and Duffel's books campaign by campaign; empty when they agree."""
    found: list[Broken] = []
    known = {str(one.id): one for one in campaigns}
    found += [Broken("order of no campaign", one["id"]) for one in orders if _campaign(one) not in known]
    found += [Broken("payment of no campaign", one["id"]) for one in intents if _campaign(one) not in known]
    for name, campaign in known.items():
        mine = [one for one in orders if _campaign(one) == name]
        paid = [one for one in intents if _campaign(one) == name]
        found += _one(campaign, mine, paid, refunds_failed=refunds_failed)
    return found


def _one(campaign: Campaign, orders: list[Row], intents: list[Row], *, refunds_failed: bool) -> Iterable[Broken]:
    alive = [one for one in orders if one["status"] in ALIVE]
    if len(alive) > 1:
        yield Broken("two tickets", ", ".join(one["id"] for one in alive))
    yield from (Broken("seats held for nobody", one["id"]) for one in alive if one["status"] != "ticketed")
    yield from (Broken("money still held", one["id"]) for one in intents if one["held"])
    yield from (Broken("above what was signed", one["id"]) for one in intents if one["amount"] > max(campaign.caps))
    wanted = sum(_minor(one, "total_amount") for one in alive)
    cancelled = [one for one in orders if one["status"] == "cancelled" and _minor(one, "paid")]
    taken = sum(one["captured"] for one in intents)
    net = taken - sum(one["refunded"] for one in intents)
    kept = sum(_minor(one, "paid") - _back(one) for one in cancelled)
    # A ticket given up because nobody could be charged for it is our loss, never the person's.
    expected = {wanted + kept} | ({wanted} if campaign.ticket_given_up else set())
    # A refund that came back from the bank is with us until a person sends it another way.
    if net not in expected and not (refunds_failed and net > max(expected)):
        yield Broken("money and ticket disagree", f"net {net}, tickets {wanted}, kept by airlines {kept}")
    if campaign.ticket_given_up and not any(one["capture_before"] for one in intents):
        yield Broken("a ticket was bought without ever holding its price", str(campaign.id))
    yield from _untimely(campaign, orders)


def _untimely(campaign: Campaign, orders: list[Row]) -> Iterable[Broken]:
    """Orders made while the campaign stood still by the person's will."""
    for since, until in campaign.stopped_at:
        for one in orders:
            made = datetime.fromisoformat(one["created_at"])
            if made > since and (until is None or made < until) and _minor(one, "paid"):
                yield Broken("bought although stopped", one["id"])


def _back(order: Row) -> int:
    return 0 if order.get("refund_to") in {"airline_credits", "voucher"} else _minor(order, "refunded")


def _minor(order: Row, name: str) -> int:
    return Money.parse(order[name], order["currency"]).minor


def _campaign(row: Row) -> str:
    return str((row.get("metadata") or {}).get("campaign_id", ""))
