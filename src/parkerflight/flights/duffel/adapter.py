"""The flight provider port, spoken in Duffel API v2."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from parkerflight.core import clock
from parkerflight.core.errors import OutcomeUnknown, Terminal
from parkerflight.flights.duffel import bodies, errors, events, parse
from parkerflight.flights.duffel.client import Answer, Client, unreadable
from parkerflight.flights.duffel.wire import Node, malformed
from parkerflight.flights.types import OrderAccepted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    import httpx

    from parkerflight.core.money import Money
    from parkerflight.flights.limiter import Limiter
    from parkerflight.flights.types import (
        AirlineChange,
        CancellationQuote,
        Offer,
        Order,
        OrderRequest,
        ProviderEvent,
        SearchQuery,
    )

log = logging.getLogger(__name__)

# The provider's default. Kept far below our own timeout: otherwise slow airlines would cost us the whole answer.
SUPPLIER_TIMEOUT_MS = 20_000
PAGE = 200  # the largest page there is
MAX_PAGES = 5  # an offer has one order at most; five pages mean that the filter was ignored
MOST_PAGES = 250  # 50,000 orders: far above a week's; more is a cursor that never ends
SEARCH, READ, ORDER = "duffel:search", "duffel:read", "duffel:order"
OK, CREATED, ACCEPTED = 200, 201, 202


class DuffelProvider:
    """Implements FlightProvider. `now` is given for tests; it is used for rate limits only. `webhook_secret` is asked when
    a webhook comes, so that processes that never receive one need none.
    """

    def __init__(
        self,
        *,
        base: str,
        token: str,
        limiter: Limiter,
        now: Callable[[], datetime] = clock.now,
        webhook_secret: Callable[[], str] = str,
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
        answer = self._client.read("POST /air/offer_requests", key=SEARCH, query=options, body=bodies.search(query))
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
        answer = self._client.read("GET /air/offers/{}", offer_id, key=READ)
        if answer.status != OK:
            raise errors.of_offer(_failure(answer))
        return parse.offer(_data(answer), path="data")

    def create_order(self, request: OrderRequest) -> Order | OrderAccepted:
        """Order, paid from the balance or held: one POST, and one verdict on whatever comes back."""
        answer = self._client.act("POST /air/orders", key=ORDER, body=bodies.order(request))
        if answer.status in {OK, ACCEPTED}:
            return OrderAccepted(booked=answer.status == OK, reference=answer.reference)
        if answer.status != CREATED:
            raise errors.of_act(_failure(answer))
        try:
            return parse.order(_data(answer), path="data")
        except Exception as error:
            # It is booked, we only cannot read it: to say «refused» here would release the money for a real ticket.
            message = f"The order was made, but its description cannot be read: {error}"
            raise OutcomeUnknown("malformed_order", message, reference=answer.reference) from error

    def order(self, order_id: str) -> Order:
        """The order as it is now."""
        return parse.order(self._read("GET /air/orders/{}", order_id), path="data")

    def orders_of_offer(self, offer_id: str) -> tuple[Order, ...]:
        """Orders made from this offer. What the provider's filter lets through of other offers is dropped."""
        found = [one for one in self._orders({"offer_id": offer_id}, MAX_PAGES) if one.offer_id == offer_id]
        return tuple(found)

    def orders_since(self, moment: datetime) -> Iterator[Order]:
        """All orders made since `moment`, oldest first; a cancelled or lapsed one too."""
        query = {"created_at[after]": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "sort": "created_at"}
        yield from self._orders(query, MOST_PAGES)

    def orders_requiring_action(self) -> Iterator[Order]:
        """Orders that an airline changed and nobody has answered yet."""
        yield from self._orders({"requires_action": "true"}, MOST_PAGES)

    def pay_order(self, order_id: str, total: Money) -> None:
        """Pay a held order from our balance: one POST."""
        answer = self._client.act("POST /air/payments", key=ORDER, body=bodies.payment(order_id, total))
        if answer.status not in {OK, CREATED}:
            raise errors.of_act(_failure(answer))

    def quote_cancellation(self, order_id: str) -> CancellationQuote:
        """What cancelling gives back now; a quote changes nothing, so it may be asked for again."""
        data = self._read("POST /air/order_cancellations", key=READ, body={"order_id": order_id}, success=CREATED)
        return parse.cancellation(data, path="data")

    def confirm_cancellation(self, quote_id: str) -> CancellationQuote:
        """Carry a quote out."""
        answer = self._client.act("POST /air/order_cancellations/{}/actions/confirm", quote_id, key=ORDER)
        if answer.status not in {OK, CREATED}:
            raise errors.of_act(_failure(answer))
        return self._understood(parse.cancellation, answer)

    def cancellation(self, quote_id: str) -> CancellationQuote:
        """A quote as it is now."""
        return parse.cancellation(self._read("GET /air/order_cancellations/{}", quote_id), path="data")

    def airline_changes(self, order_id: str) -> tuple[AirlineChange, ...]:
        """The airline's changes of an order, oldest first."""
        data = self._read("GET /air/airline_initiated_changes", query={"order_id": order_id})
        items = data if isinstance(data, list) else []
        found = [parse.airline_change(one, path=f"data[{index}]") for index, one in enumerate(items)]
        return tuple(sorted(found, key=lambda one: (one.created_at is not None, one.created_at or 0)))

    def accept_change(self, change_id: str) -> AirlineChange:
        """Accept the newest change."""
        answer = self._client.act("POST /air/airline_initiated_changes/{}/actions/accept", change_id, key=ORDER)
        if answer.status not in {OK, CREATED}:
            raise errors.of_act(_failure(answer))
        return self._understood(parse.airline_change, answer)

    def read_event(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> ProviderEvent:
        """Verify and read a webhook's raw body."""
        return events.read(body, headers, secret=self._webhook_secret(), now=now)

    def _read(
        self, route: str, *ids: str, key: str = READ, query: Mapping[str, str] | None = None, body: Any = None,
        success: int = OK,
    ) -> Any:  # fmt: skip
        answer = self._client.read(route, *ids, key=key, query=query, body=body)
        if answer.status not in {OK, success}:
            raise errors.of_read(_failure(answer))
        return _data(answer)

    def _understood[Found](self, read: Callable[..., Found], answer: Answer) -> Found:
        """What a request that was carried out says about it; not being able to read it leaves the outcome to be asked."""
        try:
            return read(_data(answer), path="data")
        except Exception as error:
            message = f"It was carried out, but the answer cannot be read: {error}"
            raise OutcomeUnknown("malformed_answer", message, reference=answer.reference) from error

    def _orders(self, query: dict[str, str], most_pages: int) -> Iterator[Order]:
        query = {**query, "limit": str(PAGE)}
        for _ in range(most_pages):
            answer = self._client.read("GET /air/orders", key=READ, query=query)
            if answer.status != OK:
                raise errors.of_read(_failure(answer))
            page = Node.of(answer.body if answer.readable else _data(answer), "")
            yield from _orders(page)
            after = (page.node_or_none("meta") or Node({})).text_or_empty("after")
            if not after:
                return
            query = query | {"after": after}
        message = "The provider listed far more orders than there can be; its filter or cursor cannot be trusted."
        raise Terminal("filter_ignored", message)


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
