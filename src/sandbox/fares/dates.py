"""What the date of travel does to a fare, and what each flight of the day adds: nothing here changes with time."""

import numpy as np

from sandbox.fares.hashing import Floats, Hashes, Ints, bell, chain

# Google panel, 209 routes: price against the route's mean by weekday of departure. Index 0 is Thursday, the weekday of
# 1 January 1970.
WEEKDAY = np.log1p(np.array([-0.015, 0.017, 0.045, 0.030, -0.018, -0.028, -0.032]))
# The same panel's spread of dates around the route's median: 0.81, 0.84, 0.885 at 1, 10, 25 %, and 1.61 at 90 %. The
# long right tail are holidays. Abscissae are the normal quantiles of those shares; noise of other parts adds its own
# spread, so the low side is drawn in a little.
_QUANTILES = np.array([-3.5, -2.33, -1.28, -0.67, 0.0, 0.67, 1.28, 2.33, 3.5])
_DATE_LOG = np.log(np.array([0.96, 0.962, 0.964, 0.968, 1.0, 1.22, 1.60, 1.95, 2.2]))
_SEASON_DAYS = 7  # a week has a level of its own (school holidays), a date only part of the spread
_SEASON_PART = 0.8
_DATE_PART = 0.6  # with the part above the squares add up to one
SLOT_SPREAD = 0.10  # logarithmic; a route's best and worst departure times differ by about a quarter


def date_log(route: Hashes, day: Ints) -> Floats:
    """Return the logarithm of a date's price relative to the route; `day` counts days since 1970-01-01."""
    position = day / _SEASON_DAYS
    week = np.floor(position).astype(np.int64)
    share = position - week
    season = (1.0 - share) * bell(chain(route, 10_000_000 + week)) + share * bell(chain(route, 10_000_001 + week))
    season /= np.sqrt((1.0 - share) ** 2 + share**2)
    own = bell(chain(route, day))
    skewed = np.interp(_SEASON_PART * season + _DATE_PART * own, _QUANTILES, _DATE_LOG)
    return np.asarray(skewed + WEEKDAY[day % 7], dtype=np.float64)


def slot_log(flight: Hashes) -> Floats:
    """Return the logarithm of a flight's price relative to its date."""
    return SLOT_SPREAD * bell(flight)
