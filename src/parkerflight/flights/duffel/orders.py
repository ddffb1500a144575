"""Orders: making, paying, reading and listing them."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from parkerflight.core.errors import OutcomeUnknown, Terminal
from parkerflight.flights.duffel import bodies, errors, parse
from parkerflight.flights.duffel.answers import ACCEPTED, CREATED, OK, data, done, failure, pages
from parkerflight.flights.duffel.client import Route
from parkerflight.flights.duffel.wire import Node, malformed
from parkerflight.flights.types import OrderAccepted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from parkerflight.core.money import Money
    from parkerflight.flights.duffel.client import Client
    from parkerflight.flights.types import Order, OrderRequest

CREATE = Route("POST", "/air/orders", "duffel:order")
PAY = Route("POST", "/air/payments", "duffel:order")
READ = Route("GET", "/air/orders/{id}", "duffel:read")
LIST = Route("GET", "/air/orders", "duffel:read")
MAX_PAGES = 5  # an offer has one order at most; five pages mean that the filter was ignored
# A hundred thousand orders: a sweep looks back over days, and nobody books that many in them.
MAX_SWEEP_PAGES = 500


class OrderCalls:
    """The part of the provider that makes and reads orders."""

    _client: Client

    def create_order(self, request: OrderRequest) -> Order | OrderAccepted:
        """Order and pay from the balance, or hold: one POST, and one verdict on whatever comes back."""
        answer = self._client.send_once(CREATE, body=bodies.order(request))
        if answer.status in {OK, ACCEPTED}:
            return OrderAccepted(booked=answer.status == OK, reference=answer.reference)
        if answer.status != CREATED:
            raise errors.of_order(failure(answer))
        return done(answer, _order, "The order was made")

    def pay_order(self, order_id: str, total: Money) -> None:
        """Pay a held order from the balance. Anything but a plain success or refusal means: read the order."""
        answer = self._client.send_once(PAY, body={"order_id": order_id, "payment": bodies.balance(total)})
        if answer.status in {OK, ACCEPTED}:
            message = "The payment was accepted, but is not settled yet."
            raise OutcomeUnknown("payment_pending", message, reference=answer.reference)
        if answer.status != CREATED:
            raise errors.of_payment(failure(answer))
        status = done(answer, _payment_status, "The payment was made")
        if status not in {"", "succeeded"}:
            raise OutcomeUnknown("payment_open", f"The payment is {status}.", reference=answer.reference)

    def order(self, order_id: str) -> Order:
        """The order as it is now."""
        answer = self._client.read(READ, id=order_id)
        if answer.status != OK:
            raise errors.of_read(failure(answer))
        return _order(data(answer))

    def orders_of_offer(self, offer_id: str) -> tuple[Order, ...]:
        """Orders made from this offer. What the provider's filter lets through of other offers is dropped."""
        found: list[Order] = []
        for page in pages(self._client, LIST, {"offer_id": offer_id}, most=MAX_PAGES):
            found += [one for one in _orders(page) if one.offer_id == offer_id]
        return tuple(found)

    def orders_since(self, moment: datetime) -> Iterator[Order]:
        """Orders made at or after `moment`, oldest first; an order that does not say when it was made is given too.

        Raises Terminal("malformed_offer") at the end, after all others were given, when some could not be read.
        """
        # Whether the filter takes in the moment itself, and how fine it counts, is not documented: ask for a little more.
        since = moment.astimezone(UTC).replace(microsecond=0) - timedelta(seconds=1)
        query = {"created_at[after]": since.isoformat().replace("+00:00", "Z"), "sort": "created_at"}
        for one in self._listed(query):
            if one.created_at is None or one.created_at >= moment:
                yield one

    def orders_requiring_action(self) -> Iterator[Order]:
        """Orders that an airline changed and nobody has answered; unreadable ones are told of at the end."""
        return self._listed({"requires_action": "true"})

    def _listed(self, query: dict[str, str]) -> Iterator[Order]:
        """All readable orders of a list; one that is not must neither hide the rest nor be passed over in silence."""
        broken: list[Terminal] = []
        for page in pages(self._client, LIST, query, most=MAX_SWEEP_PAGES):
            for one in page.nodes("data"):
                try:
                    found = parse.order(one.fields, path=one.path)
                except Terminal as error:
                    broken.append(error)
                else:
                    yield found
        if broken:
            raise Terminal(broken[0].code, f"{len(broken)} orders of a list cannot be read; the first: {broken[0]}")


def _order(value: Any) -> Order:
    return parse.order(value, path="data")


def _payment_status(value: Any) -> str:
    """Old answers have no status: they are payments that succeeded."""
    return Node.of(value, "data").text_or_empty("status")


def _orders(page: Node) -> list[Order]:
    """All orders of a page. One without an offer id is refused: taking it for another's could book a second ticket."""
    orders = [parse.order(one.fields, path=one.path) for one in page.nodes("data")]
    for index, one in enumerate(orders):
        if not one.offer_id:
            raise malformed(f"data[{index}].offer_id", "is missing")
    return orders
