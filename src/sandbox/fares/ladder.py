"""The booking classes of a flight: seats sell, the cheapest class closes, the next one up is for sale.

How many classes are closed is a smooth demand curve plus the flight's own popularity and phase, rounded down. So a class
change comes at a moment of its own for every flight, and what is left of the rounding says how many seats the class has.
"""

from dataclasses import dataclass

import numpy as np

from sandbox.fares.hashing import Floats, Hashes, Ints, field

CLASSES = 8
# Logarithmic steps between neighbouring classes, 7 to 22 per cent: the range seen in fare ladders (planner notes, B4).
STEPS = np.array([0.07, 0.08, 0.09, 0.10, 0.12, 0.15, 0.20])
HEIGHTS = np.concatenate([[0.0], np.cumsum(STEPS)])
SEATS_IN_CLASS = 9  # what availability displays show at most
START = (0.6, 2.8)  # classes already closed at the bottom of the curve: flights of one day begin at different classes
POPULARITY = (0.7, 1.3)  # how much faster than the average a flight sells

# Classes closed by days to departure. From 60 days in, the slope is the surplus of rises over drops in the Google panel
# (B3: .128 a day in the last three days, .088, .046, .020, .016, .005). Further out seven tenths of a class reopen towards the
# cheapest time at 30 to 60 days (Piratefly's premium of 11.8 % at 61-90 days).
CURVE_DAYS = np.array([0.0, 4.0, 8.0, 15.0, 22.0, 31.0, 50.0, 75.0, 100.0, 400.0])
CURVE_CLASSES = np.array([1.46, 0.92, 0.70, 0.51, 0.39, 0.16, 0.0, 0.42, 0.70, 0.80])
_GRID = np.interp(np.arange(0, 402), CURVE_DAYS, CURVE_CLASSES)


@dataclass(frozen=True, slots=True)
class Rung:
    """Where flights stand on the ladder: the class for sale (0 cheapest) and the seats left in it (1 to 9)."""

    level: Ints
    seats_left: Ints


def rung(flight: Hashes, days_out: Floats) -> Rung:
    """Return the class on sale; `flight` is (cells, slots), `days_out` (cells, 1) in days before the departure date."""
    start = START[0] + (START[1] - START[0]) * field(flight, 0)
    popularity = POPULARITY[0] + (POPULARITY[1] - POPULARITY[0]) * field(flight, 1)
    closed = start + popularity * _demand(days_out)
    level = np.minimum(closed.astype(np.int64), CLASSES - 1)
    left = ((1.0 - (closed - level)) * SEATS_IN_CLASS).astype(np.int64) + 1
    return Rung(level, np.clip(left, 1, SEATS_IN_CLASS))


def party_level(now: Rung, seats: Ints | int) -> Ints:
    """Return the class that still has `seats` seats: the class on sale, or one more for every nine beyond it."""
    beyond = np.maximum(np.asarray(seats) - now.seats_left, 0)
    level: Ints = np.minimum(now.level + -(-beyond // SEATS_IN_CLASS), CLASSES - 1)
    return level


def _demand(days_out: Floats) -> Floats:
    days = np.clip(days_out, 0.0, 400.0)
    whole = days.astype(np.int64)
    low = _GRID[whole]
    return np.asarray(low + (days - whole) * (_GRID[whole + 1] - low), dtype=np.float64)
