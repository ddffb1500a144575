"""Which shocks there are, how often and how deep. Every function adds logarithms of price to `out`, (cells, slots)."""

import numpy as np

from sandbox.fares.hashing import Floats, Hashes, Ints, chain, field, unit
from sandbox.fares.shocks import DAY, DEPTH, LIFETIMES, Found, Lifetime, running, share_of
from sandbox.fares.traits import Traits

# How often one flight dips or bumps, a day, by days to departure; found by search against the Google panel's B3 rows.
# Drawn before the thinning by hour of the week, which keeps 0.70 of them.
SHOCK_DAYS = np.array([0.0, 3.0, 7.0, 14.0, 21.0, 30.0, 60.0, 90.0, 120.0, 400.0])
SHOCK_RATE = np.array([0.215, 0.19, 0.18, 0.172, 0.168, 0.135, 0.050, 0.028, 0.024, 0.024])
SHOCK_DEPTH = np.array([2.1, 1.6, 1.3, 1.2, 1.1, 1.0, 1.0, 1.0, 1.0, 1.0])  # times DEPTH; last-minute drops are deeper
_DEPTH_BY_DAY = DEPTH * np.interp(np.arange(0, 402), SHOCK_DAYS, SHOCK_DEPTH)
_RATE_BY_DAY = np.interp(np.arange(0, 402), SHOCK_DAYS, SHOCK_RATE)
_TOP_RATE = float(_RATE_BY_DAY.max())
BUMP_SHARE = 0.35  # temporary rises; their end is the kind of drop that stays
_HOURS_IN_WEEK = 168  # unix time began on a Thursday at 00:00 UTC

# Sales a route-day. 0.14 are counted on the Google panel, where two of one day look like one and faint ones like none.
ROUTE_RATE = 0.165
RULED_SALES = 0.4  # of the rate above: monopolies hold fewer sales
HALF_WIDTHS = np.array([5.0, 15.0, 36.0, 80.0])  # dates to either side of a sale's centre
_SALE_FROM, _SALE_SPAN = -10.0, 230.0  # days ahead at which a sale may be centred: the dates the panel covers
HIKE_SHARE = 0.25  # route-wide rises that are taken back; taking one back is a drop of many dates that stays

STACK = 1.0  # logarithmic; keeps the cheapest hundredth of dates near the 0.81 of the median that the panel shows

FLASH = Lifetime(tag=21, block=0.5, mean=0.2, back=1)
FLASH_RATE = 0.01  # a route-day; rare by the notes, no panel counts them
MISTAKE = Lifetime(tag=22, block=0.25, mean=0.08, back=1)
MISTAKE_RATE = 0.0005  # a route-day: two routes in ten see one a year


def add_flight_shocks(out: Floats, flight: Hashes, at: Floats, days_out: Floats, cell: Traits) -> None:
    """Dips and bumps of single flights; `at` (unix seconds) and `days_out` are (cells, 1)."""
    flat = np.broadcast_to(flight, out.shape).ravel()
    flat_at, flat_days = (np.broadcast_to(part, out.shape).ravel() for part in (at, days_out))
    target = out.ravel()
    for life in LIFETIMES:
        chance = (cell.tempo * share_of(life, cell.restless) * (_TOP_RATE * life.block))[:, np.newaxis]
        found = running(flat, flat_at, np.broadcast_to(chance, out.shape).ravel(), life)
        row = found.row
        day_begun = np.clip(flat_days[row] + (flat_at[row] - found.began) / DAY, 0.0, 400.0).astype(np.int64)
        thin = _accepted(day_begun, found)
        row, more = row[thin], chain(found.shock[thin], 1)
        sign = np.where(field(more, 0) < BUMP_SHARE, 1.0, -1.0)
        np.add.at(target, row, sign * _DEPTH_BY_DAY[day_begun[thin]] * -np.log(unit(chain(more, 2))))
    out[...] = target.reshape(out.shape)


def _accepted(day_begun: Ints, found: Found) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    wanted = _RATE_BY_DAY[day_begun] / _TOP_RATE
    return np.flatnonzero(field(found.shock, 3) < wanted * _working_hours(found.began))


# Share of shocks kept by hour of the week: the Google panel changes .16 on weekdays and .10 at weekends, Ryanair most
# between 06 and 13 UTC. The mean is scaled into the rates above.
_HOURLY = np.array([[1.0 if 5 <= hour < 17 else 0.6 for hour in range(24)]] * 7)  # noqa: PLR2004  see above
_HOURLY[2:4] *= 0.55  # unix days 2 and 3 of the week are Saturday and Sunday
_KEEP = _HOURLY.ravel()


def _working_hours(began: Floats) -> Floats:
    return _KEEP[np.floor(began / 3600.0).astype(np.int64) % _HOURS_IN_WEEK]


def add_route_sales(out: Floats, cell: Traits, at: Floats, day: Ints) -> None:
    """Sales over a range of dates, shared by the flights of a route; `at` and `day` are flat, one a cell."""
    pace = cell.tempo * np.where(cell.ruled, RULED_SALES, 1.0)
    for life in LIFETIMES:
        chance = pace * share_of(life, cell.restless) * (ROUTE_RATE * life.block)
        for part in range(2):  # two half-size streams, so that a block may hold two sales
            found = running(chain(cell.key, 30 + part), at, chance / 2, life)
            _apply_sale(out, found, day)


def _apply_sale(out: Floats, found: Found, day: Ints) -> None:
    more = chain(found.shock, 1)
    centre = found.began / DAY + _SALE_FROM + _SALE_SPAN * field(more, 0)
    near = np.flatnonzero(np.abs(day[found.row] - centre) <= HALF_WIDTHS[(field(more, 1) * 4).astype(np.int64)])
    sign = np.where(field(more[near], 3) < HIKE_SHARE, -1.0, 1.0)
    depth = -DEPTH * np.log(unit(chain(more[near], 2))) * sign
    _lower(out, found.row[near], depth)


def soften(out: Floats) -> None:
    """Keep discounts from piling up: two deep ones together give less than their sum, and a fare never sinks without end."""
    np.add(STACK * np.expm1(np.minimum(out, 0.0) / STACK), np.maximum(out, 0.0), out=out)


def add_flash_and_mistakes(out: Floats, cell: Traits, at: Floats, day: Ints) -> None:
    """Flash sales (30 to 60 % off, hours) and mistake fares (60 to 90 % off, minutes to hours)."""
    for life, rate, least, most, width in (
        (FLASH, FLASH_RATE, 0.30, 0.60, 30.0),
        (MISTAKE, MISTAKE_RATE, 0.60, 0.90, 20.0),
    ):
        found = running(cell.key, at, np.full(at.shape, rate * life.block), life)
        more = chain(found.shock, 1)
        centre = found.began / DAY + 200.0 * field(more, 0)  # sold for the coming half year
        near = np.flatnonzero(np.abs(day[found.row] - centre) <= width)
        off = least + (most - least) * field(more[near], 1)
        _lower(out, found.row[near], -np.log1p(-off))


def _lower(out: Floats, row: Ints, depth: Floats) -> None:
    np.subtract.at(out, row, depth[:, np.newaxis])
