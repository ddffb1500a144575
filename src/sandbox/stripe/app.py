"""The Stripe sandbox as an HTTP application."""

import base64
import binascii
import json
import logging
from collections.abc import Callable
from typing import Any

from aiohttp import web

from sandbox.kit.clock import VirtualClock
from sandbox.kit.faults import FaultBook
from sandbox.kit.ids import IdSource
from sandbox.kit.server import REQUEST_ID, Handler, Sandbox, build_app
from sandbox.kit.webhooks import WebhookQueue
from sandbox.stripe import API_VERSION, controls, events, forms, ledger
from sandbox.stripe.errors import JSON, StripeError
from sandbox.stripe.idempotency import BEGAN, KeyBook
from sandbox.stripe.routes import ROUTES, Route
from sandbox.stripe.store import Call, Store

PARAMETERS = web.RequestKey("parameters", dict[str, Any])
PREFIX = "/v1/"
log = logging.getLogger(__name__)


def create_app(*, seed: int = 1, clock: VirtualClock | None = None) -> web.Application:
    """Return a fresh account behind Stripe's HTTP interface; ids follow from the seed."""
    time = clock or VirtualClock()
    ids, faults = IdSource(f"stripe/{seed}"), FaultBook()
    store = Store(time, ids)
    queue = WebhookQueue(clock=time, faults=faults, sign=events.sign, on_state=store.delivered)
    store.webhooks = queue
    keys = KeyBook(time)

    def reset() -> None:
        store.clear()
        keys.clear()

    sandbox = Sandbox(
        vendor="stripe",
        clock=time,
        ids=ids,
        faults=faults,
        webhooks=queue,
        request_id_header="Request-Id",
        error=_plain_error,
        rate_limited=_rate_limited,
        ledger=lambda: ledger.read(store),
        reset=reset,
        tick=store.tick,
        # apart from object ids, so that reading does not shift what writing will be called
        new_request_id=_request_ids(seed),
    )
    served = [web.route(route.method, route.path, _serving(store, route)) for route in ROUTES]
    served += controls.routes(store, _answer)
    return build_app(sandbox, served, [_envelope, _gate(keys)])


def _request_ids(seed: int) -> Callable[[], str]:
    source = IdSource(f"stripe/{seed}/requests")
    return lambda: source.new("req", 14)


def _answer(body: JSON, status: int = 200) -> web.Response:
    return web.Response(text=json.dumps(body), status=status, content_type="application/json")


def _failure(error: StripeError, request_id: str) -> web.Response:
    response = _answer(error.body(request_id), error.status)
    response[BEGAN] = error.began
    return response


def _plain_error(status: int, code: str, request_id: str) -> web.Response:
    kind = "api_error" if status >= 500 else "card_error" if status == 402 else "invalid_request_error"  # noqa: PLR2004  # HTTP statuses
    return _answer(
        StripeError(status, kind=kind, code=code or None, message="Ordered failure.").body(request_id), status
    )


def _rate_limited(request_id: str) -> web.Response:
    response = _plain_error(429, "rate_limit", request_id)
    response.headers["Stripe-Rate-Limited-Reason"] = "endpoint-rate"
    return response


@web.middleware
async def _envelope(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Word every failure as Stripe does, whatever layer it comes from."""
    try:
        response = await handler(request)
    except StripeError as error:
        response = _failure(error, request[REQUEST_ID])
    except web.HTTPException as error:
        what = f"Unrecognized request URL ({request.method}: {request.path})."
        response = _plain_error(error.status, "", request[REQUEST_ID])
        if error.status == web.HTTPNotFound.status_code:
            response = _failure(StripeError(404, message=what), request[REQUEST_ID])
    response.headers["Stripe-Version"] = request.headers.get("Stripe-Version", API_VERSION)
    if "Idempotency-Key" in request.headers:
        response.headers["Idempotency-Key"] = request.headers["Idempotency-Key"]
    return response


def _gate(keys: KeyBook) -> Any:
    @web.middleware
    async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(PREFIX):
            return await handler(request)
        _authorise(request)
        body = forms.parse(await request.text())
        request[PARAMETERS] = {**forms.parse(request.query_string), **body}
        return await keys.serve(request, request[PARAMETERS], handler)

    return gate


def _authorise(request: web.Request) -> None:
    key = _api_key(request.headers.get("Authorization", ""))
    if not key:
        raise StripeError(401, message="You did not provide an API key.")
    if not key.startswith("sk_test_") or len(key) <= len("sk_test_"):
        raise StripeError(401, message=f"Invalid API Key provided: {key[:8]}****")


def _api_key(header: str) -> str:
    scheme, _, value = header.partition(" ")
    if scheme == "Bearer":
        return value.strip()
    if scheme == "Basic":
        try:
            return base64.b64decode(value).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def _serving(store: Store, route: Route) -> Handler:
    async def serve(request: web.Request) -> web.StreamResponse:
        try:
            return _answer(_run(store, route, request))
        except StripeError as error:
            return _failure(error, request[REQUEST_ID])
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            return _plain_error(500, "", request[REQUEST_ID])

    return serve


def _run(store: Store, route: Route, request: web.Request) -> JSON:
    params = route.takes.read(request[PARAMETERS])
    expand = params.pop("expand", [])
    store.call = Call(request[REQUEST_ID], request.headers.get("Idempotency-Key"))
    names = dict(request.match_info)
    found = route.serve(store, params, **names) if route.passes_params else route.serve(store, **names)
    return store.render(found, expand)
