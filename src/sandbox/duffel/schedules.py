"""Timetables: departure times, block times, flight numbers, aircraft and terminals of one airline's day on a route."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from sandbox.duffel.airlines import DUFFEL_AIRWAYS, airlines
from sandbox.duffel.draws import draw, pick
from sandbox.duffel.network import flights_a_day, operates
from sandbox.duffel.places import airports, distance_km

DAY_MINUTES = 1_440
TAXI_AND_CLIMB_MINUTES = 40  # pushback, taxi, climb and approach on top of the cruise
WIND = 0.09  # the share of cruise time the jet stream gives or takes on a long flight at its latitudes
LONG_HAUL_KM = 4_600

AIRCRAFT = {
    "E90": "Embraer 190", "223": "Airbus A220-300", "319": "Airbus A319", "320": "Airbus A320", "32N": "Airbus A320neo",
    "321": "Airbus A321", "32Q": "Airbus A321neo", "76W": "Boeing 767-300ER", "73H": "Boeing 737-800", "7M8": "Boeing 737 MAX 8",
    "332": "Airbus A330-200", "333": "Airbus A330-300", "339": "Airbus A330-900neo", "359": "Airbus A350-900",
    "351": "Airbus A350-1000", "388": "Airbus A380-800", "77W": "Boeing 777-300ER", "772": "Boeing 777-200",
    "788": "Boeing 787-8", "789": "Boeing 787-9", "78X": "Boeing 787-10",
}  # fmt: skip
_BOEING_ONLY = frozenset({"FR", "LS", "WN", "PC", "WS"})
_AIRBUS_ONLY = frozenset({"U2", "W6", "VY", "6E", "NK", "B6"})
# Fleets a frequent flyer would recognise; other airlines draw from the common wide-body types.
_WIDE_BODIES = {
    "BA": "77W 772 789 78X 351 388", "VS": "333 339 351 789", "AA": "77W 772 788 789", "DL": "333 339 359 332",
    "UA": "77W 772 789 78X", "AF": "77W 359 789 332", "KL": "77W 772 789 78X 333", "EK": "77W 388 359",
    "LH": "359 388 789 333", "LX": "77W 333 359", "TK": "77W 333 359 789", "QR": "77W 359 351 788 388",
    "SQ": "359 388 77W 78X", "CX": "359 351 77W 333", "IB": "332 333 359", "EI": "332 333", "AC": "77W 789 788 333",
    "QF": "789 388 333", "LO": "788 789", "AY": "359 333", "NH": "77W 789 78X", "JL": "77W 789 351", "FI": "76W",
}  # fmt: skip
# Terminals a frequent flyer knows; others are drawn for large airports and null for the rest, as in real answers.
_TERMINALS = {
    ("LHR", "BA"): "5", ("LHR", "IB"): "5", ("LHR", "AA"): "3", ("LHR", "VS"): "3", ("LHR", "DL"): "3", ("LHR", "B6"): "2",
    ("LHR", "UA"): "2", ("LHR", "LH"): "2", ("LHR", "AF"): "4", ("LHR", "KL"): "4", ("JFK", "BA"): "8", ("JFK", "AA"): "8",
    ("JFK", "DL"): "4", ("JFK", "VS"): "4", ("JFK", "B6"): "5", ("CDG", "AF"): "2E", ("MAD", "IB"): "4", ("DXB", "EK"): "3",
    ("BCN", "VY"): "1", ("BCN", "U2"): "2C", ("MUC", "LH"): "2", ("FRA", "LH"): "1", ("FCO", "AZ"): "1",
}  # fmt: skip
_TERMINALS_OF = {
    "LHR": "234",
    "JFK": "1478",
    "CDG": "12",
    "EWR": "ABC",
    "LAX": "B",
    "MAD": "1",
    "FRA": "12",
    "BCN": "1",
    "LGW": "NS",
}


@dataclass(frozen=True, slots=True)
class Leg:
    """One flight on one day. Both times are aware UTC."""

    marketing: str
    operating: str
    number: str
    operating_number: str | None
    origin: str
    destination: str
    departs: datetime
    arrives: datetime
    aircraft: str
    slot: int
    stop: str | None = None

    @property
    def minutes(self) -> int:
        """The block time."""
        return round((self.arrives - self.departs).total_seconds() / 60)

    @property
    def key(self) -> str:
        """Names the flight on its day: the same in every search."""
        return f"{self.marketing}{self.number}/{self.origin}{self.destination}/{self.departs:%Y%m%d%H%M}"


def _eastward(origin: str, destination: str) -> float:
    """Return the eastward part of the initial course, -1 (due west) to 1."""
    a, b = airports()[origin], airports()[destination]
    lat1, lat2 = math.radians(a.latitude), math.radians(b.latitude)
    dlon = math.radians(b.longitude - a.longitude)
    east = math.sin(dlon) * math.cos(lat2)
    north = math.cos(lat1) * math.sin(lat2) - math.sin(lat1) * math.cos(lat2) * math.cos(dlon)
    return math.sin(math.atan2(east, north))


@lru_cache(maxsize=100_000)
def block_minutes(origin: str, destination: str) -> int:
    """Return the scheduled gate-to-gate time: slower cruise on short hops, jet stream at middle latitudes."""
    km = distance_km(origin, destination)
    speed = 640 + 190 * math.sqrt(min(1.0, km / 4_000))
    latitude = abs(airports()[origin].latitude + airports()[destination].latitude) / 2
    band = max(0.0, 1 - abs(latitude - 45) / 35)
    cruise = km / speed * 60 * (1 - WIND * _eastward(origin, destination) * band * min(1.0, km / 3_000))
    return 5 * math.ceil((TAXI_AND_CLIMB_MINUTES + cruise) / 5)


@lru_cache(maxsize=20_000)
def departure_minutes(airline: str, origin: str, destination: str, offset: int, flights: int) -> tuple[int, ...]:
    """Return the local departure times (minutes after midnight) of one day's flights.

    `offset` is how many minutes the destination's clock is ahead. Times spread over the part of the day in which both
    ends are open: no short flight lands at three in the morning, and flights to Europe from the west leave at night.
    """
    km, block = distance_km(origin, destination), block_minutes(origin, destination)
    candidates = [
        m for m in range(0, DAY_MINUTES, 5) if _civil(origin, destination, m, (m + block + offset) % DAY_MINUTES, km)
    ]
    candidates = candidates or list(range(9 * 60, 14 * 60, 5))
    times = set()
    for k in range(flights):
        where = (k + 0.1 + 0.8 * draw("dep", airline, origin, destination, k)) / flights
        times.add(candidates[int(where * len(candidates))])
    return tuple(sorted(times))


def _civil(origin: str, destination: str, departs: int, arrives: int, km: float) -> bool:
    if km <= LONG_HAUL_KM:
        return 6 * 60 <= departs <= 21 * 60 + 45 and (arrives >= 6 * 60 + 30 or arrives == 0)
    regions = airports()[origin].region, airports()[destination].region
    if regions in {("NA", "EU"), ("LA", "EU")} and departs < 16 * 60 + 30:
        return False
    night = "ME" in regions or "AS" in regions or "SA" in regions
    leaves = 7 * 60 <= departs <= 23 * 60 + 15 or (night and departs <= 2 * 60)
    return leaves and 5 * 60 <= arrives <= 23 * 60 + 30


@lru_cache(maxsize=50_000)
def legs(airline: str, origin: str, destination: str, day: date) -> tuple[Leg, ...]:
    """Return the airline's non-stop flights that leave `origin` on the local date `day`, earliest first."""
    count = flights_a_day(airline, origin, destination)
    if not count or not operates(airline, origin, destination, day.weekday()):
        return ()
    noon = datetime.combine(day, time(12))
    ahead = noon.replace(tzinfo=airports()[destination].tzinfo).utcoffset() or timedelta()
    here = noon.replace(tzinfo=airports()[origin].tzinfo).utcoffset() or timedelta()
    offset = round((ahead - here).total_seconds() / 60)
    times = departure_minutes(airline, origin, destination, offset, count)
    return tuple(_leg(airline, origin, destination, day, slot, minutes) for slot, minutes in enumerate(times))


def _leg(airline: str, origin: str, destination: str, day: date, slot: int, minutes: int) -> Leg:
    local = datetime.combine(day, time(minutes // 60, minutes % 60), airports()[origin].tzinfo)
    departs = local.astimezone(UTC)
    number = flight_number(airline, origin, destination, slot)
    return Leg(
        marketing=airline,
        operating=airline,
        number=number,
        operating_number=number,
        origin=origin,
        destination=destination,
        departs=departs,
        arrives=departs + timedelta(minutes=block_minutes(origin, destination)),
        aircraft=aircraft_for(airline, distance_km(origin, destination), slot, origin, destination),
        slot=slot,
    )


def flight_number(airline: str, origin: str, destination: str, slot: int) -> str:
    """Return a number that never changes for a route and slot: low for long flights, even on the way back."""
    first, second = sorted((origin, destination))
    low, span = (1, 140) if distance_km(origin, destination) > LONG_HAUL_KM else (300, 600)
    if airlines()[airline].low_cost:
        low, span = 1_000, 3_500
    base = low + 2 * pick(span, "number", airline, first, second)
    outbound = origin in airlines()[airline].hubs or (airline == DUFFEL_AIRWAYS and origin == first)
    return str(base + 2 * slot + (0 if outbound else 1))


def aircraft_for(airline: str, km: float, slot: int, *route: str) -> str:
    """Return the IATA type code of an aircraft the airline would send that far."""
    if km > LONG_HAUL_KM and airlines()[airline].low_cost:
        return "32Q" if airline == "B6" else "789"
    if km > LONG_HAUL_KM:
        fleet = _WIDE_BODIES.get(airline, "789 77W 359 333 788 339").split()
    elif airline in _BOEING_ONLY:
        fleet = ["73H", "7M8"]
    elif airline in _AIRBUS_ONLY:
        fleet = ["320", "32N", "321"]
    else:
        fleet = ["E90", "223", "319", "320"] if km < 900 else ["320", "32N", "321", "32Q"]  # noqa: PLR2004
    return fleet[pick(len(fleet), "aircraft", airline, *sorted(route), slot)]


@lru_cache(maxsize=20_000)
def terminal(airport: str, airline: str) -> str | None:
    """Return the airline's terminal, or None where airlines do not tell Duffel."""
    if (airport, airline) in _TERMINALS:
        return _TERMINALS[airport, airline]
    known = _TERMINALS_OF.get(airport)
    return known[pick(len(known), "terminal", airport, airline)] if known else None
