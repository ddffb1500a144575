"""Fare brands: what a ticket of a cabin includes, allows and costs."""

from dataclasses import dataclass

from sandbox.duffel.airlines import DUFFEL_AIRWAYS, airlines
from sandbox.duffel.draws import draw, pick
from sandbox.duffel.itineraries import Itinerary
from sandbox.duffel.places import airports, distance_km
from sandbox.duffel.schedules import LONG_HAUL_KM

CABINS = ("economy", "premium_economy", "business", "first")
CABIN_NAMES = {"economy": "Economy", "premium_economy": "Premium Economy", "business": "Business", "first": "First"}
# Multiples of the economy fare, long flights and short ones; None: the cabin is not sold there.
_CABIN_FACTOR = {"economy": (1.0, 1.0), "premium_economy": (1.75, None), "business": (3.9, 2.4), "first": (6.8, None)}
FIRST_CLASS = frozenset(["BA", "AF", "LH", "LX", "EK", "SQ", "QF", "JL", "NH", "CX", "AA", "ZZ", "QR", "EY", "KE"])


@dataclass(frozen=True, slots=True)
class Brand:
    """One fare brand. `change` and `refund`: "yes" free, "fee", "no", or "unknown" when the airline does not say."""

    name: str | None
    factor: float
    checked_bags: int
    shelf: int
    change: str
    refund: str
    letter: str


_LEGACY = (
    Brand("Economy Light", 1.0, 0, 1, "no", "no", "O"),
    Brand("Economy Classic", 1.17, 1, 2, "fee", "no", "M"),
    Brand("Economy Flex", 1.48, 1, 3, "yes", "fee", "Y"),
)
_LOW_COST = (
    Brand("Basic", 1.0, 0, 1, "fee", "no", "P"),
    Brand("Plus", 1.32, 1, 2, "fee", "no", "K"),
    Brand("Flex", 1.7, 1, 3, "yes", "fee", "F"),
)
_TEST_AIRLINE = (
    Brand("Basic", 1.0, 1, 1, "no", "no", "Y"),
    Brand("Standard", 1.12, 1, 2, "fee", "fee", "Y"),
    Brand("Flex", 1.3, 2, 3, "yes", "yes", "Y"),
)
_SILENT = (Brand(None, 1.0, 1, 1, "unknown", "unknown", "L"),)
_FRONT = {
    "premium_economy": (Brand("Premium Economy", 1.0, 2, 3, "fee", "fee", "W"),),
    "business": (
        Brand("Business", 1.0, 2, 4, "fee", "fee", "D"),
        Brand("Business Flex", 1.22, 2, 4, "yes", "yes", "J"),
    ),
    "first": (Brand("First", 1.0, 3, 5, "yes", "yes", "F"),),
}
# Airlines that give Duffel no brand names and no conditions: null must be met, not only documented.
SILENT_AIRLINES = frozenset({"JL", "MU", "SV", "AT", "VN"})


def is_long(itinerary: Itinerary) -> bool:
    """Tell whether the journey is sold with long-haul cabins."""
    return distance_km(itinerary.origin, itinerary.destination) > LONG_HAUL_KM


def cabin_factor(itinerary: Itinerary, cabin: str) -> float | None:
    """Return what the cabin costs in economy fares, or None where the airline does not sell it."""
    low_cost = airlines()[itinerary.owner].low_cost
    if cabin != "economy" and (low_cost and itinerary.owner != "B6"):
        return None
    if cabin == "first" and itinerary.owner not in FIRST_CLASS:
        return None
    return _CABIN_FACTOR[cabin][0 if is_long(itinerary) else 1]


def brands_for(itinerary: Itinerary, cabin: str) -> tuple[Brand, ...]:
    """Return the brands offered for a journey, cheapest first; connecting journeys come in fewer."""
    owner = itinerary.owner
    if cabin != "economy":
        return _FRONT[cabin]
    if owner in SILENT_AIRLINES:
        return _SILENT
    family = _TEST_AIRLINE if owner == DUFFEL_AIRWAYS else _LOW_COST if airlines()[owner].low_cost else _LEGACY
    return family[: 2 if len(itinerary.legs) > 1 else 3]


def airline_factor(owner: str) -> float:
    """Return how dear the airline is beside the route's base fare."""
    if owner == DUFFEL_AIRWAYS:
        return 0.9
    return (0.6 if airlines()[owner].low_cost else 0.92) + 0.25 * draw("dear", owner)


def journey_factor(itinerary: Itinerary) -> float:
    """Return how a journey's convenience moves its price: changes and long waits are cheaper, on average."""
    regions = {airports()[code].region for code in (itinerary.origin, itinerary.destination)}
    # The fare levels come from American data; Europe's short flights cost little more than half of them.
    level = 0.6 if regions == {"EU"} else 1.0
    if len(itinerary.legs) == 1:
        return level * (0.94 + 0.14 * draw("hour", itinerary.owner, itinerary.legs[0].slot))
    return level * (0.76 + 0.16 * draw("via", *(leg.marketing + leg.number for leg in itinerary.legs)))


def fare_basis(itinerary: Itinerary, brand: Brand) -> str:
    """Return a fare basis code in the usual shape: booking class, season and rule letters."""
    rule = pick(90, "basis", itinerary.owner, itinerary.origin, itinerary.destination) + 10
    return f"{brand.letter}{'LHKX'[rule % 4]}{rule}{'X' if is_long(itinerary) else 'R'}{airlines()[itinerary.owner].country}"
