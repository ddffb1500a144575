"""Duffel's JSON into our types. Unknown fields are ignored; missing optional ones mean unknown or none.

A required field that is missing or of the wrong type raises Terminal("malformed_offer") whose message begins with the
field's path, such as `slices[0].segments[1].departing_at`. Both the v1 and the v2 names of captured answers are read.
"""

from __future__ import annotations

from typing import Any

from parkerflight.core.errors import Terminal
from parkerflight.flights.duffel.itinerary import slices
from parkerflight.flights.duffel.wire import Node, malformed
from parkerflight.flights.types import (
    UNKNOWN_CONDITION,
    Condition,
    Offer,
    OfferPassenger,
    Order,
    OrderState,
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
