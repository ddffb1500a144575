"""What happens to an order later: cancelling it, and changes by the airline."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from parkerflight.core.errors import OutcomeUnknown
from parkerflight.flights.duffel import errors
from parkerflight.flights.duffel.answers import ACCEPTED, CREATED, OK, data, done, failure, pages
from parkerflight.flights.duffel.client import Route
from parkerflight.flights.duffel.itinerary import slice_
from parkerflight.flights.duffel.wire import Node, malformed
from parkerflight.flights.types import AirlineChange, CancellationQuote, RefundTo

if TYPE_CHECKING:
    from parkerflight.core.money import Money
    from parkerflight.flights.duffel.client import Client

QUOTE = Route("POST", "/air/order_cancellations", "duffel:read")
CONFIRM = Route("POST", "/air/order_cancellations/{id}/actions/confirm", "duffel:order")
READ_QUOTE = Route("GET", "/air/order_cancellations/{id}", "duffel:read")
CHANGES = Route("GET", "/air/airline_initiated_changes", "duffel:read")
ACCEPT = Route("POST", "/air/airline_initiated_changes/{id}/actions/accept", "duffel:order")
MAX_PAGES = 5  # airlines change an order a handful of times; a thousand changes mean that the filter was ignored


class AftercareCalls:
    """The part of the provider that cancels and follows the airline's changes."""

    _client: Client

    def quote_cancellation(self, order_id: str) -> CancellationQuote:
        """What cancelling gives back now. Asking again only makes the older quote stale."""
        answer = self._client.read(QUOTE, body={"order_id": order_id})
        if answer.status not in {OK, CREATED}:
            raise errors.of_quote(failure(answer))
        return quote(data(answer))

    def confirm_cancellation(self, quote_id: str) -> CancellationQuote:
        """Carry the quote out: one POST, and one verdict on whatever comes back."""
        answer = self._client.send_once(CONFIRM, id=quote_id)
        if answer.status not in {OK, CREATED, ACCEPTED}:
            raise errors.of_confirmation(failure(answer))
        confirmed = done(answer, quote, "The cancellation was accepted")
        if confirmed.confirmed_at is None:
            message = "The cancellation was accepted, but is not carried out yet."
            raise OutcomeUnknown("cancellation_pending", message, reference=answer.reference)
        return confirmed

    def cancellation(self, quote_id: str) -> CancellationQuote:
        """A quote as it is now."""
        answer = self._client.read(READ_QUOTE, id=quote_id)
        if answer.status != OK:
            raise errors.of_read(failure(answer))
        return quote(data(answer))

    def airline_changes(self, order_id: str) -> tuple[AirlineChange, ...]:
        """The airline's changes of an order, oldest first; what the filter lets through of other orders is dropped."""
        found: list[AirlineChange] = []
        for page in pages(self._client, CHANGES, {"order_id": order_id}, most=MAX_PAGES):
            found += [change(one.fields, path=one.path) for one in page.nodes("data")]
        return tuple(sorted((one for one in found if one.order_id == order_id), key=_made_at))

    def accept_change(self, change_id: str) -> AirlineChange:
        """Accept the newest change: one POST, and one verdict on whatever comes back."""
        answer = self._client.send_once(ACCEPT, id=change_id)
        if answer.status not in {OK, CREATED}:
            raise errors.of_acceptance(failure(answer))
        return done(answer, change, "The change was accepted")


def quote(value: Any, *, path: str = "data") -> CancellationQuote:
    """A cancellation, given as decoded JSON. A null refund means that the airline gives no figure."""
    node = Node.of(value, path)
    return CancellationQuote(
        id=node.text("id"),
        order_id=node.text("order_id"),
        refund=_refund(node),
        refund_to=_refund_to(node.text_or_empty("refund_to")),
        expires_at=node.moment_or_none("expires_at"),
        confirmed_at=node.moment_or_none("confirmed_at"),
    )


def _refund(node: Node) -> Money | None:
    if node.fields.get("refund_amount") is None:
        return None
    refund = node.money("refund")
    if refund.minor < 0:
        raise malformed(node.at("refund_amount"), "is less than nothing")
    return refund


def _refund_to(said: str) -> RefundTo:
    try:
        return RefundTo(said)
    except ValueError:
        return RefundTo.OTHER


def change(value: Any, *, path: str = "data") -> AirlineChange:
    """A change by the airline, given as decoded JSON. Its slices have ids of their own."""
    node = Node.of(value, path)
    return AirlineChange(
        id=node.text("id"),
        order_id=node.text("order_id"),
        added=tuple(slice_(one) for one in node.nodes("added")),
        removed=tuple(slice_(one) for one in node.nodes("removed")),
        can_accept="accept" in node.texts_or_none("available_actions"),
        taken=node.text_or_empty("action_taken"),
        created_at=node.moment_or_none("created_at"),
    )


def _made_at(one: AirlineChange) -> datetime:
    """Changes that do not say when they were made come first, in the provider's order."""
    return one.created_at or datetime.min.replace(tzinfo=UTC)
