"""Which airline flies which route without a stop, and how often a day."""

from functools import lru_cache

from sandbox.duffel.airlines import DUFFEL_AIRWAYS, Airline, airlines
from sandbox.duffel.draws import draw
from sandbox.duffel.magic import is_short
from sandbox.duffel.places import Airport, airports, distance_km

SHORTEST_KM = 120  # below this people take the train, and block times make no sense
SHORT_HAUL_KM = 4_600  # the longest flight within one region: New York to San Francisco, Lisbon to Istanbul
LOW_COST_KM = 4_200  # what a single-aisle aircraft sells without a galley
LONGEST_KM = 14_000  # only the pinned routes below are longer
TEST_AIRLINE_KM = 17_000  # Duffel's test airline sells anything short of the antipodes

# Flights a day on routes any frequent flyer knows; both directions.
PINNED = {
    ("BA", "JFK", "LHR"): 6, ("VS", "JFK", "LHR"): 4, ("AA", "JFK", "LHR"): 3, ("DL", "JFK", "LHR"): 2,
    ("B6", "JFK", "LHR"): 2, ("UA", "EWR", "LHR"): 4, ("BA", "EWR", "LHR"): 2, ("AA", "DFW", "LHR"): 3,
    ("AA", "MIA", "LHR"): 2, ("AA", "ORD", "LHR"): 2, ("AA", "LAX", "LHR"): 1, ("AA", "BOS", "LHR"): 0,
    ("UA", "IAD", "LHR"): 2, ("UA", "SFO", "LHR"): 2, ("UA", "ORD", "LHR"): 2, ("DL", "ATL", "LHR"): 2,
    ("DL", "BOS", "LHR"): 1, ("AF", "CDG", "JFK"): 5, ("DL", "CDG", "JFK"): 2, ("AA", "CDG", "JFK"): 1,
    ("B6", "CDG", "JFK"): 1, ("LH", "FRA", "JFK"): 2, ("KL", "AMS", "JFK"): 2, ("DL", "AMS", "JFK"): 1,
    ("SQ", "JFK", "SIN"): 1, ("SQ", "EWR", "SIN"): 1, ("QF", "LHR", "PER"): 1, ("QF", "LHR", "SYD"): 0,
    ("NZ", "AKL", "JFK"): 1, ("SQ", "LHR", "SIN"): 4, ("BA", "LHR", "SIN"): 2, ("EK", "DXB", "LHR"): 6,
    ("EK", "DXB", "LGW"): 3, ("VS", "LHR", "SFO"): 1, ("VS", "LHR", "LAX"): 2, ("BA", "LHR", "LAX"): 2,
    ("BA", "CDG", "LHR"): 6, ("AF", "CDG", "LHR"): 5, ("VY", "BCN", "LGW"): 4, ("VY", "BCN", "LHR"): 2,
    ("BA", "BCN", "LHR"): 6, ("U2", "BCN", "LGW"): 3, ("BA", "BCN", "LGW"): 2, ("QF", "MEL", "SYD"): 6,
    ("DL", "JFK", "LAX"): 6, ("AA", "JFK", "LAX"): 6, ("B6", "JFK", "LAX"): 5, ("UA", "EWR", "LAX"): 6,
    ("JL", "HND", "ITM"): 6, ("NH", "HND", "ITM"): 6, ("LH", "FRA", "LHR"): 6, ("KL", "AMS", "LHR"): 6,
    ("TP", "LHR", "LIS"): 5, ("IB", "LHR", "MAD"): 5, ("AI", "BOM", "DEL"): 6, ("6E", "BOM", "DEL"): 6,
}  # fmt: skip

# Virgin sells a small network: everything else from Heathrow or Manchester would look wrong.
ONLY = {
    "VS": frozenset(
        [
            "JFK",
            "BOS",
            "IAD",
            "ATL",
            "MIA",
            "MCO",
            "LAX",
            "SFO",
            "SEA",
            "LAS",
            "TPA",
            "DEL",
            "BOM",
            "BLR",
            "JNB",
            "CPT",
            "LOS",
        ]
    )
}
# Low-cost airlines with a few long flights to large airports.
LONG_RANGE_LOW_COST = {
    "B6": frozenset({"LHR", "LGW", "CDG", "AMS", "DUB", "EDI"}),
    "WS": frozenset({"LHR", "CDG", "DUB"}),
}


@lru_cache(maxsize=100_000)
def flights_a_day(code: str, origin: str, destination: str) -> int:
    """Return how many non-stop flights a day the airline has on the route; 0 when it does not fly it."""
    km = distance_km(origin, destination)
    if code == DUFFEL_AIRWAYS:
        return 3 if SHORTEST_KM <= km <= TEST_AIRLINE_KM or is_short(origin, destination) else 0
    first, second = sorted((origin, destination))
    if (code, first, second) in PINNED:
        return PINNED[code, first, second]
    if km < SHORTEST_KM or km > LONGEST_KM:
        return 0
    airline, table = airlines()[code], airports()
    ends = ((table[origin], table[destination]), (table[destination], table[origin]))
    return max((_from_station(airline, hub, other, km) for hub, other in ends), default=0)


def _from_station(airline: Airline, station: Airport, other: Airport, km: float) -> int:
    is_hub = station.code in airline.hubs
    if not is_hub and station.code not in airline.bases:
        return 0
    if other.code in airline.avoids or other.code not in ONLY.get(airline.code, (other.code,)):
        return 0
    if airline.low_cost:
        return _low_cost(airline, station, other, km)
    if other.region == airline.region and km <= SHORT_HAUL_KM:
        return _short_haul(airline, station, other, km)
    return _long_haul(airline, station, other, km) if is_hub else 0


def _low_cost(airline: Airline, station: Airport, other: Airport, km: float) -> int:
    far = other.code in LONG_RANGE_LOW_COST.get(airline.code, ())
    near = km <= LOW_COST_KM and other.region in airline.reach | {airline.region} and other.tier <= 3  # noqa: PLR2004
    if far and station.code in airline.hubs and km < LONGEST_KM / 2:
        return 1
    if not near or draw("lcc", airline.code, *sorted((station.code, other.code))) > 0.75:  # noqa: PLR2004
        return 0
    return max(1, 4 - other.tier)


def _short_haul(airline: Airline, station: Airport, other: Airport, km: float) -> int:
    if other.tier == 4:  # noqa: PLR2004  # local airports are served by the home airline from its main hub only
        return int(other.country == airline.country and station.code == airline.hubs[0] and km < 1_500)  # noqa: PLR2004
    odds = 1.0 if other.country == airline.country else {1: 1.0, 2: 0.92, 3: 0.7}[other.tier]
    if draw("short", airline.code, *sorted((station.code, other.code))) > odds:
        return 0
    return {1: 5, 2: 3, 3: 2}[other.tier]


def _long_haul(airline: Airline, station: Airport, other: Airport, km: float) -> int:
    if other.region not in airline.reach | {airline.region}:
        return 0
    main = station.code == airline.hubs[0]
    second = station.code in airline.hubs[:2] and station.tier == 1
    near = km < 9_500  # noqa: PLR2004  # beyond this only main hubs pay
    odds = {
        1: 0.95 if main else 0.85 if second else 0.6 if near else 0.2,
        2: 0.55 if main else 0.15,
        3: 0.12 if main else 0.0,
    }.get(other.tier, 0.0)
    if draw("long", airline.code, *sorted((station.code, other.code))) > odds:
        return 0
    return 2 if main and other.tier == 1 else 1


@lru_cache(maxsize=50_000)
def operates(code: str, origin: str, destination: str, weekday: int) -> bool:
    """Tell whether the route is flown on a weekday (0 = Monday): thin routes rest two days a week."""
    thin = max(airports()[origin].tier, airports()[destination].tier) >= 3  # noqa: PLR2004
    return code == DUFFEL_AIRWAYS or not thin or draw("day", code, *sorted((origin, destination)), weekday) < 5 / 7
