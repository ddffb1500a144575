"""Orders as Duffel shows them, the filters of their list, and what may still be changed on them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from sandbox.duffel import errors
from sandbox.duffel.airlines import DUFFEL_AIRWAYS, airline_json
from sandbox.duffel.clockwork import stamp, stamp_or_none
from sandbox.duffel.order_checks import check_metadata
from sandbox.duffel.rendering import conditions_json, tax_of
from sandbox.duffel.world import Order, World

Test = Callable[[Order], bool]

FRESH_SECONDS = 60  # a younger copy of the airline's data is not asked for again
VOID_HOURS = 24  # airlines let agents take a ticket back within a day of issue


def find(world: World, order_id: str) -> Order:
    """Return an order that may be read. Raises a 404 for unknown ones and those still pending."""
    order = world.orders.get(order_id)
    if order is None or not order.readable:
        raise errors.not_found("order")
    return order


def available_actions(world: World, order: Order) -> list[str]:
    """Return what may be done with the order now."""
    if order.cancelled_at is not None or order.lapsed(world.now()):
        return []
    departed = order.offer.itineraries[0].legs[0].departs.timestamp() <= world.now()
    return ["update"] if departed else ["cancel", "change", "update"]


def order_json(world: World, order: Order) -> dict[str, Any]:
    """Return one order as of the virtual present."""
    now = world.now()
    if now - order.synced_at > FRESH_SECONDS:
        order.synced_at = now
    offer, currency = order.offer, order.currency
    tax = tax_of(order.total, currency, offer.itineraries[0].key)
    cancelled = order.cancellation if order.cancelled_at is not None else None
    carriers = list(dict.fromkeys(leg.operating for i in offer.itineraries for leg in i.legs))
    void = order.paid_at is not None and offer.owner != DUFFEL_AIRWAYS
    return {
        "id": order.id,
        "live_mode": False,
        "created_at": stamp(order.created_at),
        "type": order.type,
        "offer_id": offer.id,
        "booking_reference": order.booking_reference,
        "booking_references": [
            {"booking_reference": order.booking_reference, "carrier": airline_json(code)} for code in carriers
        ],
        "payment_status": {
            "awaiting_payment": order.awaiting_payment(now),
            "paid_at": stamp_or_none(order.paid_at),
            "payment_required_by": stamp_or_none(order.payment_required_by) if order.paid_at is None else None,
            "price_guarantee_expires_at": stamp_or_none(order.price_guaranteed_until)
            if order.paid_at is None
            else None,
        },
        "total_amount": str(order.total),
        "total_currency": currency,
        "base_amount": str(order.total - tax),
        "base_currency": currency,
        "tax_amount": str(tax),
        "tax_currency": currency,
        "owner": airline_json(offer.owner),
        "slices": order.slices,
        "passengers": order.passengers,
        "services": order.services,
        "documents": order.documents(now),
        "conditions": conditions_json(offer),
        "cancellation": world.cancellations[cancelled] if cancelled else None,
        "cancelled_at": stamp_or_none(order.cancelled_at),
        "changes": [],
        "airline_initiated_changes": order.changes,
        "available_actions": available_actions(world, order),
        "content": "managed",
        "metadata": order.metadata,
        "synced_at": stamp(order.synced_at),
        "void_window_ends_at": stamp((order.paid_at or 0.0) + VOID_HOURS * 3_600) if void else None,
        "intended_payment_methods": [],
        "users": order.users,
    }


def update(world: World, order_id: str, data: dict[str, Any]) -> Order:
    """Replace the metadata (as a whole) or the users of an order."""
    order = find(world, order_id)
    if unknown := set(data) - {"metadata", "users"}:
        raise errors.invalid("validation_inclusion", f"/{min(unknown)}", "cannot be updated")
    if "metadata" in data:
        order.metadata = check_metadata(data["metadata"])
    order.users = data.get("users", order.users)
    return order


def requires_action(order: Order) -> bool:
    return bool(order.changes) and order.changes[-1]["action_taken"] is None


_SORTS: dict[str, Callable[[Order], Any]] = {
    "payment_required_by": lambda o: (o.payment_required_by is None, o.payment_required_by or 0.0),
    "total_amount": lambda o: o.total,
    "created_at": lambda o: o.created_at,
    "next_departure": lambda o: o.offer.itineraries[0].legs[0].departs,
}


def listed(world: World, request: web.Request) -> list[Order]:
    """Return the readable orders that pass every filter of the query, newest first unless a sort is asked for."""
    query = request.query
    tests: list[Test] = []
    if offer_id := query.get("offer_id"):
        tests.append(lambda o: o.offer.id == offer_id)
    if reference := query.get("booking_reference"):
        tests.append(lambda o: o.booking_reference == reference)
    if (awaiting := query.get("awaiting_payment")) is not None:
        tests.append(lambda o: o.awaiting_payment(world.now()) == (awaiting == "true"))
    if (action := query.get("requires_action")) is not None:
        tests.append(lambda o: requires_action(o) == (action == "true"))
    tests += _name_tests(request) + _range_tests(request)
    pool = list(world.orders.values()) if not offer_id else [o for o in [world.orders_of_offer.get(offer_id)] if o]
    found = [order for order in pool if order.readable and all(test(order) for test in tests)]
    return _sorted(found, query.get("sort", "-created_at"))


def _sorted(found: list[Order], sort: str) -> list[Order]:
    key = _SORTS.get(sort.removeprefix("-"))
    if key is None:
        raise errors.invalid("validation_inclusion", "/sort", f"must be one of {', '.join(_SORTS)}")
    return sorted(found, key=key, reverse=sort.startswith("-"))


def _name_tests(request: web.Request) -> list[Test]:
    tests: list[Test] = []
    if names := {name.lower() for name in request.query.getall("passenger_name[]", [])}:
        tests.append(lambda o: any({p["family_name"].lower(), p["given_name"].lower()} & names for p in o.passengers))
    if owners := set(request.query.getall("owner_id[]", [])):
        tests.append(lambda o: airline_json(o.offer.owner)["id"] in owners)
    if user := request.query.get("user_id"):
        tests.append(lambda o: user in o.users)
    return tests + [_touches(name, places) for name in ("origin", "destination") if (places := _ids(request, name))]


def _ids(request: web.Request, name: str) -> set[str]:
    return set(request.query.getall(f"{name}_id[]", []))


def _touches(name: str, places: set[str]) -> Test:
    return lambda order: any(piece[name]["id"] in places for piece in order.slices)


def _range_tests(request: web.Request) -> list[Test]:
    moments: dict[str, Callable[[Order], float]] = {
        "created_at": lambda o: o.created_at,
        "departing_at": lambda o: o.offer.itineraries[0].legs[0].departs.timestamp(),
        "arriving_at": lambda o: o.offer.itineraries[-1].legs[-1].arrives.timestamp(),
    }
    tests: list[Test] = []
    for name, moment in moments.items():
        after, before = (_limit(request, f"{name}[{end}]") for end in ("after", "before"))
        if after is not None or before is not None:
            tests.append(_within(moment, after, before))
    return tests


def _limit(request: web.Request, name: str) -> float | None:
    text = request.query.get(name)
    try:
        # a "+" of an offset that was not escaped arrives as a blank
        return datetime.fromisoformat(text.replace(" ", "+")).astimezone(UTC).timestamp() if text else None
    except ValueError:
        raise errors.invalid("validation_format", f"/{name}", "must be a time like 2030-05-01T00:00:00Z") from None


def _within(moment: Callable[[Order], float], after: float | None, before: float | None) -> Test:
    return lambda order: (after is None or moment(order) > after) and (before is None or moment(order) < before)
