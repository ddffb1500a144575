"""Builds the HTTP application around a vendor's routes: request ids, faults, time, and the /_sandbox controls."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from aiohttp import web

from sandbox.kit.controls import controls
from sandbox.kit.faults import Fault
from sandbox.kit.vendor import FAULT, REQUEST_ID, Handler, Sandbox

__all__ = ["LOOPBACK", "REQUEST_ID", "SANDBOX", "Handler", "Sandbox", "build_app", "run", "serve"]

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
CONTROL_PREFIX = "/_sandbox/"
# how whoever runs the application in its own process finds what is behind it
SANDBOX = web.AppKey("sandbox", Sandbox)
# how often time-driven work is looked at when no request comes in
TICK_SECONDS = 0.1


def build_app(
    sandbox: Sandbox, routes: Iterable[web.AbstractRouteDef], middlewares: Iterable[Any] = ()
) -> web.Application:
    """Return the application. `middlewares` (for instance idempotency) run inside the wire faults.

    They run outside the faults that are an answer of the vendor (`status`, `error_after`), so that a vendor which
    stores its failures under an idempotency key stores those too.
    """
    app = web.Application(
        middlewares=[_identify(sandbox), _wire_faults(sandbox), *middlewares, _answer_faults(sandbox)],
        client_max_size=32 * 1024 * 1024,
    )
    app[SANDBOX] = sandbox
    app.router.add_routes(routes)
    app.router.add_routes(controls(sandbox))
    app.cleanup_ctx.append(_background(sandbox))
    return app


def _background(sandbox: Sandbox) -> Callable[[web.Application], AsyncIterator[None]]:
    async def run(_: web.Application) -> AsyncIterator[None]:
        await sandbox.webhooks.start()
        ticking = asyncio.create_task(_keep_ticking(sandbox))
        yield
        ticking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ticking
        await sandbox.webhooks.stop()

    return run


async def _keep_ticking(sandbox: Sandbox) -> None:
    while True:
        try:
            sandbox.tick()
        except Exception:
            log.exception("work that had become due failed")
        await asyncio.sleep(TICK_SECONDS)


def _identify(sandbox: Sandbox) -> Any:
    @web.middleware
    async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
        make = sandbox.new_request_id or (lambda: sandbox.ids.new("req", 14))
        request[REQUEST_ID] = make()
        sandbox.tick()
        response = await handler(request)
        # setdefault: an answer replayed under an idempotency key keeps the id it was first given
        response.headers.setdefault(sandbox.request_id_header, request[REQUEST_ID])
        return response

    return identify


def _wire_faults(sandbox: Sandbox) -> Any:
    @web.middleware
    async def wire_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(CONTROL_PREFIX):
            return await handler(request)
        fault = sandbox.faults.match(request.method, request.path)
        if fault is None:
            return await handler(request)
        request[FAULT] = fault
        return await _misbehave(sandbox, fault, request, handler)

    return wire_faults


async def _misbehave(sandbox: Sandbox, fault: Fault, request: web.Request, handler: Handler) -> web.StreamResponse:
    match fault.action:
        case "rate_limit":
            return sandbox.rate_limited(request[REQUEST_ID])
        case "close_before":
            return _drop(request)
        case "close_after":
            await handler(request)
            return _drop(request)
        case "malformed":
            await handler(request)
            return web.Response(text='{"object": "trunc', content_type="application/json")
        case _:
            return await handler(request)


def _drop(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    # never reaches the client: the connection is gone
    return web.Response(status=500)


def _answer_faults(sandbox: Sandbox) -> Any:
    @web.middleware
    async def answer_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
        fault: Fault | None = request.get(FAULT)
        if fault is not None and fault.action == "status":
            return _forced(sandbox, fault, request)
        if fault is not None and fault.action == "slow":
            # in here an idempotency key is already taken, so a second call meets the first one in flight
            await asyncio.sleep(fault.seconds)
        response = await handler(request)
        if fault is not None and fault.action == "error_after":
            return _forced(sandbox, fault, request)
        return response

    return answer_faults


def _forced(sandbox: Sandbox, fault: Fault, request: web.Request) -> web.Response:
    if fault.body is None:
        response = sandbox.error(fault.status, fault.code, request[REQUEST_ID])
    else:
        response = web.json_response(fault.body, status=fault.status)
    response.headers.update(fault.headers)
    return response


async def serve(app: web.Application, host: str = LOOPBACK, port: int = 0) -> tuple[web.AppRunner, int]:
    """Start listening and return the runner (call its cleanup() to stop) and the real port."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner, runner.addresses[0][1]


async def run(app: web.Application, *, vendor: str, host: str = LOOPBACK, port: int = 0) -> None:
    """Serve until cancelled, after printing one JSON line that says where."""
    runner, real_port = await serve(app, host, port)
    print(json.dumps({"ready": True, "vendor": vendor, "port": real_port}), flush=True)  # noqa: T201  # read by whoever started us
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
