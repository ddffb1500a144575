"""Duffel's JSON into our types. Unknown fields are ignored; missing optional ones mean unknown or none.

A required field that is missing or of the wrong type raises Terminal("malformed_offer") whose message begins with the
field's path, such as `slices[0].segments[1].departing_at`. Both the v1 and the v2 names of captured answers are read.
"""

from __future__ import annotations

from typing import Any

from parkerflight.core.errors import Terminal
from parkerflight.flights.duffel.wire import Node, malformed
from parkerflight.flights.types import (
    UNKNOWN_CONDITION,
    AirlineChange,
    Baggage,
    CancellationQuote,
    Condition,
    Offer,
    OfferPassenger,
    Order,
    OrderState,
    Place,
    ProviderEvent,
    RefundTo,
    Segment,
    Slice,
    Ticket,
)


def offer(value: Any, *, path: str = "", offer_request_id: str = "") -> Offer:
    """One offer, given as decoded JSON; `path` is where it stood, for messages."""
    node = Node.of(value, path)
    offer_id, total = node.text("id"), node.money("total")
    if total.minor <= 0:
        raise malformed(node.at("total_amount"), "is not a price")
    # Orders have ids, totals and slices too; what tells an offer apart is that it expires.
    if "expires_at" not in node.fields:
        raise malformed(node.at("expires_at"), "is missing")
    owner = node.node("owner")
    terms = node.node_or_none("payment_requirements") or Node({})
    return Offer(
        id=offer_id,
        offer_request_id=offer_request_id or node.text_or_empty("offer_request_id"),
        total=total,
        owner=owner.text_or_empty("iata_code"),
        owner_name=owner.text_or_empty("name"),
        slices=slices(node),
        passengers=tuple(_offer_passenger(one) for one in node.some_nodes("passengers")),
        expires_at=node.moment_or_none("expires_at"),
        live_mode=node.flag_or("live_mode", default=False),
        # Where nothing is said the fare must be paid at once: a hold is only what was offered as one.
        requires_instant_payment=terms.flag_or("requires_instant_payment", default=True),
        payment_required_by=terms.moment_or_none("payment_required_by"),
        price_guarantee_expires_at=terms.moment_or_none("price_guarantee_expires_at"),
        documents_required=node.flag_or("passenger_identity_documents_required", default=False),
        supported_documents=node.texts_or_none("supported_passenger_identity_document_types")
        or node.texts_or_none("allowed_passenger_identity_document_types"),
        refund=_condition(node, "refund_before_departure"),
        change=_condition(node, "change_before_departure"),
    )


def offers(value: Any, *, path: str = "") -> tuple[list[Offer], list[str]]:
    """The offers of an offer request, and for each malformed one what is wrong with it."""
    node = Node.of(value, path)
    request_id, found, problems = node.text_or_empty("id"), [], []
    for index, item in enumerate(node.require("offers", list, "a list")):
        try:
            found.append(offer(item, path=f"{node.at('offers')}[{index}]", offer_request_id=request_id))
        except Terminal as error:
            problems.append(str(error))
    return found, problems


def order(value: Any, *, path: str = "") -> Order:
    """One order, given as decoded JSON. Its state is derived: the wire has none."""
    node = Node.of(value, path)
    owner = node.node_or_none("owner") or Node({})
    payment = node.node_or_none("payment_status") or Node({})
    tickets = tuple(_ticket(one) for one in node.nodes_or_none("documents") if _is_ticket(one))
    passenger_ids = tuple(one.text("id") for one in node.nodes("passengers"))
    return Order(
        id=node.text("id"),
        offer_id=node.text_or_empty("offer_id"),
        booking_reference=node.text_or_empty("booking_reference"),
        total=node.money("total"),
        owner=owner.text_or_empty("iata_code"),
        owner_name=owner.text_or_empty("name"),
        slices=slices(node),
        passenger_ids=passenger_ids,
        tickets=tickets,
        state=_state(node, tickets, passenger_ids),
        created_at=node.moment_or_none("created_at"),
        metadata=_metadata(node),
        refund=_condition(node, "refund_before_departure"),
        change=_condition(node, "change_before_departure"),
        payment_required_by=payment.moment_or_none("payment_required_by"),
        price_guarantee_expires_at=payment.moment_or_none("price_guarantee_expires_at"),
        paid_at=payment.moment_or_none("paid_at"),
        void_window_ends_at=node.moment_or_none("void_window_ends_at"),
        can_cancel="cancel" in node.texts_or_none("available_actions"),
    )


def cancellation(value: Any, *, path: str = "") -> CancellationQuote:
    """A cancellation, quoted or carried out."""
    node = Node.of(value, path)
    to = node.text_or_empty("refund_to")
    return CancellationQuote(
        id=node.text("id"),
        order_id=node.text("order_id"),
        refund=node.money_or_none("refund"),
        refund_to=RefundTo(to) if to in set(RefundTo) else RefundTo.OTHER,
        expires_at=node.moment_or_none("expires_at"),
        confirmed_at=node.moment_or_none("confirmed_at"),
    )


def airline_change(value: Any, *, path: str = "") -> AirlineChange:
    """A change an airline made on its own."""
    node = Node.of(value, path)
    taken = node.text_or_empty("action_taken")
    return AirlineChange(
        id=node.text("id"),
        order_id=node.text("order_id"),
        added=tuple(_slice(one) for one in node.nodes_or_none("added")),
        removed=tuple(_slice(one) for one in node.nodes_or_none("removed")),
        can_accept="accept" in node.texts_or_none("available_actions") and not taken,
        taken=taken,
        created_at=node.moment_or_none("created_at"),
    )


def event(value: Any) -> ProviderEvent:
    """A webhook's content: ids only. `offer_id` is the key to our attempt where there is no order yet."""
    node = Node.of(value, "")
    thing = node.node("data").node("object")
    kind, own = node.text("type"), thing.text_or_empty("id")
    order_id = thing.text_or_empty("order_id") or (own if own.startswith("ord_") else "")
    about = (
        thing.text_or_empty("aic_id") or node.text_or_empty("idempotency_key") or own or thing.text_or_empty("offer_id")
    )
    return ProviderEvent(
        id=node.text("id"), kind=kind, object_id=about, order_id=order_id, offer_id=thing.text_or_empty("offer_id")
    )


def slices(node: Node) -> tuple[Slice, ...]:
    """The slices of an offer or order."""
    return tuple(_slice(one) for one in node.some_nodes("slices"))


def _slice(node: Node) -> Slice:
    segments = tuple(_segment(one) for one in node.some_nodes("segments"))
    return Slice(
        id=node.text_or_empty("id"),
        origin=_place(node.node("origin")),
        destination=_place(node.node("destination")),
        segments=segments,
        duration=node.duration_or_none("duration"),
        fare_brand=node.text_or_empty("fare_brand_name"),
    )


def _segment(node: Node) -> Segment:
    marketing = node.node("marketing_carrier")
    operating = node.node_or_none("operating_carrier") or marketing
    passengers = [(one.text("passenger_id"), one) for one in node.nodes_or_none("passengers")]
    return Segment(
        id=node.text_or_empty("id"),
        origin=_place(node.node("origin")),
        destination=_place(node.node("destination")),
        departing_at=node.local("departing_at"),
        arriving_at=node.local("arriving_at"),
        marketing_carrier=marketing.text_or_empty("iata_code"),
        marketing_flight_number=node.text_or_empty("marketing_carrier_flight_number"),
        operating_carrier=operating.text_or_empty("iata_code"),
        operating_carrier_name=operating.text_or_empty("name"),
        duration=node.duration_or_none("duration"),
        baggage={name: _baggage(one) for name, one in passengers},
        cabins={name: one.text_or_empty("cabin_class") for name, one in passengers},
        stops=len(node.nodes_or_none("stops")),
    )


def _place(node: Node) -> Place:
    city = node.node_or_none("city") or Node({})
    return Place(
        iata_code=node.text("iata_code"),
        name=node.text_or_empty("name"),
        city_name=node.text_or_empty("city_name") or city.text_or_empty("name"),
        time_zone=node.text_or_empty("time_zone"),
        city_code=node.text_or_empty("iata_city_code") or city.text_or_empty("iata_code"),
    )


def _baggage(node: Node) -> Baggage:
    counts = {"checked": 0, "carry_on": 0}
    for one in node.nodes_or_none("baggages"):
        kind = one.text_or_empty("type")
        if kind in counts:
            counts[kind] += one.whole_or("quantity", 0)
    return Baggage(**counts)


def _offer_passenger(node: Node) -> OfferPassenger:
    age = node.whole_or("age", -1)
    kind = node.text_or_empty("type") or "adult"
    return OfferPassenger(id=node.text("id"), kind=kind, age=age if age >= 0 else None)


def _condition(node: Node, name: str) -> Condition:
    """A condition that is null or absent is unknown; so is a penalty, even where the change is allowed."""
    found = (node.node_or_none("conditions") or Node({})).node_or_none(name)
    if found is None or not isinstance(found.fields.get("allowed"), bool):
        return UNKNOWN_CONDITION
    return Condition(allowed=found.flag("allowed"), penalty=found.money_or_none("penalty"))


def _is_ticket(node: Node) -> bool:
    """Old answers leave the type out; they had tickets only."""
    return node.text_or_empty("type") in {"electronic_ticket", ""}


def _ticket(node: Node) -> Ticket:
    return Ticket(number=node.text_or_empty("unique_identifier"), passenger_ids=node.texts_or_none("passenger_ids"))


def _state(node: Node, tickets: tuple[Ticket, ...], passenger_ids: tuple[str, ...]) -> OrderState:
    """Cancelled, held, lapsed, ticketed or confirmed, in that order of precedence."""
    payment = node.node_or_none("payment_status") or Node({})
    if node.text_or_empty("cancelled_at"):
        return OrderState.CANCELLED
    if payment.flag_or("awaiting_payment", default=False):
        return OrderState.HELD
    # An unpaid hold stops «awaiting payment» at its deadline, without having been paid.
    held = node.text_or_empty("type") in {"hold", "pay_later"} or bool(payment.text_or_empty("payment_required_by"))
    if held and not payment.text_or_empty("paid_at") and not tickets:
        return OrderState.LAPSED
    return OrderState.TICKETED if _all_ticketed(tickets, passenger_ids) else OrderState.CONFIRMED


def _all_ticketed(tickets: tuple[Ticket, ...], passenger_ids: tuple[str, ...]) -> bool:
    """Each passenger has a ticket; one that does not say for whom counts for one passenger."""
    named = {passenger for ticket in tickets for passenger in ticket.passenger_ids}
    unnamed = sum(not ticket.passenger_ids for ticket in tickets)
    return bool(tickets) and len(set(passenger_ids) - named) <= unnamed


def _metadata(node: Node) -> dict[str, str]:
    found = node.node_or_none("metadata") or Node({})
    return {key: value for key, value in found.fields.items() if isinstance(value, str)}
