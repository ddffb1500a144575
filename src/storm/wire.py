"""The vendors without sockets: requests of the unmodified clients are answered by the sandbox applications in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import stripe
from aiohttp import HttpVersion11, web
from aiohttp.http_parser import RawRequestMessage
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from sandbox.kit.server import SANDBOX
from sandbox.kit.vendor import Sandbox

LOOP = asyncio.new_event_loop()


class Dropped(Exception):
    """The connection broke before an answer came."""


class Impossible(Exception):
    """A sandbox's back door refused: what was wanted cannot happen to the thing as it stands."""


class _Body:
    """A request's body, whole."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    async def readany(self) -> bytes:
        raw, self._raw = self._raw, b""
        return raw

    def at_eof(self) -> bool:
        return not self._raw

    def set_read_chunk_size(self, size: int) -> None:
        """All is read at once."""


class _Transport:
    aborted = False

    def abort(self) -> None:
        self.aborted = True


class _Protocol:
    ssl_context = None
    peername = ("127.0.0.1", 1)
    sockname = ("127.0.0.1", 2)

    def __init__(self) -> None:
        self.transport = _Transport()


Trouble = Callable[[str, str], "Callable[[], None] | None"]
"""Asked before each request (method, path): may raise Dropped, change the sandbox's faults, and return what to do after."""


class Vendor:
    """One sandbox application, spoken to in this process."""

    def __init__(self, app: web.Application, name: str) -> None:
        self.name = name
        self.app = app
        app.freeze()
        self.sandbox: Sandbox = app[SANDBOX]
        self.trouble: Trouble | None = None
        self.requests = 0

    def send(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Answer one request of a client. Raises Dropped when the connection broke, before or after it was carried out."""
        self.requests += 1
        after = self.trouble(method, urlsplit(target).path) if self.trouble else None
        answer = self._handle(method, target, headers, body)
        if after is not None:
            after()
        return answer

    def control(self, method: str, target: str, wish: Mapping[str, Any] | None = None) -> Any:
        """Use the back door, untroubled."""
        raw = json.dumps(wish).encode() if wish is not None else b""
        status, _, body = self._handle(method, target, {"Content-Type": "application/json"}, raw)
        if status >= 400:
            raise Impossible(f"{self.name} refused {method} {target}: {body[:300]!r}")
        return json.loads(body) if body else None

    def control_api(self, method: str, target: str, body: Mapping[str, Any]) -> Any:
        """Use the vendor's own interface as its account's owner would, untroubled."""
        headers = {
            "Content-Type": "application/json",
            "Authorization": "Bearer duffel_test_owner",
            "Duffel-Version": "v2",
        }
        status, _, raw = self._handle(method, target, headers, json.dumps(body).encode())
        if status >= 400:
            raise Impossible(f"{self.name} refused {method} {target}: {raw[:300]!r}")
        return json.loads(raw)

    def _handle(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        protocol = _Protocol()
        fields = CIMultiDictProxy(CIMultiDict({"Host": "127.0.0.1", **headers}))
        message = RawRequestMessage(
            method, target, HttpVersion11, fields, (), False, None, False, False, URL(target, encoded=True)
        )
        request = web.Request(message, _Body(body), protocol, None, None, LOOP, client_max_size=2**25)  # type: ignore[arg-type]
        response = LOOP.run_until_complete(self.app._handle(request))
        if protocol.transport.aborted:
            raise Dropped
        content = getattr(response, "body", b"") or b""
        raw = content if isinstance(content, bytes) else bytes(content._value)
        return response.status, dict(response.headers), raw


class DuffelTransport(httpx.BaseTransport):
    """httpx's requests, answered in this process."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() != "accept-encoding"}
        try:
            status, fields, body = self._vendor.send(
                request.method, request.url.raw_path.decode(), headers, request.read()
            )
        except Dropped:
            raise httpx.ReadError("the connection broke", request=request) from None
        return httpx.Response(status, headers=fields, content=body, request=request)


def _broken() -> Exception:
    make: Any = stripe.APIConnectionError
    error: Exception = make("the connection broke", should_retry=False)
    return error


class StripeClient(stripe.HTTPClient):
    """The Stripe client's requests, answered in this process."""

    name = "storm"

    def __init__(self, vendor: Vendor) -> None:
        super().__init__()
        self._vendor = vendor

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, *, _usage: Any = None
    ) -> tuple[str, int, Mapping[str, str]]:
        parts = urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        raw = post_data.encode() if isinstance(post_data, str) else post_data or b""
        try:
            status, fields, body = self._vendor.send(method.upper(), target, dict(headers or {}), raw)
        except Dropped:
            raise _broken() from None
        return body.decode(), status, fields

    def close(self) -> None:
        """Nothing is open."""
