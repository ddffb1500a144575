"""Small unrest: advance-purchase rules passing, restless routes twitching within the day, exchange rates."""

import numpy as np
from numpy.typing import NDArray

from sandbox.fares.hashing import Floats, Hashes, chain, field, unit

HOUR = 3600.0
# (days before departure, mean logarithmic step) of the rules that 22 US routes show; the three-day rule is milder.
RULES = ((21, 0.16), (14, 0.12), (7, 0.15), (3, 0.08))
# Chance that a flight steps up when the rule passes, and the following day (the second wave of 0.22-0.27 seen there),
# less what the background of 0.05-0.10 a day contributes.
RULE_CHANCE = {21: 0.42, 14: 0.48, 7: 0.51, 3: 0.15}
WAVE_CHANCE = 0.16
WAVE_PART = 0.5  # a second wave is a follow-up correction, about half a step
UNRULED = 0.06  # how much of those chances is left on other routes: the faint cliff in Google's minima

FLIP_HOURS = 6.0  # a flip is drawn for each quarter of a day
FLIP_CHANCE = 0.09  # a quarter-day; with the drift it gives 1.2 changes a day seen every 4 h, 1.7 seen hourly
FLIP_STAY_HOURS = (1.0, 3.0)
DRIFT_HOURS = (11.5, 80.0)  # how long one drift of a restless date lasts; dates differ
DRIFT_SIZE = 0.032  # logarithmic scales of the two, for a median step of 5 %: between Ryanair (3.5) and MAA-DXB (7.9)
FLIP_SIZE = 0.07
FX_DAYS = 20.0  # sub-per-cent moves: a third of all daily differences in the Google panel
FX_SIZE = 0.004  # logarithmic, from lowest to highest: below the half per cent the panel shows


def add_rules(out: Floats, flight: Hashes, days_out: Floats, ruled: NDArray[np.bool_]) -> None:
    """Advance-purchase steps already taken; `days_out` and `ruled` are (cells, 1), a rule passes at 00:00."""
    strength = np.where(ruled, 1.0, UNRULED)
    near = np.flatnonzero(days_out[:, 0] < RULES[0][0])
    if not near.size:
        return
    total = np.zeros((near.size, out.shape[1]))
    days, strong, keys = days_out[near], strength[near], np.broadcast_to(flight, out.shape)[near]
    for limit, step in RULES:
        drawn = chain(keys, 1000 + limit)
        size = step * (0.5 + field(drawn, 2))
        total += size * ((days < limit) & (field(drawn, 0) < strong * RULE_CHANCE[limit]))
        total += size * WAVE_PART * ((days < limit - 1) & (field(drawn, 1) < strong * WAVE_CHANCE))
    out[near] += total


def add_restlessness(out: Floats, cell: Hashes, at: Floats, restless: NDArray[np.bool_]) -> None:
    """Flips of one to three hours and a drifting level, for cells of restless routes; shared by the date's flights."""
    rows = np.flatnonzero(restless)
    if not rows.size:
        return
    key, now = cell[rows], at[rows] / HOUR
    length = DRIFT_HOURS[0] * (DRIFT_HOURS[1] / DRIFT_HOURS[0]) ** unit(chain(key, 40))
    drifting = chain(key, 41)
    drift = DRIFT_SIZE * _two_sided(chain(drifting, _segment(drifting, now, length)))
    out[rows] += (drift + _flip(chain(key, 42), now))[:, np.newaxis]


def fx_log(route: Hashes, at: Floats) -> Floats:
    """Return a logarithm below half a per cent that changes every few weeks at a moment of the route's own."""
    key = chain(route, 43)
    return FX_SIZE * (unit(chain(key, _segment(key, at / HOUR, FX_DAYS * 24.0))) - 0.5)


def _segment(key: Hashes, hours: Floats, length: Floats | float) -> NDArray[np.int64]:
    """Return the number of the stay that covers a moment: stays begin once a block, each at a hashed moment."""
    block = np.floor(hours / length).astype(np.int64)
    begins = (block + unit(chain(key, block + 7_000_000))) * length
    return block - (hours < begins)


def _flip(key: Hashes, hours: Floats) -> Floats:
    block = np.floor(hours / FLIP_HOURS).astype(np.int64)
    drawn = chain(key, block)
    stay = FLIP_STAY_HOURS[0] + (FLIP_STAY_HOURS[1] - FLIP_STAY_HOURS[0]) * field(drawn, 1)
    begins = block * FLIP_HOURS + field(drawn, 2) * (FLIP_HOURS - stay)
    on = (field(drawn, 0) < FLIP_CHANCE) & (begins <= hours) & (hours < begins + stay)
    return np.where(on, FLIP_SIZE * np.sign(field(drawn, 3) - 0.5) * (0.3 + 1.3 * unit(chain(drawn, 1))), 0.0)


def _two_sided(drawn: Hashes) -> Floats:
    """Return Laplace-like numbers of scale one: mostly small, sometimes large, either sign."""
    return np.asarray(-np.log(unit(drawn)) * np.where(field(chain(drawn, 1), 0) < 0.5, -1.0, 1.0), dtype=np.float64)  # noqa: PLR2004
