"""The statistics the published figures are made of, computed from panels of this model."""

import numpy as np
from numpy.typing import NDArray

from sandbox.fares.hashing import Floats, Ints
from sandbox.fares.panels import (
    FIRST_DAY,
    ROUTE_COUNT,
    Panel,
    every,
    flight_panel,
    lowest_panel,
    routes_of,
    watched,
)

CHANGE = 0.01  # a change is more than one per cent, in logarithms, throughout
SHORT_HOURS = 3  # a level that short is a flip
SEASON = 60  # the US panel watched the last 60 days
TEN_PERCENT = -float(np.log(0.9))
BANDS = ((0, 3), (4, 7), (8, 14), (15, 21), (22, 30), (31, 60), (61, 90), (91, 120), (121, 200))


def _between(out: Ints, first: int, last: int) -> NDArray[np.bool_]:
    """Say which looks fall on days out `first` to `last`, both included."""
    return np.asarray((out >= first) & (out <= last), dtype=np.bool_)


def daily_bands(seed: int) -> dict[str, float]:
    """Return change, up, down and down of ten per cent a day of lowest fares, by days out, and the size of a change."""
    panel = lowest_panel(seed, routes_of(seed, ROUTE_COUNT), np.arange(0, 190), 17)
    step = np.diff(panel.log, axis=2)
    out = panel.days_out[:, 1:]
    rows: dict[str, float] = {}
    for first, last in BANDS:
        steps = step[:, _between(out, first, last)]
        rows |= {f"{name} {first}-{last}": rate for name, rate in _rates(steps).items()}
    known = step[:, out >= 0]
    rows |= {f"{name} overall": rate for name, rate in _rates(known).items()}
    size = 100.0 * np.expm1(np.abs(known[np.abs(known) > CHANGE]))
    rows |= {f"size q{share}": float(np.quantile(size, share / 100)) for share in (25, 50, 75, 95)}
    by_route = (np.abs(step) > CHANGE).mean(axis=(1, 2))
    rows |= {f"route rate q{share}": float(np.quantile(by_route, share / 100)) for share in (5, 25, 50, 75, 95)}
    rows["below 1% of differences"] = float(((np.abs(known) <= CHANGE) & (known != 0)).sum() / (known != 0).sum())
    return rows | _contagion(step) | _dates(panel)


def _rates(steps: Floats) -> dict[str, float]:
    return {
        "change": float((np.abs(steps) > CHANGE).mean()),
        "up": float((steps > CHANGE).mean()),
        "down": float((steps < -CHANGE).mean()),
        "down10": float((steps <= -TEN_PERCENT).mean()),
    }


def _contagion(step: Floats) -> dict[str, float]:
    dropped = step[:, 20:] < np.log(0.95)
    rows = {"drop>5% base": float(dropped.mean())}
    for apart in (1, 7, 14, 30):
        rows[f"neighbour {apart}"] = float(dropped[:, apart:][dropped[:, :-apart]].mean())
    share = dropped.mean(axis=1)
    for least in (10, 25):
        crowded = share >= least / 100
        rows[f"drops on crowded{least}"] = float((share * crowded).sum() / share.sum())
        rows[f"crowded{least} route-days"] = float(crowded.mean())
    return rows


def _dates(panel: Panel) -> dict[str, float]:
    log = panel.log[:, 20:, 0]
    relative = np.exp(log - np.median(log, axis=1, keepdims=True))
    rows = {f"date p{share}": float(np.quantile(relative, share / 100)) for share in (1, 10, 25, 90)}
    weekday = (FIRST_DAY + np.arange(20, 190)) % 7
    mean = np.array([log[:, weekday == day].mean() for day in range(7)])
    names = ("Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed")
    return rows | {
        f"weekday {name}": 100 * float(np.expm1(m - mean.mean())) for name, m in zip(names, mean, strict=True)
    }


def daily_survival(seed: int) -> dict[str, float]:
    """Return the share of ten-per-cent drops, seen at daily looks, that have not won back half after some days."""
    panel = lowest_panel(seed, routes_of(seed, ROUTE_COUNT), np.arange(34, 200, 9), 34)
    return _survival(panel.log, (1, 2, 3, 5, 7, 10, 13), "daily dip alive")


def restless_survival(seed: int) -> dict[str, float]:
    """Return change rates and dip survival of restless routes, looked at every four hours for thirty days."""
    panel = watched(seed, routes_of(seed, 100, "restless"), np.arange(40, 70, 6), every(4, 30 * 6))
    step = np.diff(panel.log, axis=2)
    rows = {f"4h {name}": 6 * rate for name, rate in _rates(step).items()}
    rows["4h size q50"] = 100 * float(np.median(np.expm1(np.abs(step[np.abs(step) > CHANGE]))))
    alive = _survival(panel.log, (1, 2, 3, 6, 12, 18, 30), "looks")
    return rows | {f"4h dip alive {4 * int(name.split()[1])}h": value for name, value in alive.items()}


def _survival(log: Floats, after: tuple[int, ...], name: str) -> dict[str, float]:
    horizon = max(after)
    step = np.diff(log, axis=2)[:, :, : log.shape[2] - 1 - horizon]
    route, date, look = np.nonzero(step <= -TEN_PERCENT)
    half = log[route, date, look + 1] - step[route, date, look] / 2
    gone = np.stack([log[route, date, look + 1 + later] >= half for later in range(1, horizon + 1)])
    alive = ~np.logical_or.accumulate(gone, axis=0)
    return {f"{name} {later}": float(alive[later - 1].mean()) for later in after}


def hourly_levels(seed: int) -> dict[str, float]:
    """Return change rate and quantiles of level durations (hours) of restless routes looked at hourly for twenty days."""
    panel = watched(seed, routes_of(seed, 80, "restless"), np.array([30, 45, 60]), every(1, 20 * 24))
    changed = np.abs(np.diff(panel.log, axis=2)) > CHANGE
    rows = {"hourly changes/day": 24 * float(changed.mean())}
    lengths = np.concatenate([np.diff(np.flatnonzero(cell)) for cell in changed.reshape(-1, changed.shape[2])])
    rows |= {f"level hours q{share}": float(np.quantile(lengths, share / 100)) for share in (10, 25, 50, 75, 90)}
    rows["levels <=3h"] = float((lengths <= SHORT_HOURS).mean())
    return rows


def ruled_flights(seed: int) -> dict[str, float]:
    """Return daily rates of single flights and the cliffs of advance-purchase rules, last 60 days before departure."""
    panel = flight_panel(seed, routes_of(seed, 60, "ruled"), 60 + np.arange(60), 120)
    step, out = np.diff(panel.log, axis=2), panel.days_out[:, 1:]
    rows = {f"flight {name}": rate for name, rate in _rates(step[:, (out >= 0) & (out < SEASON)]).items()}
    changed = np.abs(step) > CHANGE
    for rule in (21, 14, 7):
        crossing = step[:, out == rule]
        moved = np.abs(crossing) > CHANGE
        rows[f"cliff {rule}"] = float(moved.mean())
        rows[f"cliff step {rule}"] = 100 * float(crossing[moved].mean())
        rows[f"cliff wave {rule}"] = float(changed[:, out == rule - 1].mean())
    rows["background 55"] = float(changed[:, _between(out, 50, 59)].mean())
    rows["background 20"] = float(changed[:, _between(out, 16, 18)].mean())  # clear of the rules
    return rows


PREMIUM_BANDS = ((0, 3), (4, 7), (8, 14), (15, 21), (22, 30), (31, 45), (46, 60), (61, 90))


def booking_curve(seed: int) -> dict[str, float]:
    """Return the median premium (per cent) over the lowest fare seen of a flight, and over the cheapest window, by days out.

    One look a window, in its middle: the study saw four in ten windows at their flight's lowest, so it looked seldom.
    """
    panel = flight_panel(seed, routes_of(seed, ROUTE_COUNT), 91 + np.arange(0, 30, 5), 120)
    middles = [(first + last) // 2 for first, last in PREMIUM_BANDS]
    log = np.stack([panel.log[:, panel.days_out == middle] for middle in middles])
    premium = 100 * np.expm1(np.median(log - log.min(axis=0), axis=(1, 2)))
    rows = {f"{first}-{last}": float(value) for (first, last), value in zip(PREMIUM_BANDS, premium, strict=True)}
    trough = 1.0 + rows["31-45"] / 100.0
    relative = {f"curve {band}": 100.0 * ((1.0 + value / 100.0) / trough - 1.0) for band, value in rows.items()}
    return relative | {f"premium {band}": value for band, value in rows.items()}


def everything(seed: int) -> dict[str, float]:
    """Return all statistics of one world; takes about ten seconds."""
    parts = (daily_bands, daily_survival, restless_survival, hourly_levels, ruled_flights, booking_curve)
    return {name: value for part in parts for name, value in part(seed).items()}
