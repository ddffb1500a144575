"""Puts the fare model's moving dollars on journeys."""

from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from sandbox.duffel.brands import airline_factor, journey_factor
from sandbox.duffel.itineraries import Itinerary
from sandbox.duffel.places import airports
from sandbox.fares import FareModel, Flights, route_base_usd, route_key

_EPOCH = date(1970, 1, 1)
# A child pays three quarters of the seat, an infant on a lap a tenth: the usual published discounts.
CHILD_SHARE, INFANT_SHARE = 0.75, 0.1


class Prices:
    """Economy fares in US dollars: the same flight, party and virtual moment always cost the same."""

    def __init__(self, seed: int) -> None:
        self._model = FareModel(seed)

    def seat_usd(self, itineraries: Sequence[Itinerary], at: float, seats: int) -> NDArray[np.float64]:
        """Return the price of one seat on each journey when `seats` are bought together at unix time `at`."""
        return np.asarray(self._model.party_price_usd(_flights(itineraries), at, max(1, seats)), dtype=np.float64)


def _flights(itineraries: Sequence[Itinerary]) -> Flights:
    departures = [i.legs[0].departs for i in itineraries]
    local = [d.astimezone(airports()[i.origin].tzinfo).date() for d, i in zip(departures, itineraries, strict=True)]
    base = [route_base_usd(i.origin, i.destination) * airline_factor(i.owner) * journey_factor(i) for i in itineraries]
    return Flights(
        route=np.array([route_key(i.origin, i.destination) for i in itineraries]),
        departure_day=np.array([(day - _EPOCH).days for day in local]),
        slot=np.array([i.slot for i in itineraries]),
        base_usd=np.array(base),
        departs_at=np.array([d.timestamp() for d in departures]),
    )
