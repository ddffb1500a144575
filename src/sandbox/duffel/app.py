"""Puts the Duffel sandbox together; `create_app` is its door."""

from typing import Any

from aiohttp import web

from sandbox.duffel import controls, errors, guard, hooks, ordering, paying, routes
from sandbox.duffel.prices import Prices
from sandbox.duffel.world import Order, World
from sandbox.kit.clock import VirtualClock
from sandbox.kit.faults import FaultBook
from sandbox.kit.ids import IdSource
from sandbox.kit.server import Sandbox, build_app
from sandbox.kit.webhooks import WebhookQueue


class Duffel:
    """Holds the present world, which a reset replaces, and what outlives it: clock, faults and webhook sender."""

    def __init__(self, seed: int, clock: VirtualClock) -> None:
        self.seed, self.clock = seed, clock
        self.ids, self.faults = IdSource(f"duffel-{seed}"), FaultBook()
        self.webhooks = WebhookQueue(clock=clock, faults=self.faults, sign=hooks.sign)
        self.prices = Prices(seed)
        # request ids come from their own source, so that reading more often does not shift the ids of what is booked
        self.request_ids = IdSource(f"duffel-requests-{seed}")
        self.world = self._fresh()

    def _fresh(self) -> World:
        return World(seed=self.seed, clock=self.clock, ids=self.ids, prices=self.prices, emit=self.emit)

    def emit(self, kind: str, key: str, thing: dict[str, Any]) -> None:
        hooks.deliver(self.world, self.webhooks, hooks.make_event(self.world, kind, key, thing))

    def reset(self) -> None:
        self.world = self._fresh()

    def tick(self) -> None:
        if self.world.unsettled:
            ordering.settle(self.world)
        if self.world.unsettled_payments:
            paying.settle_payments(self.world)

    def _refund_to(self, order: Order) -> str | None:
        quoted = order.cancellation if order.cancelled_at is not None else None
        return str(self.world.cancellations[quoted]["refund_to"]) if quoted else None

    def ledger(self) -> dict[str, Any]:
        """Return what the airline and the wallet know, for checking a client against."""
        world, now = self.world, self.world.now()
        return {
            "orders": [controls.ledger_row(order, now, self._refund_to(order)) for order in world.orders.values()],
            "balance_spent": {currency: str(amount) for currency, amount in sorted(world.spent.items())},
            "balance": None if world.balance is None else str(world.balance),
            "searches": world.searches,
        }


def create_app(seed: int = 1, clock: VirtualClock | None = None) -> web.Application:
    """Return the application: Duffel's API at its own paths, and the controls under /_sandbox."""
    duffel = Duffel(seed, clock or VirtualClock())
    meter = guard.Meter(lambda: duffel.world)

    def rate_limited(request_id: str) -> web.Response:
        response = errors.response(429, (errors.FORCED[429],), request_id)
        response.headers.update(meter.exhausted())
        return response

    sandbox = Sandbox(
        vendor="duffel",
        clock=duffel.clock,
        ids=duffel.ids,
        faults=duffel.faults,
        webhooks=duffel.webhooks,
        request_id_header="x-request-id",
        error=errors.forced,
        rate_limited=rate_limited,
        ledger=duffel.ledger,
        reset=duffel.reset,
        tick=duffel.tick,
        new_request_id=lambda: duffel.request_ids.letters(20),
    )

    def world() -> World:
        return duffel.world

    api = [*routes.air(world), *routes.webhook_routes(world, duffel.webhooks)]
    # the official Node client ends some of its paths with a slash
    slashed = [web.RouteDef(route.method, route.path + "/", route.handler, route.kwargs) for route in api]
    return build_app(sandbox, [*api, *slashed, *controls.routes(world)], [guard.middleware(meter)])
