"""Panels of fares as the published studies saw them: the same routes and dates looked at again and again."""

from dataclasses import dataclass

import numpy as np

from sandbox.fares.hashing import Floats, Ints, mix
from sandbox.fares.model import DAY, FareModel, Flights
from sandbox.fares.traits import Traits, traits

FIRST_DAY = 20_640  # 2026-07-06, a Monday: the Google panel is of July 2026
LOOK_HOUR = 15  # daily looks at three in the afternoon UTC
ROUTE_COUNT = 600  # three times the Google panel: routes differ so much that 209 leave 7 % of chance in a rate
BASE = 250.0  # any level: the statistics are relative


@dataclass(frozen=True, slots=True)
class Panel:
    """Logarithms of price, (routes, dates, looks); `days_out` is (dates, looks), counted at the look."""

    log: Floats
    days_out: Ints


def routes_of(seed: int, count: int, kind: str = "any") -> Ints:
    """Return `count` route numbers of the world `seed`; kind is any, ruled or restless."""
    candidates = np.arange(count * 60, dtype=np.int64) * 7_919 + 46_656
    seen = _traits(seed, candidates)
    wanted = {"any": np.ones(candidates.size, dtype=bool), "ruled": seen.ruled, "restless": seen.restless}[kind]
    chosen: Ints = candidates[wanted][:count]
    return chosen


def lowest_panel(seed: int, routes: Ints, days_ahead: Ints, looks: int) -> Panel:
    """Watch the lowest fare of dates `days_ahead` of the first look, once a day."""
    times = _every_day(looks)
    return watched(seed, routes, days_ahead, times)


def watched(seed: int, routes: Ints, days_ahead: Ints, times: Floats) -> Panel:
    """Watch the lowest fare at the given unix seconds."""
    shape = (routes.size, days_ahead.size, times.size)
    route = np.broadcast_to(routes[:, None, None], shape).ravel()
    day = np.broadcast_to((FIRST_DAY + days_ahead)[None, :, None], shape).ravel()
    at = np.broadcast_to(times, shape).ravel()
    price = FareModel(seed).lowest_usd(route, day, np.full(route.size, BASE), at)
    return Panel(np.log(price).reshape(shape), _days_out(days_ahead, times))


def flight_panel(seed: int, routes: Ints, days_ahead: Ints, looks: int) -> Panel:
    """Watch one flight of each route and date, once a day."""
    times = _every_day(looks)
    shape = (routes.size, days_ahead.size, looks)
    route = np.broadcast_to(routes[:, None, None], shape).ravel()
    day = np.broadcast_to((FIRST_DAY + days_ahead)[None, :, None], shape).ravel()
    at = np.broadcast_to(times, shape).ravel()
    flights = Flights(route, day, route % 3, np.full(route.size, BASE), np.asarray((day + 1) * DAY, dtype=np.float64))
    price = FareModel(seed).price_usd(flights, at)
    return Panel(np.log(price).reshape(shape), _days_out(days_ahead, times))


def every(hours: float, looks: int) -> Floats:
    """Return unix seconds of `looks` looks from midnight UTC of the first day, `hours` apart."""
    return np.asarray(FIRST_DAY * DAY + np.arange(looks) * (hours * 3600.0), dtype=np.float64)


def _every_day(looks: int) -> Floats:
    return every(24, looks) + LOOK_HOUR * 3600.0


def _days_out(days_ahead: Ints, times: Floats) -> Ints:
    return (FIRST_DAY + days_ahead)[:, None] - np.floor(times / DAY).astype(np.int64)


def _traits(seed: int, routes: Ints) -> Traits:
    return traits(mix(np.array([seed], dtype=np.uint64)), routes)
