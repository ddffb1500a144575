"""The price of any flight at any moment, from a seed alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sandbox.fares import ladder
from sandbox.fares.dates import date_log, slot_log
from sandbox.fares.events import add_flash_and_mistakes, add_flight_shocks, add_route_sales, soften
from sandbox.fares.hashing import Floats, Hashes, Ints, chain, mix
from sandbox.fares.jitter import add_restlessness, add_rules, fx_log
from sandbox.fares.traits import traits

DAY = 86_400.0
CHUNK = 8_192  # cells at a time: the temporaries of a chunk stay in a core's second-level cache
SLOTS = 4  # flights a day that compete for a cell's lowest fare, the usual size of a non-hub market
LEVEL_LOG = -0.15  # brings the middle flight, a month ahead, to the route's level


@dataclass(frozen=True, slots=True)
class Flights:
    """Parallel arrays, one entry a flight or connection on one departure date.

    `route` is from route_key; `departure_day` counts days since 1970-01-01, local date at the origin; `slot` says which
    flight of the day, from 0; `base_usd` is from route_base_usd (one way, one adult); `departs_at` is unix seconds UTC.
    """

    route: NDArray[np.int64]
    departure_day: NDArray[np.int64]
    slot: NDArray[np.int64]
    base_usd: NDArray[np.float64]
    departs_at: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Cells:
    """One route and date a row, each with its slots (one row of slots may serve all), at one moment each."""

    route: Ints
    day: Ints
    slots: Ints
    at: Floats

    @property
    def days_out(self) -> Floats:
        return np.asarray((self.day - self.at / DAY)[:, np.newaxis], dtype=np.float64)


class FareModel:
    """Fares of a world that is wholly given by `seed`: the same question always has the same answer, in any order.

    Days to departure count from 00:00 UTC of the departure date; the hours between UTC and the origin are ignored. A
    flight keeps its last fare after it has left. Which published figures it meets is in sandbox.fares.targets, and the
    few it misses, with the reason, in its MISSED; `python -m sandbox.fares` prints both beside what is measured.
    """

    def __init__(self, seed: int) -> None:
        self._world = mix(np.array([seed & 0xFFFF_FFFF_FFFF_FFFF], dtype=np.uint64))

    def price_usd(self, flights: Flights, at: Floats | float) -> Floats:
        """Return the fare for one adult in US dollars, whole cents; `at` is unix seconds UTC, one or one a flight."""
        return self.party_price_usd(flights, at, 1)

    def seats_left_in_bucket(self, flights: Flights, at: Floats | float) -> Ints:
        """Return how many seats (1 to 9) are left at the fare on sale; a larger party pays the next class up."""
        cells = _cells(flights, at)
        return ladder.rung(self._flight_keys(cells), cells.days_out).seats_left[:, 0]

    def party_price_usd(self, flights: Flights, at: Floats | float, seats: Ints | int) -> Floats:
        """Return the fare per head in US dollars when `seats` adults book together; never below the fare for fewer."""
        cells = _cells(flights, at)
        party = np.broadcast_to(np.asarray(seats, dtype=np.int64), cells.route.shape)
        parts = [self._log(_take(cells, cut), party[cut]) for cut in _cuts(cells.route.size)]
        return _dollars(flights.base_usd, np.concatenate(parts)[:, 0])

    def lowest_usd(
        self,
        routes: Ints,
        departure_days: Ints,
        base_usd: Floats,
        at: Floats | float,
        *,
        slots: int = SLOTS,
    ) -> Floats:
        """Return the lowest one-adult fare of slots 0 to `slots` - 1 for each route and date, in US dollars."""
        cells = _Cells(routes, departure_days, np.arange(slots)[np.newaxis, :], _moments(at, routes.size))
        one = np.ones(routes.size, dtype=np.int64)
        parts = [self._log(_take(cells, cut), one[cut]).min(axis=1) for cut in _cuts(routes.size)]
        return _dollars(base_usd, np.concatenate(parts))

    def _flight_keys(self, cells: _Cells) -> Hashes:
        date = chain(chain(chain(self._world, cells.route), 5), cells.day)
        return chain(date[:, np.newaxis], cells.slots)

    def _log(self, cells: _Cells, seats: Ints) -> Floats:
        """Return logarithms of price relative to the route's level, (cells, slots)."""
        kind = traits(self._world, cells.route)
        date = chain(chain(kind.key, 5), cells.day)
        flight = chain(date[:, np.newaxis], cells.slots)
        moment, days_out = cells.at[:, np.newaxis], cells.days_out
        rung = ladder.rung(flight, days_out)
        out = np.zeros(np.broadcast_shapes(flight.shape, moment.shape))
        add_flight_shocks(out, flight, moment, days_out, kind)
        add_route_sales(out, kind, cells.at, cells.day)
        soften(out)
        out += ladder.HEIGHTS[ladder.party_level(rung, seats[:, np.newaxis])] + slot_log(chain(flight, 6))
        out += (LEVEL_LOG + date_log(kind.key, cells.day) + fx_log(kind.key, cells.at))[:, np.newaxis]
        add_flash_and_mistakes(out, kind, cells.at, cells.day)
        add_rules(out, flight, days_out, kind.ruled[:, np.newaxis])
        add_restlessness(out, date, cells.at, kind.restless)
        return out


def _cells(flights: Flights, at: Floats | float) -> _Cells:
    moments = np.minimum(_moments(at, flights.route.size), flights.departs_at)
    return _Cells(flights.route, flights.departure_day, flights.slot[:, np.newaxis], moments)


def _moments(at: Floats | float, size: int) -> Floats:
    return np.broadcast_to(np.asarray(at, dtype=np.float64), (size,))


def _cuts(size: int) -> list[slice]:
    return [slice(start, start + CHUNK) for start in range(0, max(size, 1), CHUNK)]


def _take(cells: _Cells, cut: slice) -> _Cells:
    slots = cells.slots if cells.slots.shape[0] == 1 else cells.slots[cut]
    return _Cells(cells.route[cut], cells.day[cut], slots, cells.at[cut])


def _dollars(base: Floats, log: Floats) -> Floats:
    return np.maximum(np.round(base * np.exp(log), 2), 0.01)
