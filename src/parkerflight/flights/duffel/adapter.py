"""The flight provider port, spoken in Duffel API v2."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from parkerflight.core import clock
from parkerflight.core.errors import Terminal
from parkerflight.flights.duffel import bodies, errors, events, parse
from parkerflight.flights.duffel.aftercare import AftercareCalls
from parkerflight.flights.duffel.answers import CREATED, OK, data, failure
from parkerflight.flights.duffel.client import Client, Route
from parkerflight.flights.duffel.orders import OrderCalls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    import httpx

    from parkerflight.flights.limiter import Limiter
    from parkerflight.flights.types import Offer, ProviderEvent, SearchQuery

log = logging.getLogger(__name__)

# The provider's default. Kept far below our own timeout: otherwise slow airlines would cost us the whole answer.
SUPPLIER_TIMEOUT_MS = 20_000
SEARCH = Route("POST", "/air/offer_requests", "duffel:search")
READ_OFFER = Route("GET", "/air/offers/{id}", "duffel:read")


class DuffelProvider(OrderCalls, AftercareCalls):
    """Implements FlightProvider. `now` is given for tests; it is used for rate limits only.

    `transport` carries the requests instead of the network, for a simulator in this process. Without `webhook_secret`
    every webhook is refused.
    """

    def __init__(
        self,
        *,
        base: str,
        token: str,
        limiter: Limiter,
        webhook_secret: str = "",
        now: Callable[[], datetime] = clock.now,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._client = Client(base=base, token=token, limiter=limiter, now=now, transport=transport)
        self._webhook_secret = webhook_secret

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def search(self, query: SearchQuery) -> tuple[Offer, ...]:
        """All offers for one search, cheapest first. A malformed offer is left out, unless all are."""
        options = {"return_offers": "true", "supplier_timeout": str(SUPPLIER_TIMEOUT_MS)}
        answer = self._client.read(SEARCH, query=options, body=bodies.search(query))
        if answer.status not in {OK, CREATED}:
            raise errors.of_read(failure(answer), repeatable=False)
        found, problems = parse.offers(data(answer), path="data")
        if problems and not found:
            raise Terminal("malformed_offer", problems[0], reference=answer.reference)
        if problems:
            log.warning(
                "left out %d malformed offers of %d: %s", len(problems), len(found) + len(problems), problems[0]
            )
        return tuple(sorted(found, key=lambda one: (one.total.currency, one.total.minor, one.id)))

    def offer(self, offer_id: str) -> Offer:
        """The offer as the airline prices it now."""
        answer = self._client.read(READ_OFFER, id=offer_id)
        if answer.status != OK:
            raise errors.of_offer(failure(answer))
        return parse.offer(data(answer), path="data")

    def read_event(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> ProviderEvent:
        """Verify and read a webhook's raw body; `headers` have lower-case names."""
        return events.read_event(body, headers, secret=self._webhook_secret, now=now)
