"""What every call passes: credentials, version, rate limits, error envelopes and compression."""

import gzip
import json
import math
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any

from aiohttp import web

from sandbox.duffel import errors
from sandbox.duffel.errors import Problem
from sandbox.duffel.world import World
from sandbox.kit.server import CONTROL_PREFIX, REQUEST_ID

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
WINDOW_SECONDS = 60
COMPRESS_FROM_BYTES = 8_192  # smaller bodies gain nothing
LIST_DEFAULT, LIST_MOST = 50, 200
SEARCH = ("POST", "/air/offer_requests")


class Meter:
    """Counts calls in fixed windows of one virtual minute, apart for searches and for everything else."""

    def __init__(self, world: Callable[[], World]) -> None:
        self._world = world
        self._used: dict[tuple[str, int], int] = defaultdict(int)

    def take(self, request: web.Request) -> tuple[bool, dict[str, str]]:
        """Count one call; return whether it is allowed, and the ratelimit headers (the reset is an HTTP date)."""
        world, searching = self._world(), (request.method, request.path.rstrip("/")) == SEARCH
        window = math.floor(world.now() / WINDOW_SECONDS)
        limit = world.offers_per_minute if searching else world.calls_per_minute
        kind = "search" if searching else "other"
        for old in [key for key in self._used if key[1] != window]:
            del self._used[old]
        self._used[kind, window] += 1
        left = limit - self._used[kind, window]
        return left >= 0, self.headers(limit, left, window)

    def headers(self, limit: int, left: int, window: int) -> dict[str, str]:
        reset = datetime.fromtimestamp((window + 1) * WINDOW_SECONDS, UTC)
        return {
            "ratelimit-limit": str(limit),
            "ratelimit-remaining": str(max(0, left)),
            "ratelimit-reset": format_datetime(reset, usegmt=True),
        }

    def exhausted(self) -> dict[str, str]:
        """Return the headers of a call over the limit, for 429s forced by a fault rule."""
        world = self._world()
        return self.headers(world.calls_per_minute, 0, math.floor(world.now() / WINDOW_SECONDS))


def middleware(meter: Meter) -> Any:
    """Return the middleware that checks calls and words refusals."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(CONTROL_PREFIX):
            return await handler(request)
        headers: dict[str, str] = {}
        response: web.StreamResponse
        try:
            _check_headers(request)
            allowed, headers = meter.take(request)
            response = await handler(request) if allowed else _refused(request)
        except errors.DuffelError as error:
            response = errors.response(error.status, error.problems, request[REQUEST_ID])
        except web.HTTPException as error:
            problem = Problem("invalid_request_error", "not_found", error.reason)
            response = errors.response(error.status, (problem,), request[REQUEST_ID])
        response.headers.update(headers)
        return _compressed(request, response)

    return guarded


def _refused(request: web.Request) -> web.Response:
    return errors.response(HTTPStatus.TOO_MANY_REQUESTS, (errors.FORCED[429],), request[REQUEST_ID])


def _check_headers(request: web.Request) -> None:
    authorization = request.headers.get("Authorization", "")
    kind, _, token = authorization.partition(" ")
    problem: tuple[int, str, str] | None = None
    if not authorization:
        problem = (401, "missing_authorization_header", "The 'Authorization' header needs to be set.")
    elif kind != "Bearer" or not token:
        problem = (401, "invalid_authorization_header", "The 'Authorization' header must be 'Bearer <token>'.")
    elif not token.startswith("duffel_test_"):
        # a live token must never meet a sandbox, and a sandbox must never seem to accept one
        problem = (401, "access_token_not_found", "The access token is not valid here.")
    elif token.startswith("duffel_test_readonly") and request.method != "GET":
        problem = (403, "insufficient_permissions", "The access token is read-only.")
    if problem:
        raise errors.DuffelError(problem[0], Problem("authentication_error", *problem[1:]))
    version = request.headers.get("Duffel-Version")
    if not version:
        raise errors.bad_request("missing_version_header", "The 'Duffel-Version' header needs to be set.")
    if version != "v2":
        known = version in {"v1", "beta"}
        raise errors.bad_request("unsupported_version" if known else "invalid_version_header", "Use version v2.")
    accepted = request.headers.get("Accept", "*/*")
    if "json" not in accepted and "*/*" not in accepted:
        problem_406 = Problem("invalid_request_error", "unsupported_format", "Only application/json is offered.")
        raise errors.DuffelError(HTTPStatus.NOT_ACCEPTABLE, problem_406)


def _compressed(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    if not isinstance(response, web.Response) or "gzip" not in request.headers.get("Accept-Encoding", ""):
        return response
    body = response.body
    if isinstance(body, bytes) and len(body) >= COMPRESS_FROM_BYTES and "Content-Encoding" not in response.headers:
        response.body = gzip.compress(body, compresslevel=1)
        response.headers["Content-Encoding"] = "gzip"
    return response


async def data_of(request: web.Request) -> dict[str, Any]:
    """Return what is inside the `data` envelope of the body. Raises the 400s for everything that is not one."""
    try:
        body = json.loads(await request.read())
    except ValueError:
        raise errors.bad_request("bad_request", "The body is not valid JSON.") from None
    if not isinstance(body, dict) or "data" not in body:
        raise errors.bad_request("missing_data_param", "The body must have a 'data' object.")
    if not isinstance(body["data"], dict):
        raise errors.bad_request("malformed_data_param", "'data' must be an object.")
    return body["data"]


def answer(data: Any, status: int = 200, meta: dict[str, Any] | None = None) -> web.Response:
    """Return data in its envelope; `meta` is there for lists only."""
    body = {"data": data} if meta is None else {"data": data, "meta": meta}
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return web.Response(status=status, body=text.encode(), content_type="application/json", charset="utf-8")


def page[T](request: web.Request, found: list[T], id_of: Callable[[T], str]) -> tuple[list[T], dict[str, Any]]:
    """Return one page and its meta. Cursors stand for the item before (after) which the page starts (ends)."""
    raw = request.query.get("limit", str(LIST_DEFAULT))
    if not raw.isdigit() or not 1 <= int(raw) <= LIST_MOST:
        raise errors.invalid("validation_inclusion", "/limit", f"must be from 1 to {LIST_MOST}")
    limit, ids = int(raw), [id_of(one) for one in found]
    start = 0
    if after := request.query.get("after"):
        start = _position(ids, after, "after") + 1
    elif before := request.query.get("before"):
        start = max(0, _position(ids, before, "before") - limit)
    end = min(start + limit, len(found))
    meta = {
        "limit": limit,
        "after": _cursor(ids[end - 1]) if end < len(found) else None,
        "before": _cursor(ids[start]) if start else None,
    }
    return found[start:end], meta


def _cursor(item: str) -> str:
    return "g2" + item.encode().hex()


def _position(ids: list[str], cursor: str, name: str) -> int:
    try:
        return ids.index(bytes.fromhex(cursor.removeprefix("g2")).decode())
    except ValueError:
        raise errors.invalid("validation_format", f"/{name}", "is not a cursor of this list") from None
