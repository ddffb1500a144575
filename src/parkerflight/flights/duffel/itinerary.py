"""Where and when: slices, segments, places and bags, which offers, orders and changes share."""

from __future__ import annotations

from parkerflight.flights.duffel.wire import Node
from parkerflight.flights.types import Baggage, Place, Segment, Slice


def slices(node: Node) -> tuple[Slice, ...]:
    """The slices of an offer or order."""
    return tuple(slice_(one) for one in node.some_nodes("slices"))


def slice_(node: Node) -> Slice:
    """One direction of an offer, an order or a change."""
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
