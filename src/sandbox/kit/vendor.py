"""What a vendor hands to the kit, and what travels on a request."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from sandbox.kit.clock import VirtualClock
from sandbox.kit.faults import Fault, FaultBook
from sandbox.kit.ids import IdSource
from sandbox.kit.webhooks import WebhookQueue

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REQUEST_ID = web.RequestKey("request_id", str)
FAULT = web.RequestKey("fault", Fault)


def _nothing() -> None:
    return None


@dataclass(kw_only=True)
class Sandbox:
    """Everything the kit has to know about one vendor.

    `error(status, code, request_id)` words an error in the vendor's envelope; `rate_limited(request_id)` is its 429
    with the vendor's headers. `tick` runs whatever has become due on the clock: before each request and regularly.
    """

    vendor: str
    clock: VirtualClock
    ids: IdSource
    faults: FaultBook
    webhooks: WebhookQueue
    request_id_header: str
    error: Callable[[int, str, str], web.Response]
    rate_limited: Callable[[str], web.Response]
    ledger: Callable[[], Any]
    reset: Callable[[], None]
    tick: Callable[[], None] = field(default=_nothing)
    new_request_id: Callable[[], str] | None = None
