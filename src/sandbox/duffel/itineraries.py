"""Journeys for one slice: non-stop flights and legal connections through an airline's hubs."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

from sandbox.duffel.airlines import DUFFEL_AIRWAYS, airlines
from sandbox.duffel.draws import pick
from sandbox.duffel.network import flights_a_day
from sandbox.duffel.places import airports, distance_km
from sandbox.duffel.schedules import LONG_HAUL_KM, Leg, legs

LONGEST_LAYOVER = timedelta(hours=6)
PER_AIRLINE = 2  # connections kept for one airline, the shortest journeys
CONNECTIONS_KEPT = 12  # what a results page would show below the non-stop flights
NONSTOP_KEPT = 30  # bounds city searches, where six London airports meet three of New York
# A journey may be this much longer than the direct way before nobody would take it.
DETOUR, DETOUR_KM = 1.45, 350
SHORTEST_CONNECTING_KM = 500
TEST_HUBS = ("LHR", "CDG", "JFK", "DXB", "SIN", "GRU")  # where Duffel's test airline connects


@dataclass(frozen=True, slots=True)
class Itinerary:
    """One journey sold by `owner` under one ticket."""

    owner: str
    legs: tuple[Leg, ...]

    @property
    def minutes(self) -> int:
        """Minutes from the first departure to the last arrival."""
        return round((self.legs[-1].arrives - self.legs[0].departs).total_seconds() / 60)

    @property
    def key(self) -> str:
        return "+".join(leg.key for leg in self.legs)

    @property
    def origin(self) -> str:
        return self.legs[0].origin

    @property
    def destination(self) -> str:
        return self.legs[-1].destination

    @property
    def slot(self) -> int:
        """Names this journey among those of the same route and day, for the fare model."""
        return pick(100_000, "slot", *((leg.marketing, leg.number) for leg in self.legs))


def minimum_connection(arriving: Leg, departing: Leg) -> timedelta:
    """Return the legal minimum between two flights: 45 min domestic, 60 international, 90 with a long flight."""
    table = airports()
    if max(distance_km(leg.origin, leg.destination) for leg in (arriving, departing)) > LONG_HAUL_KM:
        return timedelta(minutes=90 if table[arriving.destination].region == "NA" else 75)
    countries = {table[code].country for code in (arriving.origin, arriving.destination, departing.destination)}
    return timedelta(minutes=45 if len(countries) == 1 else 60)


@lru_cache(maxsize=4_096)
def journeys(origin: str, destination: str, day: date, connections: int) -> tuple[Itinerary, ...]:
    """Return the journeys between two airports on a local date with at most `connections` changes, in a stable order."""
    found = list(_nonstop(origin, destination, day))
    if connections >= 1:
        found += _best(_one_change(origin, destination, day))
    if connections >= 2:  # noqa: PLR2004
        found += _best(_two_changes(origin, destination, day))
    return tuple(found)


def _nonstop(origin: str, destination: str, day: date) -> Iterator[Itinerary]:
    for code in airlines():
        yield from (Itinerary(code, (leg,)) for leg in legs(code, origin, destination, day))


def _best(found: Iterable[Itinerary]) -> list[Itinerary]:
    by_owner: dict[str, list[Itinerary]] = defaultdict(list)
    for itinerary in sorted(found, key=lambda i: (i.minutes, i.key)):
        if len(by_owner[itinerary.owner]) < PER_AIRLINE:
            by_owner[itinerary.owner].append(itinerary)
    kept = [itinerary for group in by_owner.values() for itinerary in group]
    # the test airline stays in: Duffel tells integrators to book nothing else
    return sorted(kept, key=lambda i: (i.owner != DUFFEL_AIRWAYS, i.minutes, i.key))[:CONNECTIONS_KEPT]


def _sensible(origin: str, via: str, destination: str) -> bool:
    if via in {origin, destination}:
        return False
    direct = distance_km(origin, destination)
    way = distance_km(origin, via) + distance_km(via, destination)
    return direct >= SHORTEST_CONNECTING_KM and way <= direct * DETOUR + DETOUR_KM


def _hubs(code: str) -> tuple[str, ...]:
    return TEST_HUBS if code == DUFFEL_AIRWAYS else airlines()[code].hubs


def _sellers(code: str, origin: str, destination: str) -> Iterator[str]:
    """Yield who operates a leg that `code` sells: itself if it flies there, else its first partner that does."""
    if flights_a_day(code, origin, destination):
        yield code
        return
    yield from [p for p in airlines()[code].partners if flights_a_day(p, origin, destination)][:1]


def _sold_by(code: str, leg: Leg) -> Leg:
    """Return the leg under the seller's own number: codeshare numbers have four digits, and some hide the operator's."""
    if leg.operating == code:
        return leg
    number = str(4_000 + pick(4_000, "codeshare", code, leg.operating, leg.number))
    shown = leg.number if pick(4, "hidden", code, leg.operating) else None
    return replace(leg, marketing=code, number=number, operating_number=shown)


def _connect(code: str, first: Itinerary, via: str, destination: str) -> Iterator[Itinerary]:
    """Yield the journey with the earliest legal onward flight of each operator."""
    arrival = first.legs[-1].arrives
    local = arrival.astimezone(airports()[via].tzinfo).date()
    for operator in _sellers(code, via, destination):
        onward = (leg for day in (local, local + timedelta(days=1)) for leg in legs(operator, via, destination, day))
        for leg in onward:
            wait = leg.departs - arrival
            if minimum_connection(first.legs[-1], leg) <= wait <= LONGEST_LAYOVER:
                yield Itinerary(code, (*first.legs, _sold_by(code, leg)))
                break


def _one_change(origin: str, destination: str, day: date) -> Iterator[Itinerary]:
    for code in airlines():
        for via in _hubs(code):
            if _sensible(origin, via, destination):
                for operator in _sellers(code, origin, via):
                    for leg in legs(operator, origin, via, day):
                        yield from _connect(code, Itinerary(code, (_sold_by(code, leg),)), via, destination)


def _two_changes(origin: str, destination: str, day: date) -> Iterator[Itinerary]:
    for code in airlines():
        hubs = dict.fromkeys([*_hubs(code), *(h for p in airlines()[code].partners for h in airlines()[p].hubs[:1])])
        for first in hubs:
            for second in hubs:
                if _way_makes_sense(origin, first, second, destination):
                    yield from _through(code, (origin, first, second, destination), day)


def _way_makes_sense(origin: str, first: str, second: str, destination: str) -> bool:
    if len({origin, first, second, destination}) < 4 or not _sensible(origin, first, destination):  # noqa: PLR2004
        return False
    way = distance_km(origin, first) + distance_km(first, second) + distance_km(second, destination)
    return way <= distance_km(origin, destination) * DETOUR + DETOUR_KM


def _through(code: str, route: tuple[str, str, str, str], day: date) -> Iterator[Itinerary]:
    origin, first, second, destination = route
    for operator in _sellers(code, origin, first):
        for leg in legs(operator, origin, first, day):
            for half in _connect(code, Itinerary(code, (_sold_by(code, leg),)), first, second):
                yield from _connect(code, half, second, destination)


def between(origins: Iterable[str], destinations: Iterable[str], day: date, connections: int) -> list[Itinerary]:
    """Return the journeys of one slice between two sets of airports (several when a city was searched)."""
    pairs = [(o, d) for o in origins for d in destinations if o != d]
    found = [itinerary for o, d in pairs for itinerary in journeys(o, d, day, connections)]
    direct = [i for i in found if len(i.legs) == 1]
    changing = [i for i in found if len(i.legs) > 1]
    if len(pairs) > 1:
        direct = _spread(direct, NONSTOP_KEPT)
        changing = sorted(changing, key=lambda i: (i.owner != DUFFEL_AIRWAYS, i.minutes, i.key))[:CONNECTIONS_KEPT]
    return direct + changing


def _spread(found: list[Itinerary], limit: int) -> list[Itinerary]:
    """Take turns between owners and airport pairs, so that no airport crowds the others out."""
    groups: dict[tuple[str, str, str], list[Itinerary]] = defaultdict(list)
    for itinerary in found:
        groups[itinerary.owner, itinerary.origin, itinerary.destination].append(itinerary)
    rounds = max((len(group) for group in groups.values()), default=0)
    turns = [group[i] for i in range(rounds) for group in groups.values() if i < len(group)]
    return turns[:limit]
