"""Duffel's paths. Each handler reads, calls one operation, and answers."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web

from sandbox.duffel import aftercare, errors, hooks, offers, order_views, ordering, paying, searching
from sandbox.duffel.guard import answer, data_of, page
from sandbox.duffel.places import suggestions, suggestions_near
from sandbox.duffel.reference import catalogue
from sandbox.duffel.rendering import offer_json, request_json
from sandbox.duffel.world import Offer, World
from sandbox.kit.webhooks import WebhookQueue

Worlds = Callable[[], World]


def _id(one: dict[str, Any]) -> str:
    return str(one["id"])


def _listed(request: web.Request, found: list[dict[str, Any]]) -> web.Response:
    shown, meta = page(request, found, _id)
    return answer(shown, meta=meta)


def air(world: Worlds) -> list[web.RouteDef]:
    """Return the routes for searching, booking and everything after."""
    return [*_search_routes(world), *_order_routes(world), *_after_routes(world), *_reference_routes()]


def _search_routes(world: Worlds) -> list[web.RouteDef]:
    async def create(request: web.Request) -> web.Response:
        found = searching.create(world(), await data_of(request))
        with_offers = request.query.get("return_offers", "true") != "false"
        return answer(request_json(found, with_offers=with_offers), HTTPStatus.CREATED)

    async def read(request: web.Request) -> web.Response:
        found = world().requests.get(request.match_info["id"])
        if found is None:
            raise errors.not_found("offer request")
        return answer(request_json(found, with_offers=True))

    async def list_requests(request: web.Request) -> web.Response:
        shown, meta = page(request, list(world().requests.values()), lambda one: one.id)
        return answer([request_json(one, with_offers=False) for one in shown], meta=meta)

    async def list_offers(request: web.Request) -> web.Response:
        shown, meta = page(request, _offers_of(world(), request), lambda one: one.id)
        return answer([offer_json(one) for one in shown], meta=meta)

    async def read_offer(request: web.Request) -> web.Response:
        services = request.query.get("return_available_services") == "true"
        return answer(offers.reread(world(), request.match_info["id"], services=services))

    async def price_offer(request: web.Request) -> web.Response:
        shown = offers.reread(world(), request.match_info["id"], services=True)
        return answer(
            shown | {"intended_payment_methods": (await data_of(request)).get("intended_payment_methods", [])}
        )

    async def loyalty(request: web.Request) -> web.Response:
        ids = request.match_info
        return answer(offers.set_loyalty(world(), ids["id"], ids["passenger"], await data_of(request)))

    return [
        web.post("/air/offer_requests", create),
        web.get("/air/offer_requests", list_requests),
        web.get("/air/offer_requests/{id}", read),
        web.get("/air/offers", list_offers),
        web.get("/air/offers/{id}", read_offer),
        web.post("/air/offers/{id}/actions/price", price_offer),
        web.patch("/air/offers/{id}/passengers/{passenger}", loyalty),
    ]


def _offers_of(world: World, request: web.Request) -> list[Offer]:
    """Return a search's offers by id, or as sorted; journeys with more changes than asked for are hidden."""
    wanted = request.query.get("offer_request_id")
    if not wanted:
        raise errors.DuffelError(HTTPStatus.UNPROCESSABLE_ENTITY, errors.required("/offer_request_id"))
    if wanted not in world.requests:
        raise errors.linked_not_found("/offer_request_id")
    most = request.query.get("max_connections", "1")
    if not most.isdigit():
        raise errors.invalid("validation_format", "/max_connections", "must be a number from 0")
    found = [o for o in world.requests[wanted].offers if all(len(i.legs) <= int(most) + 1 for i in o.itineraries)]
    sort = request.query.get("sort", "id")
    keys: dict[str, Callable[[Offer], Any]] = {
        "id": lambda o: o.id,
        "total_amount": lambda o: (o.total, o.id),
        "total_duration": lambda o: (sum(i.minutes for i in o.itineraries), o.id),
    }
    if (key := keys.get(sort.removeprefix("-"))) is None:
        raise errors.invalid("validation_inclusion", "/sort", "must be total_amount or total_duration")
    return sorted(found, key=key, reverse=sort.startswith("-"))


def _order_routes(world: Worlds) -> list[web.RouteDef]:
    async def create(request: web.Request) -> web.Response:
        status, order = ordering.create(world(), await data_of(request))
        if order.readable:
            return answer(order_views.order_json(world(), order), status)
        # what these answers hold is not documented; the offer id is all a client can rely on
        return answer({"offer_id": order.offer.id}, status)

    async def read(request: web.Request) -> web.Response:
        order = order_views.find(world(), request.match_info["id"])
        paying.current_price(world(), order)
        return answer(order_views.order_json(world(), order))

    async def list_orders(request: web.Request) -> web.Response:
        shown, meta = page(request, order_views.listed(world(), request), lambda one: one.id)
        return answer([order_views.order_json(world(), one) for one in shown], meta=meta)

    async def update(request: web.Request) -> web.Response:
        order = order_views.update(world(), request.match_info["id"], await data_of(request))
        return answer(order_views.order_json(world(), order))

    async def services(request: web.Request) -> web.Response:
        order_views.find(world(), request.match_info["id"])
        raise errors.airline_error(
            HTTPStatus.BAD_REQUEST, "unsupported_action", "Extras after booking are not sold.", "airline"
        )

    return [
        web.post("/air/orders", create),
        web.get("/air/orders", list_orders),
        web.get("/air/orders/{id}", read),
        web.patch("/air/orders/{id}", update),
        web.post("/air/orders/{id}/actions/price", read),
        web.get("/air/orders/{id}/available_services", services),
        web.post("/air/orders/{id}/services", services),
    ]


def _after_routes(world: Worlds) -> list[web.RouteDef]:
    async def pay(request: web.Request) -> web.Response:
        status, payment = paying.pay(world(), await data_of(request))
        return answer(payment, status)

    async def read_payment(request: web.Request) -> web.Response:
        return answer(_found(world().payments, request, "payment"))

    async def list_payments(request: web.Request) -> web.Response:
        wanted = request.query.get("order_id")
        return _listed(request, [p for p in world().payments.values() if wanted in {None, p["order_id"]}])

    async def quote(request: web.Request) -> web.Response:
        return answer(aftercare.quote_cancellation(world(), await data_of(request)), HTTPStatus.CREATED)

    async def confirm(request: web.Request) -> web.Response:
        return answer(aftercare.confirm_cancellation(world(), request.match_info["id"]))

    async def read_quote(request: web.Request) -> web.Response:
        return answer(_found(world().cancellations, request, "order cancellation"))

    async def list_quotes(request: web.Request) -> web.Response:
        wanted = request.query.get("order_id")
        return _listed(request, [c for c in world().cancellations.values() if wanted in {None, c["order_id"]}])

    async def list_changes(request: web.Request) -> web.Response:
        return _listed(request, aftercare.list_changes(world(), request.query.get("order_id")))

    async def accept(request: web.Request) -> web.Response:
        return answer(aftercare.act_on_change(world(), request.match_info["id"], "accepted"))

    async def record(request: web.Request) -> web.Response:
        action = str((await data_of(request)).get("action_taken"))
        return answer(aftercare.act_on_change(world(), request.match_info["id"], action))

    return [
        web.post("/air/payments", pay),
        web.get("/air/payments", list_payments),
        web.get("/air/payments/{id}", read_payment),
        web.post("/air/order_cancellations", quote),
        web.get("/air/order_cancellations", list_quotes),
        web.get("/air/order_cancellations/{id}", read_quote),
        web.post("/air/order_cancellations/{id}/actions/confirm", confirm),
        web.get("/air/airline_initiated_changes", list_changes),
        web.patch("/air/airline_initiated_changes/{id}", record),
        web.post("/air/airline_initiated_changes/{id}/actions/accept", accept),
    ]


def _found(records: dict[str, dict[str, Any]], request: web.Request, what: str) -> dict[str, Any]:
    record = records.get(request.match_info["id"])
    if record is None:
        raise errors.not_found(what)
    return record


def _reference_routes() -> list[web.RouteDef]:
    def pair(kind: str) -> list[web.RouteDef]:
        async def list_all(request: web.Request) -> web.Response:
            code = request.query.get("iata_code") or request.query.get("iata_country_code")
            field = "iata_code" if "iata_code" in request.query else "iata_country_code"
            return _listed(request, [r for r in catalogue(kind).values() if code is None or r.get(field) == code])

        async def read(request: web.Request) -> web.Response:
            return answer(_found(catalogue(kind), request, kind))

        return [web.get(f"/air/{kind}", list_all), web.get(f"/air/{kind}/{{id}}", read)]

    async def suggest(request: web.Request) -> web.Response:
        query = request.query
        if "lat" in query:
            try:
                point = float(query["lat"]), float(query.get("lng", "")), float(query.get("rad", "100000"))
            except ValueError:
                raise errors.invalid("validation_format", "/lat", "lat, lng and rad are numbers") from None
            return answer(suggestions_near(*point))
        return answer(suggestions(query.get("query") or query.get("name", "")))

    kinds = ("airlines", "airports", "cities", "aircraft")
    return [route for kind in kinds for route in pair(kind)] + [web.get("/places/suggestions", suggest)]


def webhook_routes(world: Worlds, queue: WebhookQueue) -> list[web.RouteDef]:
    """Return the routes for webhook endpoints and their events."""

    async def create(request: web.Request) -> web.Response:
        return answer(hooks.create(world(), await data_of(request)), HTTPStatus.CREATED)

    async def list_endpoints(request: web.Request) -> web.Response:
        return _listed(request, [hooks.shown(one) for one in world().endpoints.values()])

    async def read(request: web.Request) -> web.Response:
        return answer(hooks.shown(hooks.find(world(), request.match_info["id"])))

    async def update(request: web.Request) -> web.Response:
        return answer(hooks.shown(hooks.update(world(), request.match_info["id"], await data_of(request))))

    async def delete(request: web.Request) -> web.Response:
        del world().endpoints[hooks.find(world(), request.match_info["id"])["id"]]
        return web.Response(status=204)

    async def ping(request: web.Request) -> web.Response:
        return await hooks.ping(world(), request.match_info["id"])

    async def events(request: web.Request) -> web.Response:
        return _listed(request, list(world().events.values()))

    async def read_event(request: web.Request) -> web.Response:
        return answer(_found(world().events, request, "webhook event"))

    async def redeliver(request: web.Request) -> web.Response:
        hooks.deliver(world(), queue, _found(world().events, request, "webhook event"))
        return web.Response(status=204)

    return [
        web.post("/air/webhooks", create),
        web.get("/air/webhooks", list_endpoints),
        web.get("/air/webhooks/events", events),
        web.get("/air/webhooks/events/{id}", read_event),
        web.post("/air/webhooks/events/{id}/actions/redeliver", redeliver),
        web.get("/air/webhooks/{id}", read),
        web.patch("/air/webhooks/{id}", update),
        web.delete("/air/webhooks/{id}", delete),
        web.post("/air/webhooks/{id}/actions/ping", ping),
    ]
