"""What happens to an order after it was made: cancellation, and changes by the airline."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.duffel import errors, magic, order_views, ordering
from sandbox.duffel.airlines import DUFFEL_AIRWAYS
from sandbox.duffel.clockwork import stamp
from sandbox.duffel.money import flat
from sandbox.duffel.rendering import local
from sandbox.duffel.schedules import Leg
from sandbox.duffel.world import Order, World

QUOTE_SECONDS = 3_600  # how long a cancellation quote stands, as observed on Duffel Airways


def quote_cancellation(world: World, data: dict[str, Any]) -> dict[str, Any]:
    """Quote what a cancellation gives back. Raises order_not_cancellable when the order no longer allows one."""
    order = world.orders.get(str(data.get("order_id", "")))
    if order is None or not order.readable:
        raise errors.linked_not_found("/order_id")
    if order.cancelled_at is not None:
        raise errors.state_error("already_cancelled", "The order has already been cancelled.")
    if "cancel" not in order_views.available_actions(world, order):
        raise errors.state_error("order_not_cancellable", "This order cannot be cancelled.")
    refund, to = _refund(world, order)
    quote: dict[str, Any] = {
        "id": world.ids.new("ore", 22),
        "live_mode": False,
        "created_at": stamp(world.now()),
        "order_id": order.id,
        "refund_amount": str(refund),
        "refund_currency": order.currency,
        "refund_to": to,
        "expires_at": stamp(world.now() + QUOTE_SECONDS),
        "confirmed_at": None,
        "airline_credits": _credits(order, refund, to),
    }
    world.cancellations[quote["id"]] = quote
    order.cancellation = quote["id"]
    world.emit("order_cancellation.created", quote["id"], {"id": quote["id"], "order_id": order.id})
    return quote


def _refund(world: World, order: Order) -> tuple[Decimal, str]:
    if order.paid_at is None:
        return order.total * 0, "awaiting_payment"
    offer = order.offer
    to = "airline_credits" if magic.applies(offer.request.magic, magic.CREDITS, offer.owner) else "balance"
    within_a_day = world.now() - order.paid_at < order_views.VOID_HOURS * 3_600
    if offer.owner == DUFFEL_AIRWAYS or within_a_day or offer.brand.refund == "yes":
        return order.total, to
    if offer.brand.refund == "fee":
        fee = flat(85, order.currency) * len(order.passengers)
        return max(order.total - fee, order.total * 0), to
    return order.total * 0, to


def _credits(order: Order, refund: Decimal, to: str) -> list[dict[str, Any]]:
    if to != "airline_credits":
        return []
    share = str((refund / len(order.passengers)).quantize(refund))
    return [
        {"passenger_id": p["id"], "credit_amount": share, "credit_currency": order.currency, "credit_code": None}
        | {"credit_name": "Duffel Travel Voucher", "issued_on": None, "id": None}
        for p in order.passengers
    ]


def confirm_cancellation(world: World, quote_id: str) -> dict[str, Any]:
    """Cancel the order of the newest, unexpired quote and give the refund back to the balance."""
    quote = world.cancellations.get(quote_id)
    if quote is None:
        raise errors.not_found("order cancellation")
    order = world.orders[quote["order_id"]]
    if order.cancelled_at is not None:
        raise errors.state_error("already_cancelled", "The order has already been cancelled.")
    if order.cancellation != quote_id or world.now() >= _quoted_until(world, quote):
        raise errors.state_error("order_cancellation_stale", "A newer quote exists or this one has expired.")
    if "cancel" not in order_views.available_actions(world, order):
        raise errors.state_error("order_not_cancellable", "This order can no longer be cancelled.")
    now = world.now()
    quote["confirmed_at"] = stamp(now)
    for i, credit in enumerate(quote["airline_credits"]):
        credit |= {
            "credit_code": f"DTV{quote_id[-8:].upper()}{i}",
            "issued_on": stamp(now)[:10],
            "id": world.ids.new("acd", 22),
        }
    order.cancelled_at = now
    if order_views.requires_action(order):
        _answered(order, order.changes[-1], "cancelled", stamp(now))
    world.flown -= ordering.flown_keys_of(order)
    if quote["refund_to"] == "balance":
        order.refunded = Decimal(quote["refund_amount"])
        world.debit(-order.refunded, order.currency)
    world.emit("order_cancellation.confirmed", quote_id, {"id": quote_id, "order_id": order.id})
    return quote


def _quoted_until(world: World, quote: dict[str, Any]) -> float:
    return datetime.fromisoformat(quote["expires_at"]).timestamp() if quote["expires_at"] else world.now() + 1


def plant_change(world: World, order: Order, shift_minutes: int, *, told: bool = True) -> dict[str, Any]:
    """Let the airline move every flight of the order's first slice; an unpaid hold loses the right to be paid.

    `told` says whether a webhook announces it.
    """
    before = order.slices[0]
    after = before | {"id": world.ids.new("sli", 22), "segments": _moved(world, order, shift_minutes)}
    now = stamp(world.now())
    change: dict[str, Any] = {
        "id": world.ids.new("aic", 22),
        "order_id": order.id,
        "created_at": now,
        "updated_at": now,
        "added": [after],
        "removed": [before],
        "available_actions": ["accept", "cancel", "change", "update"],
        "action_taken": None,
        "action_taken_at": None,
        "travel_agent_ticket": None,
    }
    world.airline_changes[change["id"]] = change
    order.changes = [*order.changes, change]
    if order.awaiting_payment(world.now()):
        order.schedule_changed = True  # Duffel tells nobody about changes of unpaid orders
    elif told:
        world.emit("order.airline_initiated_change_detected", change["id"], {"id": order.id, "aic_id": change["id"]})
    return change


def _moved(world: World, order: Order, minutes: int) -> list[dict[str, Any]]:
    shift = timedelta(minutes=minutes * (1 + sum(c["action_taken"] is None for c in order.changes)))
    moved = []
    for segment, leg in zip(order.slices[0]["segments"], order.offer.itineraries[0].legs, strict=True):
        later: Leg = replace(leg, departs=leg.departs + shift, arrives=leg.arrives + shift)
        departing, arriving = local(later)
        moved.append(segment | {"id": world.ids.new("seg", 22), "departing_at": departing, "arriving_at": arriving})
    return moved


def list_changes(world: World, order_id: str | None) -> list[dict[str, Any]]:
    """Return the airline's changes, newest last. On the magic route each reading brings one more, an hour later.

    Such a change is not announced: whoever reads on each announcement would never come to an end.
    """
    order = world.orders.get(order_id or "")
    if order and magic.applies(order.offer.request.magic, magic.AIRLINE_CHANGE, order.offer.owner):
        plant_change(world, order, 60, told=False)
    return [change for change in world.airline_changes.values() if order_id in {None, change["order_id"]}]


def act_on_change(world: World, change_id: str, action: str) -> dict[str, Any]:
    """Record an answer to the airline's newest change; accepting it puts the new flights on the order."""
    change = world.airline_changes.get(change_id)
    if change is None:
        raise errors.not_found("airline-initiated change")
    order = world.orders[change["order_id"]]
    if order.changes[-1] is not change:
        raise errors.state_error("stale_airline_initiated_change_accept", "A newer change exists for this order.")
    if change["action_taken"] is not None:
        raise errors.state_error("order_change_already_actioned", "This change has already been dealt with.")
    if action not in {"accepted", "cancelled", "changed"}:
        raise errors.invalid("validation_inclusion", "/action_taken", "must be accepted, cancelled or changed")
    _answered(order, change, action, stamp(world.now()))
    if action == "accepted":
        order.slices = [*change["added"], *order.slices[1:]]
    return change


def _answered(order: Order, change: dict[str, Any], action: str, now: str) -> None:
    for one in order.changes:
        one |= {"available_actions": [], "updated_at": now}
    change |= {"action_taken": action, "action_taken_at": now}
