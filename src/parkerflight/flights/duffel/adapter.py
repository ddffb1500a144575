"""The flight provider port, spoken in Duffel API v2."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from parkerflight.core import clock
from parkerflight.core.errors import OutcomeUnknown, Terminal
from parkerflight.flights.duffel import errors, parse
from parkerflight.flights.duffel.client import Answer, Client, unreadable
from parkerflight.flights.duffel.wire import Node, malformed
from parkerflight.flights.types import OrderAccepted

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from parkerflight.flights.limiter import Limiter
    from parkerflight.flights.types import Offer, Order, OrderRequest, Passenger, SearchPassenger, SearchQuery

log = logging.getLogger(__name__)

# The provider's default. Kept far below our own timeout: otherwise slow airlines would cost us the whole answer.
SUPPLIER_TIMEOUT_MS = 20_000
PAGE = 200  # the largest page there is
MAX_PAGES = 5  # an offer has one order at most; five pages mean that the filter was ignored
SEARCH, READ, ORDER = "duffel:search", "duffel:read", "duffel:order"
OK, CREATED, ACCEPTED = 200, 201, 202


class DuffelProvider:
    """Implements FlightProvider. `now` is given for tests; it is used for rate limits only."""

    def __init__(self, *, base: str, token: str, limiter: Limiter, now: Callable[[], datetime] = clock.now) -> None:
        self._client = Client(base=base, token=token, limiter=limiter, now=now)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def search(self, query: SearchQuery) -> tuple[Offer, ...]:
        """All offers for one search, cheapest first. A malformed offer is left out, unless all are."""
        options = {"return_offers": "true", "supplier_timeout": str(SUPPLIER_TIMEOUT_MS)}
        answer = self._client.read("POST", "/air/offer_requests", key=SEARCH, query=options, body=_search_body(query))
        if answer.status not in {OK, CREATED}:
            raise errors.of_read(_failure(answer), repeatable=False)
        found, problems = parse.offers(_data(answer), path="data")
        if problems and not found:
            raise Terminal("malformed_offer", problems[0], reference=answer.reference)
        if problems:
            log.warning(
                "left out %d malformed offers of %d: %s", len(problems), len(found) + len(problems), problems[0]
            )
        return tuple(sorted(found, key=lambda one: (one.total.currency, one.total.minor, one.id)))

    def offer(self, offer_id: str) -> Offer:
        """The offer as the airline prices it now."""
        answer = self._client.read("GET", f"/air/offers/{quote(offer_id, safe='')}", key=READ, query={})
        if answer.status != OK:
            raise errors.of_offer(_failure(answer))
        return parse.offer(_data(answer), path="data")

    def create_order(self, request: OrderRequest) -> Order | OrderAccepted:
        """Order and pay from the balance: one POST, and one verdict on whatever comes back."""
        answer = self._client.order("/air/orders", key=ORDER, body=_order_body(request))
        if answer.status in {OK, ACCEPTED}:
            return OrderAccepted(booked=answer.status == OK, reference=answer.reference)
        if answer.status != CREATED:
            raise errors.of_order(_failure(answer))
        try:
            return parse.order(_data(answer), path="data")
        except Exception as error:
            # It is booked, we only cannot read it: to say «refused» here would release the money for a real ticket.
            message = f"The order was made, but its description cannot be read: {error}"
            raise OutcomeUnknown("malformed_order", message, reference=answer.reference) from error

    def orders_of_offer(self, offer_id: str) -> tuple[Order, ...]:
        """Orders made from this offer. What the provider's filter lets through of other offers is dropped."""
        query, found = {"offer_id": offer_id, "limit": str(PAGE)}, []
        for _ in range(MAX_PAGES):
            answer = self._client.read("GET", "/air/orders", key=READ, query=query)
            if answer.status != OK:
                raise errors.of_read(_failure(answer))
            page = Node.of(answer.body if answer.readable else _data(answer), "")
            found += [one for one in _orders(page) if one.offer_id == offer_id]
            after = (page.node_or_none("meta") or Node({})).text_or_empty("after")
            if not after:
                return tuple(found)
            query = query | {"after": after}
        message = "The provider listed far more orders than one offer can have; its filter cannot be trusted."
        raise Terminal("filter_ignored", message)

    def order(self, order_id: str) -> Order:
        """The order as it is now."""
        answer = self._client.read("GET", f"/air/orders/{quote(order_id, safe='')}", key=READ, query={})
        if answer.status != OK:
            raise errors.of_read(_failure(answer))
        return parse.order(_data(answer), path="data")


def _data(answer: Answer) -> Any:
    """The wrapped content. Raises Retryable when the body is not JSON."""
    if not answer.readable:
        raise unreadable(answer)
    return answer.body.get("data") if isinstance(answer.body, dict) else None


def _failure(answer: Answer) -> errors.Failure:
    return errors.read(answer.status, answer.body, answer.headers, answer.at)


def _orders(page: Node) -> list[Order]:
    """All orders of a page. One without an offer id is refused: taking it for another's could book a second ticket."""
    orders = [parse.order(one.fields, path=one.path) for one in page.nodes("data")]
    for index, one in enumerate(orders):
        if not one.offer_id:
            raise malformed(f"data[{index}].offer_id", "is missing")
    return orders


def _search_body(query: SearchQuery) -> dict[str, Any]:
    return {
        "slices": [
            {
                "origin": one.origin,
                "destination": one.destination,
                "departure_date": one.departure_date.isoformat(),
            }
            for one in query.slices
        ],
        "passengers": [_seat(one) for one in query.passengers],
        "cabin_class": query.cabin.value,
        "max_connections": query.max_connections,
    }


def _seat(passenger: SearchPassenger) -> dict[str, Any]:
    """Exactly one of type and age: sending both is refused."""
    return {"type": "adult"} if passenger.age is None else {"age": passenger.age}


def _order_body(request: OrderRequest) -> dict[str, Any]:
    total = request.total
    return {
        "type": "instant",
        "selected_offers": [request.offer_id],
        "passengers": [_passenger(one) for one in request.passengers],
        "payments": [{"type": "balance", "amount": total.amount(), "currency": total.currency}],
        "metadata": request.metadata,
    }


def _passenger(one: Passenger) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": one.id,
        "given_name": one.given_name,
        "family_name": one.family_name,
        "title": one.title,
        "gender": one.gender,
        "born_on": one.born_on.isoformat(),
        "email": one.email,
        "phone_number": one.phone_number,
    }
    if one.infant_id:
        body["infant_passenger_id"] = one.infant_id
    if one.documents:
        body["identity_documents"] = [
            {
                "type": document.kind,
                "unique_identifier": document.number,
                "issuing_country_code": document.issuing_country,
                **({"expires_on": document.expires_on.isoformat()} if document.expires_on else {}),
            }
            for document in one.documents
        ]
    return body
