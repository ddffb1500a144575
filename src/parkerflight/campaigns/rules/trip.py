"""What a campaign looks for, and the searches it takes. All dates and times of day are local to the airport."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from parkerflight.flights.types import Cabin, SearchPassenger, SearchQuery, SearchSlice

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """Times of day, local at the airport of departure, both ends included."""

    earliest: time = time(0, 0)
    latest: time = time(23, 59, 59)

    def holds(self, moment: datetime) -> bool:
        """Whether a naive local `moment` falls into the window."""
        return self.earliest <= moment.time() <= self.latest


ANY_TIME = TimeWindow()


@dataclass(frozen=True, slots=True)
class Criteria:
    """One way, unless a return window or a number of nights is given (not both)."""

    origins: tuple[str, ...]
    """IATA airport or city codes."""
    destinations: tuple[str, ...]
    departure_from: date
    """First day of departure; local at the origin."""
    departure_to: date
    return_from: date | None = None
    return_to: date | None = None
    nights_min: int | None = None
    """Nights between the two departures, so an overnight flight out counts as one of them."""
    nights_max: int | None = None
    weekdays_out: frozenset[int] = frozenset()
    """Monday is 0; empty means any day."""
    weekdays_back: frozenset[int] = frozenset()
    times_out: TimeWindow = ANY_TIME
    times_back: TimeWindow = ANY_TIME
    cabin: Cabin = Cabin.ECONOMY
    max_connections: int = 1
    """Each way."""
    airlines_in: tuple[str, ...] = ()
    """IATA codes; empty means any. Then the seller and every marketing carrier must be among them."""
    airlines_out: tuple[str, ...] = ()
    """IATA codes that may neither sell, nor market, nor operate any part."""
    min_checked_bags: int = 0
    """Included for each passenger with a seat, on every segment."""
    refundable_only: bool = False
    changeable_only: bool = False
    adults: int = 1
    minor_ages: tuple[int, ...] = field(default=())
    """Ages, in whole years, on the day of the last flight; under 2 is an infant on a lap."""

    @property
    def one_way(self) -> bool:
        return self.return_from is None and self.nights_min is None

    @property
    def last_flight_day(self) -> date:
        """The latest possible day of the last departure, local: ages count on that day."""
        nights = self.nights_max if self.nights_max is not None else self.nights_min
        return self.return_to or self.departure_to + timedelta(days=nights or 0)

    @property
    def people(self) -> int:
        return self.adults + len(self.minor_ages)


@dataclass(frozen=True, slots=True)
class Cell:
    """One search. Campaigns whose cells have the same key share it.

    Connections and party are part of the key, because what the provider returns depends on both: it hides journeys
    with more connections, and prices and availability are for the whole party.
    """

    origin: str
    destination: str
    depart: date
    back: date | None
    cabin: Cabin
    max_connections: int
    adults: int
    minor_ages: tuple[int, ...]
    """Ages in rising order."""

    @property
    def party(self) -> str:
        """Two adults with children of 4 and 9: `2+4+9`."""
        return "+".join(str(number) for number in (self.adults, *self.minor_ages))

    @property
    def key(self) -> str:
        """Stable text such as `LON-JFK/2026-05-01/2026-05-08/economy/1/2+4+9`; `-` for no return."""
        back = self.back.isoformat() if self.back else "-"
        days = f"{self.depart.isoformat()}/{back}"
        return f"{self.origin}-{self.destination}/{days}/{self.cabin.value}/{self.max_connections}/{self.party}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `criteria.query_of` makes the search of them."""
        days = {"depart": self.depart.isoformat(), "back": self.back.isoformat() if self.back else None}
        party = {"adults": self.adults, "minor_ages": list(self.minor_ages)}
        places = {"origin": self.origin, "destination": self.destination}
        return {**places, **days, "cabin": self.cabin.value, "max_connections": self.max_connections, **party}

    def query(self) -> SearchQuery:
        """Make the search of this cell."""
        slices = [SearchSlice(self.origin, self.destination, self.depart)]
        if self.back:
            slices.append(SearchSlice(self.destination, self.origin, self.back))
        seats = (*(SearchPassenger() for _ in range(self.adults)), *(SearchPassenger(age) for age in self.minor_ages))
        return SearchQuery(tuple(slices), seats, self.cabin, self.max_connections)


def cells(criteria: Criteria) -> list[Cell]:
    """Every search that could find something, each once, by date, then by place."""
    pairs = sorted(set(date_pairs(criteria)), key=lambda pair: (pair[0], pair[1] or pair[0]))
    routes = [(a, b) for a in sorted(set(criteria.origins)) for b in sorted(set(criteria.destinations)) if a != b]
    rest = (criteria.cabin, criteria.max_connections, criteria.adults, tuple(sorted(criteria.minor_ages)))
    return [Cell(a, b, depart, back, *rest) for depart, back in pairs for a, b in routes]


def date_pairs(criteria: Criteria) -> Iterator[tuple[date, date | None]]:
    """Days of departure and return that the windows, nights and weekdays allow."""
    for depart in days(criteria.departure_from, criteria.departure_to):
        if not fits_weekday(depart, criteria.weekdays_out):
            continue
        if criteria.one_way:
            yield depart, None
            continue
        for back in _returns(criteria, depart):
            if fits_weekday(back, criteria.weekdays_back):
                yield depart, back


def _returns(criteria: Criteria, depart: date) -> Iterator[date]:
    if criteria.nights_min is not None:
        longest = criteria.nights_min if criteria.nights_max is None else criteria.nights_max
        yield from days(depart + timedelta(days=criteria.nights_min), depart + timedelta(days=longest))
    elif criteria.return_from and criteria.return_to:
        yield from days(max(criteria.return_from, depart), criteria.return_to)


def days(first: date, last: date) -> Iterator[date]:
    """Each day from `first` to `last`, both included."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def fits_weekday(day: date, wanted: frozenset[int]) -> bool:
    return not wanted or day.weekday() in wanted


def to_json(criteria: Criteria) -> dict[str, Any]:
    """Plain JSON values; `from_json` reads them back to an equal Criteria."""
    out: dict[str, Any] = {}
    for name in Criteria.__slots__:
        value = getattr(criteria, name)
        if isinstance(value, TimeWindow):
            value = [value.earliest.isoformat(), value.latest.isoformat()]
        elif isinstance(value, frozenset):
            value = sorted(value)
        elif isinstance(value, date):
            value = value.isoformat()
        out[name] = list(value) if isinstance(value, tuple) else value
    return out | {"cabin": criteria.cabin.value}
