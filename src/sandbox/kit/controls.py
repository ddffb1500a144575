"""The routes by which tests steer a sandbox and look behind its counter."""

from datetime import datetime
from typing import Any

from aiohttp import web

from sandbox.kit.clock import ClockWouldGoBackError, VirtualClock
from sandbox.kit.faults import FaultRuleError
from sandbox.kit.vendor import Sandbox


def controls(sandbox: Sandbox) -> list[web.RouteDef]:
    """Return the routes under /_sandbox that every vendor has."""

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"vendor": sandbox.vendor, "ok": True})

    async def read_clock(_: web.Request) -> web.Response:
        return web.json_response(_clock_view(sandbox.clock))

    async def move_clock(request: web.Request) -> web.Response:
        try:
            _move(sandbox.clock, await request.json())
        except (ClockWouldGoBackError, ValueError, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        sandbox.tick()
        return web.json_response(_clock_view(sandbox.clock))

    async def add_fault(request: web.Request) -> web.Response:
        try:
            fault = sandbox.faults.add(await request.json())
        except (FaultRuleError, TypeError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"route": fault.route, "action": fault.action}, status=201)

    async def list_faults(_: web.Request) -> web.Response:
        return web.json_response({"faults": sandbox.faults.report()})

    async def clear_faults(_: web.Request) -> web.Response:
        sandbox.faults.clear()
        return web.json_response({"faults": []})

    async def ledger(_: web.Request) -> web.Response:
        return web.json_response(sandbox.ledger())

    async def webhooks(_: web.Request) -> web.Response:
        return web.json_response(sandbox.webhooks.report())

    async def reset(_: web.Request) -> web.Response:
        sandbox.faults.clear()
        sandbox.webhooks.clear()
        sandbox.ids.rewind()
        sandbox.reset()
        return web.json_response({"reset": True})

    return [
        web.get("/_sandbox/health", health),
        web.get("/_sandbox/clock", read_clock),
        web.post("/_sandbox/clock", move_clock),
        web.get("/_sandbox/faults", list_faults),
        web.post("/_sandbox/faults", add_fault),
        web.delete("/_sandbox/faults", clear_faults),
        web.get("/_sandbox/ledger", ledger),
        web.get("/_sandbox/webhooks", webhooks),
        web.post("/_sandbox/reset", reset),
    ]


def _clock_view(clock: VirtualClock) -> dict[str, Any]:
    return {"now": clock.now(), "iso": clock.datetime().isoformat(), "rate": clock.rate}


def _move(clock: VirtualClock, wish: dict[str, Any]) -> None:
    if not set(wish) & {"advance", "set", "rate"}:
        raise ValueError("say advance (seconds), set (unix seconds or ISO 8601 with a zone) or rate")
    if "set" in wish:
        clock.set(_unix(wish["set"]))
    if "advance" in wish:
        clock.advance(float(wish["advance"]))
    if "rate" in wish:
        clock.set_rate(float(wish["rate"]))


def _unix(moment: float | str) -> float:
    if not isinstance(moment, str):
        return float(moment)
    parsed = datetime.fromisoformat(moment)
    if parsed.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return parsed.timestamp()
