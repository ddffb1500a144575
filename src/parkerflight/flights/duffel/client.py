"""One request to Duffel: headers, timeouts, limits, what a broken connection means. Nothing is repeated here."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import httpx

from parkerflight.core import clock
from parkerflight.core.errors import OutcomeUnknown, ParkerError, Retryable, Terminal
from parkerflight.core.fault_points import fault_point
from parkerflight.core.tenancy import assert_no_transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from parkerflight.flights.limiter import Limiter

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0  # a host that does not answer by then is down; nothing has been sent yet
READ_SECONDS = 65.0  # longer than the longest supplier timeout the provider takes, 60 s
ORDER_SECONDS = 135.0  # the provider says at least 130: a booking may take 120
MAX_BODY = 64 * 2**20  # a large search is 2 MB; thirty times that is a fault, not an answer
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status first; `body` is decoded JSON, or None with `readable` False when it was not JSON."""

    status: int
    headers: Mapping[str, str]
    body: Any
    readable: bool
    at: datetime

    @property
    def reference(self) -> str:
        """The provider's request id."""
        return self.headers.get("x-request-id", "")


class Client:
    """Talks to one base address with one token. Safe to share between threads."""

    def __init__(
        self,
        *,
        base: str,
        token: str,
        limiter: Limiter,
        now: Callable[[], datetime] = clock.now,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._limiter = limiter
        self._now = now
        headers = {
            "Authorization": f"Bearer {token}",
            "Duffel-Version": "v2",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": "parker-flight",
        }
        shared: dict[str, Any] = {
            "base_url": base,
            "headers": headers,
            "trust_env": urlsplit(base).hostname not in LOOPBACK,
        }
        if transport is not None:
            shared["transport"] = transport
        self._pooled = httpx.Client(**shared)
        # Orders never reuse a connection: one the server has just closed would turn «not sent» into «unknown».
        self._fresh = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0), **shared)

    def close(self) -> None:
        """Give the connections back."""
        self._pooled.close()
        self._fresh.close()

    def read(self, route: str, *ids: str, key: str, query: Mapping[str, str] | None = None, body: Any = None) -> Answer:
        """Send what changes nothing to a route such as `GET /air/orders/{}`, filled with `ids`.

        Raises Retryable when no answer came or the limit is used up.
        """
        self._take_turn(key)
        try:
            answer = self._send(self._pooled, self._request(route, ids, READ_SECONDS, query or {}, body), key=key)
        except httpx.HTTPError as error:
            kind = "unreachable" if isinstance(error, NOT_SENT) else "no_answer"
            raise Retryable(kind, f"The flight provider did not answer ({type(error).__name__}).", after=30.0) from None
        fault_point(f"duffel.after.{route}")
        return answer

    def act(self, route: str, *ids: str, key: str, body: Any = None) -> Answer:
        """Send what may buy or give back. Raises Retryable only when it was certainly not sent, else OutcomeUnknown."""
        self._take_turn(key)
        try:
            answer = self._send(self._fresh, self._request(route, ids, ORDER_SECONDS, {}, body), key=key)
        except NOT_SENT as error:
            raise Retryable("unreachable", f"The request was not sent ({type(error).__name__}).", after=30.0) from None
        except httpx.HTTPError as error:
            message = f"The request was sent, but no answer came ({type(error).__name__})."
            raise OutcomeUnknown("no_answer", message) from None
        fault_point(f"duffel.after.{route}")
        return answer

    def _take_turn(self, key: str) -> None:
        assert_no_transaction()
        wait = self._limiter.acquire(key, self._now()).total_seconds()
        if wait > 0:
            raise Retryable("rate_limited", "Our share of requests is used up for now.", after=wait)

    def _request(
        self, route: str, ids: tuple[str, ...], seconds: float, query: Mapping[str, str], body: Any
    ) -> httpx.Request:
        if not all(ids):
            # An empty id would ask for the list instead of the thing.
            raise Terminal("no_id", f"{route} needs an id")
        method, path = route.split(" ", 1)
        path = path.format(*(quote(one, safe="") for one in ids))
        timeout = httpx.Timeout(seconds, connect=CONNECT_SECONDS)
        content = None if body is None else json.dumps({"data": body}).encode()
        kind = {} if content is None else {"Content-Type": "application/json"}
        # Both clients share base address and headers, so either may build what the other sends.
        return self._pooled.build_request(
            method, path, params=dict(query), content=content, headers=kind, timeout=timeout
        )

    def _send(self, http: httpx.Client, request: httpx.Request, *, key: str) -> Answer:
        response = http.send(request, stream=True)
        try:
            raw = _whole_body(response, request.extensions["timeout"]["read"])
        finally:
            response.close()
        reference = response.headers.get("x-request-id", "")
        log.info("provider answered %s to %s, request id %s", response.status_code, key, reference)
        answer = _answer(response, raw, self._now())
        self._observe(key, answer)
        return answer

    def _observe(self, key: str, answer: Answer) -> None:
        """Learning the limit must never cost the answer: an order that was made has to be told."""
        try:
            self._limiter.observe(key, answer.headers, answer.at)
        except Exception:
            log.exception("could not record the rate limit of %s", key)


def _whole_body(response: httpx.Response, seconds: float) -> bytes:
    """The body, bounded in size and in time: a read timeout alone restarts with every trickled byte."""
    deadline, parts, size = time.monotonic() + seconds, [], 0
    for part in response.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > MAX_BODY:
            raise httpx.ReadError(f"more than {MAX_BODY} bytes")
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout("the answer trickled past its time")
    return b"".join(parts)


def _answer(response: httpx.Response, raw: bytes, at: datetime) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    try:
        return Answer(response.status_code, headers, json.loads(raw), readable=True, at=at)
    except (ValueError, RecursionError):
        return Answer(response.status_code, headers, None, readable=False, at=at)


def unreadable(answer: Answer) -> ParkerError:
    """The error of a read that succeeded but whose body is not JSON: cut short somewhere, so worth another try."""
    return Retryable("malformed_answer", "The provider's answer was not JSON.", reference=answer.reference, after=30.0)
