"""Stripe's rules for `Idempotency-Key`: the first answer is kept for a day and replayed to the same request."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox.kit.clock import VirtualClock
from sandbox.kit.server import REQUEST_ID, Handler
from sandbox.stripe.errors import StripeError

KEEP_SECONDS = 86_400
MAX_KEY_LENGTH = 255
# answers with these statuses are never kept: the endpoint had not begun its work
NEVER_KEPT = frozenset({401, 409, 429})
# set on a response to False when parameters were refused before the work began
BEGAN = web.ResponseKey("began", bool)


@dataclass(frozen=True)
class Kept:
    """An answer under its key. `at` is virtual unix seconds."""

    at: float
    fingerprint: tuple[str, str, Any]
    status: int
    body: bytes
    request_id: str


class KeyBook:
    """The keys of one account."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._kept: dict[str, Kept] = {}
        self._running: set[str] = set()

    async def serve(self, request: web.Request, parameters: Any, handler: Handler) -> web.StreamResponse:
        """Replay the kept answer or get one from the handler. Raises StripeError for a misused or busy key."""
        key = request.headers.get("Idempotency-Key", "")
        if request.method != "POST" or not key:
            return await handler(request)
        if len(key) > MAX_KEY_LENGTH:
            raise StripeError(400, kind="idempotency_error", message="The key is too long.", began=False)
        self._prune()
        fingerprint = (request.method, request.path, parameters)
        if (kept := self._kept.get(key)) is not None:
            return _replay(kept, key, fingerprint)
        if key in self._running:
            raise StripeError(
                409,
                code="idempotency_key_in_use",
                message="Another request with this Idempotency-Key is still running.",
            )
        self._running.add(key)
        try:
            response = await handler(request)
        finally:
            self._running.discard(key)
        self._keep(key, fingerprint, request, response)
        return response

    def _keep(
        self, key: str, fingerprint: tuple[str, str, Any], request: web.Request, response: web.StreamResponse
    ) -> None:
        if response.status in NEVER_KEPT or response.get(BEGAN) is False or not isinstance(response, web.Response):
            return
        body = response.body if isinstance(response.body, bytes) else b""
        self._kept[key] = Kept(self._clock.now(), fingerprint, response.status, body, request[REQUEST_ID])

    def _prune(self) -> None:
        oldest = self._clock.now() - KEEP_SECONDS
        # keys are in order of age, so this stops at the first young one
        while self._kept and next(iter(self._kept.values())).at <= oldest:
            del self._kept[next(iter(self._kept))]

    def clear(self) -> None:
        self._kept.clear()


def _replay(kept: Kept, key: str, fingerprint: tuple[str, str, Any]) -> web.Response:
    if kept.fingerprint != fingerprint:
        raise StripeError(
            400,
            kind="idempotency_error",
            message="Keys for idempotent requests can only be used with the parameters and endpoint of the first one.",
            began=False,
        )
    headers = {"Idempotent-Replayed": "true", "Original-Request": kept.request_id, "Idempotency-Key": key}
    return web.Response(status=kept.status, body=kept.body, content_type="application/json", headers=headers)
