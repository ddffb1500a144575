"""Webhook endpoints, signatures and events: payloads carry ids only, the receiver fetches the rest."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from sandbox.duffel import errors
from sandbox.duffel.clockwork import stamp
from sandbox.duffel.world import World
from sandbox.kit.webhooks import WebhookQueue, WebhookTarget

EVENT_TYPES = (
    "order.created", "order.creation_failed", "payment.created", "order.airline_initiated_change_detected",
    "order_cancellation.created", "order_cancellation.confirmed", "ping.triggered", "order.updated",
)  # fmt: skip
LOOPBACKS = frozenset({"127.0.0.1", "localhost", "::1"})
PING_TIMEOUT_SECONDS = 10


def sign(body: bytes, target: WebhookTarget, at: int) -> Mapping[str, str]:
    """Return the signature header: HMAC-SHA256 over "t.body" with the secret's bytes as they are written."""
    digest = hmac.new(target.secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Duffel-Signature": f"t={at},v1={digest}"}


def create(world: World, data: dict[str, Any]) -> dict[str, Any]:
    """Register the one endpoint of this mode. The answer is the only one that shows the secret."""
    problems = [errors.required(f"/{name}") for name in ("url", "events") if not data.get(name)]
    if problems:
        raise errors.DuffelError(422, *problems)
    _check_url(str(data["url"]))
    _check_events(data["events"])
    if world.endpoints:
        raise errors.invalid("unsafe_unique", "/live_mode", "A webhook endpoint for this mode already exists")
    return _registered(world, str(data["url"]), list(data["events"]), world.ids.letters(43) + "=")


def install(world: World, url: str, secret: str, events: list[str] | None) -> dict[str, Any]:
    """Register an endpoint with a given secret, for every event unless some are named; any other one is dropped."""
    _check_url(url)
    _check_events(events or [])
    if not secret:
        raise ValueError("a secret cannot be empty")
    world.endpoints.clear()
    return _registered(world, url, events or list(EVENT_TYPES), secret)


def _registered(world: World, url: str, events: list[str], secret: str) -> dict[str, Any]:
    now = stamp(world.now())
    endpoint: dict[str, Any] = {
        "id": world.ids.new("end", 22),
        "live_mode": False,
        "created_at": now,
        "updated_at": now,
        "url": url,
        "active": True,
        "events": events,
        "secret": secret,
    }
    world.endpoints[endpoint["id"]] = endpoint
    return endpoint


def _check_url(url: str) -> None:
    """Duffel takes https only; plain http is let through for loopback addresses, where this sandbox lives."""
    parts = urlsplit(url)
    if not parts.hostname or (parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACKS)):
        raise errors.invalid("validation_format", "/url", "must be an https address")


def _check_events(events: Any) -> None:
    if not isinstance(events, list) or not set(events) <= set(EVENT_TYPES):
        raise errors.invalid("validation_inclusion", "/events", "has an unknown event type")


def find(world: World, endpoint_id: str) -> dict[str, Any]:
    endpoint = world.endpoints.get(endpoint_id)
    if endpoint is None:
        raise errors.not_found("webhook")
    return endpoint


def shown(endpoint: dict[str, Any]) -> dict[str, Any]:
    """Return the endpoint without its secret."""
    return endpoint | {"secret": None}


def update(world: World, endpoint_id: str, data: dict[str, Any]) -> dict[str, Any]:
    """Change the address, the events or whether the endpoint is active."""
    endpoint = find(world, endpoint_id)
    if "url" in data:
        _check_url(str(data["url"]))
    if "events" in data:
        _check_events(data["events"])
    endpoint |= {name: data[name] for name in ("url", "events", "active") if name in data}
    endpoint["updated_at"] = stamp(world.now())
    return endpoint


def make_event(world: World, kind: str, key: str, thing: dict[str, Any]) -> dict[str, Any]:
    """Record an event and return it."""
    event: dict[str, Any] = {
        "id": world.ids.new("wev", 22),
        "type": kind,
        "api_version": "v2",
        "live_mode": False,
        "created_at": stamp(world.now()),
        "idempotency_key": key,
        "identity_organisation_id": "org_0000Sandbox",
        "data": {"object": thing},
    }
    world.events[event["id"]] = event
    return event


def deliver(world: World, queue: WebhookQueue, event: dict[str, Any]) -> None:
    """Queue an event for the endpoint, if there is an active one that asked for its type."""
    body = json.dumps(event, separators=(",", ":")).encode()
    for endpoint in world.endpoints.values():
        if endpoint["active"] and event["type"] in endpoint["events"]:
            target = WebhookTarget(endpoint["id"], endpoint["url"], endpoint["secret"])
            queue.publish(event_id=event["id"], event_type=event["type"], body=body, target=target)


async def ping(world: World, endpoint_id: str) -> web.Response:
    """Send a ping now. Raises webhook_client_error when the receiver does not answer with a success."""
    endpoint = find(world, endpoint_id)
    event = make_event(world, "ping.triggered", endpoint_id, {})
    body = json.dumps(event).encode()
    target = WebhookTarget(endpoint["id"], endpoint["url"], endpoint["secret"])
    headers = {"Content-Type": "application/json", **sign(body, target, int(world.now()))}
    timeout = aiohttp.ClientTimeout(total=PING_TIMEOUT_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(target.url, data=body, headers=headers) as answer,
        ):
            received = 200 <= answer.status < 300  # noqa: PLR2004  # the success range of HTTP
    except (aiohttp.ClientError, TimeoutError):
        received = False
    if not received:
        raise errors.state_error("webhook_client_error", "Webhook failed to receive event")
    return web.Response(status=204)
