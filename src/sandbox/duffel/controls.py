"""The switches under /_sandbox that only this vendor has, and its ledger."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from aiohttp import web

from sandbox.duffel import aftercare, errors, hooks, money
from sandbox.duffel.clockwork import stamp, stamp_or_none
from sandbox.duffel.world import Order, OrderMode, World

Worlds = Callable[[], World]


def ledger_row(order: Order, now: float, refund_to: str | None = None) -> dict[str, Any]:
    """Return one booking as the airline sees it; money as decimal strings. `ticketed` waits for late documents."""
    return {
        "id": order.id,
        "offer_id": order.offer.id,
        "booking_reference": order.booking_reference,
        "type": order.type,
        "status": _status(order, now),
        "total_amount": str(order.total),
        "currency": order.currency,
        "passengers": len(order.passengers),
        "tickets": len(order.documents(now)),
        "paid": str(order.total if order.paid_at is not None else order.total * 0),
        "paid_at": stamp_or_none(order.paid_at),
        "ticketed": order.paid_at is not None and bool(order.documents(now)),
        "lapsed": order.lapsed(now),
        "cancelled_at": stamp_or_none(order.cancelled_at),
        "refunded": str(order.refunded or order.total * 0),
        "refund_to": refund_to,
        "metadata": order.metadata,
        "created_at": stamp(order.created_at),
    }


def _status(order: Order, now: float) -> str:
    if not order.booked:
        return "pending"
    if order.cancelled_at is not None:
        return "cancelled"
    if order.paid_at is not None:
        return "ticketed"
    return "lapsed" if order.lapsed(now) else "held"


def routes(world: Worlds) -> list[web.RouteDef]:
    """Return the control routes. Bad wishes are answered 400 with the reason."""

    def control(change: Callable[[World, dict[str, Any]], dict[str, Any]]) -> Any:
        async def handle(request: web.Request) -> web.Response:
            try:
                wish = await request.json() if request.can_read_body else {}
                return web.json_response(change(world(), wish))
            except (KeyError, ValueError, TypeError, ArithmeticError) as error:
                return web.json_response({"error": repr(error)}, status=400)

        return handle

    async def change_order(request: web.Request) -> web.Response:
        order = world().orders.get(request.match_info["id"])
        if order is None:
            return web.json_response({"error": "no such order"}, status=404)
        wish = await request.json() if request.can_read_body else {}
        if order.cancelled_at is not None or order.lapsed(world().now()):
            return web.json_response({"error": "the order is over"}, status=409)
        change = aftercare.plant_change(world(), order, int(wish.get("shift_minutes", 90)))
        return web.json_response(change, status=201)

    async def move_price(request: web.Request) -> web.Response:
        """Let the airline ask another price for a held order once its guarantee has run out: {"factor": "1.1"}."""
        order = world().orders.get(request.match_info["id"])
        if order is None:
            return web.json_response({"error": "no such order"}, status=404)
        order.price_factor = Decimal(str((await request.json())["factor"]))
        return web.json_response({"factor": str(order.price_factor)})

    return [
        web.post("/_sandbox/orders/{id}/price", move_price),
        web.post("/_sandbox/account", control(_account)),
        web.post("/_sandbox/limits", control(_limits)),
        web.post("/_sandbox/orders_mode", control(_orders_mode)),
        web.post("/_sandbox/payments_mode", control(_payments_mode)),
        web.post("/_sandbox/webhook", control(_webhook)),
        web.post("/_sandbox/late_documents", control(_late_documents)),
        web.post("/_sandbox/orders/{id}/airline_change", change_order),
    ]


def _account(world: World, wish: dict[str, Any]) -> dict[str, Any]:
    currency = wish.get("currency", world.currency)
    if currency not in money.PER_USD:
        raise ValueError(f"the sandbox bills in {sorted(money.PER_USD)}")
    if "balance" in wish:
        balance = None if wish["balance"] is None else money.parsed(str(wish["balance"]))
        if balance is None and wish["balance"] is not None:
            raise ValueError("balance is a decimal string, or null for a bottomless one")
        world.balance = balance
    world.currency = currency
    world.test_airline = bool(wish.get("test_airline", world.test_airline))
    world.price_change_rate = float(wish.get("price_change_rate", world.price_change_rate))
    return {"currency": currency, "balance": None if world.balance is None else str(world.balance)}


def _limits(world: World, wish: dict[str, Any]) -> dict[str, Any]:
    world.offers_per_minute = int(wish.get("offer_requests_per_minute", world.offers_per_minute))
    world.calls_per_minute = int(wish.get("calls_per_minute", world.calls_per_minute))
    return {"offer_requests_per_minute": world.offers_per_minute, "calls_per_minute": world.calls_per_minute}


def _orders_mode(world: World, wish: dict[str, Any]) -> dict[str, Any]:
    mode = int(wish.get("mode", world.mode.mode))
    if mode not in {200, 201, 202}:
        raise ValueError("mode is 200, 201 or 202")
    world.mode = OrderMode(mode, float(wish.get("settle_seconds", 60)), bool(wish.get("fail", False)))
    world.test_airline = bool(wish.get("test_airline", world.test_airline))
    world.price_change_rate = float(wish.get("price_change_rate", world.price_change_rate))
    return {
        "mode": str(mode),
        "settle_seconds": world.mode.settle_seconds,
        "fail": world.mode.fail,
        "price_change_rate": world.price_change_rate,
    }


def _payments_mode(world: World, wish: dict[str, Any]) -> dict[str, Any]:
    """Answer payments of holds 201, 200 (paid, but not shown) or 202 (taken, or not, after `settle_seconds`)."""
    mode = int(wish.get("mode", world.payments_mode.mode))
    if mode not in {200, 201, 202}:
        raise ValueError("mode is 200, 201 or 202")
    world.payments_mode = OrderMode(mode, float(wish.get("settle_seconds", 60)), bool(wish.get("fail", False)))
    return {"mode": mode, "settle_seconds": world.payments_mode.settle_seconds, "fail": world.payments_mode.fail}


def _webhook(world: World, wish: dict[str, Any]) -> dict[str, Any]:
    """Register the endpoint with a secret the receiver knows beforehand, in place of any other one.

    Duffel makes the secret itself and shows it once. {"url": "http://127.0.0.1:1/hook", "secret": "s"}, `events` optional.
    """
    try:
        return hooks.install(world, str(wish["url"]), str(wish["secret"]), wish.get("events"))
    except errors.DuffelError as error:
        raise ValueError(str(error)) from error


def _late_documents(world: World, wish: dict[str, Any]) -> dict[str, Any]:
    """Let tickets of an airline arrive `seconds` (virtual) after payment: {"airline": "BA", "seconds": 3600}."""
    world.late_documents[str(wish["airline"])] = float(wish["seconds"])
    return dict(world.late_documents)
