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
from parkerflight.core.errors import OutcomeUnknown, ParkerError, Retryable
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
class Route:
    """A method and a path template such as `/air/orders/{id}`; `key` names the rate limit it counts against."""

    method: str
    path: str
    key: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def of(self, id: str) -> str:  # noqa: A002 - the template's own word
        """The path of one thing. Its id is escaped: it came from outside and must not leave its place."""
        if "{id}" in self.path and not id:
            raise ParkerError("no_id", f"{self} needs an id.")
        return self.path.replace("{id}", quote(id, safe=""))


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
            "transport": transport,
        }
        self._pooled = httpx.Client(**shared)
        # Orders never reuse a connection: one the server has just closed would turn «not sent» into «unknown».
        self._fresh = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0), **shared)

    def close(self) -> None:
        """Give the connections back."""
        self._pooled.close()
        self._fresh.close()

    def read(self, route: Route, *, id: str = "", query: Mapping[str, str] | None = None, body: Any = None) -> Answer:  # noqa: A002
        """Send what changes nothing that matters. Raises Retryable when no answer came or the limit is used up."""
        request = self._request(route, id, READ_SECONDS, query or {}, body)
        return self._exchange(self._pooled, route, request, _unread)

    def send_once(self, route: Route, *, id: str = "", body: Any = None) -> Answer:  # noqa: A002
        """Send what may buy or cancel. Raises Retryable only when it was certainly not sent, else OutcomeUnknown."""
        request = self._request(route, id, ORDER_SECONDS, {}, body)
        return self._exchange(self._fresh, route, request, _undecided)

    def _exchange(
        self,
        http: httpx.Client,
        route: Route,
        request: httpx.Request,
        broken: Callable[[httpx.HTTPError], ParkerError],
    ) -> Answer:
        """Every call to the provider passes here, and so the fault point after it; `broken` says what no answer means."""
        assert_no_transaction()
        wait = self._limiter.acquire(route.key, self._now()).total_seconds()
        if wait > 0:
            raise Retryable("rate_limited", "Our share of requests is used up for now.", after=wait)
        try:
            answer = self._send(http, request)
        except httpx.HTTPError as error:
            raise broken(error) from None
        fault_point(f"duffel.after.{route}")
        log.info("provider answered %s to %s, request id %s", answer.status, route, answer.reference)
        self._observe(route.key, answer)
        return answer

    def _request(self, route: Route, id: str, seconds: float, query: Mapping[str, str], body: Any) -> httpx.Request:  # noqa: A002
        timeout = httpx.Timeout(seconds, connect=CONNECT_SECONDS)
        content = None if body is None else json.dumps({"data": body}).encode()
        kind = {} if content is None else {"Content-Type": "application/json"}
        # Both clients share base address and headers, so either may build what the other sends.
        return self._pooled.build_request(
            route.method, route.of(id), params=dict(query), content=content, headers=kind, timeout=timeout
        )

    def _send(self, http: httpx.Client, request: httpx.Request) -> Answer:
        response = http.send(request, stream=True)
        try:
            raw = _whole_body(response, request.extensions["timeout"]["read"])
        finally:
            response.close()
        return _answer(response, raw, self._now())

    def _observe(self, key: str, answer: Answer) -> None:
        """Learning the limit must never cost the answer: an order that was made has to be told."""
        try:
            self._limiter.observe(key, answer.headers, answer.at)
        except Exception:
            log.exception("could not record the rate limit of %s", key)


def _unread(error: httpx.HTTPError) -> ParkerError:
    kind = "unreachable" if isinstance(error, NOT_SENT) else "no_answer"
    return Retryable(kind, f"The flight provider did not answer ({type(error).__name__}).", after=30.0)


def _undecided(error: httpx.HTTPError) -> ParkerError:
    if isinstance(error, NOT_SENT):
        return Retryable("unreachable", f"The request was not sent ({type(error).__name__}).", after=30.0)
    return OutcomeUnknown("no_answer", f"The request was sent, but no answer came ({type(error).__name__}).")


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
