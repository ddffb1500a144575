"""How dear a route is: the level every fare of the route moves around."""

import gzip
import json
import math
from functools import lru_cache
from importlib import resources
from typing import Any

import airportsdata

EARTH_KM = 6371.0088  # mean radius, IUGG
# Straight line through the BTS medians weighted by sampled tickets: 19,885 O&Ds, residual 0.31 in logarithms. A power law
# fits the set equally well but flattens out above 5,000 km, where the set has no routes, and would sell Tokyo for $350.
FIT_USD = 172.6
FIT_USD_PER_KM = 0.0373
_LETTERS = 36  # letters and digits: a code is a number in that base
_CODE = _LETTERS**3


def route_key(origin: str, destination: str) -> int:
    """Return the number that stands for a directed route; both are three-character IATA codes, any case."""
    return _code(origin) * _CODE + _code(destination)


def route_base_usd(origin: str, destination: str) -> float:
    """Return the route's level in US dollars: one way, one adult, taxes included, bought about a month ahead.

    The BTS median when the pair is in the data (either direction serves), else `FIT_USD + FIT_USD_PER_KM * km`.
    Raises LookupError for an airport that is in neither source.
    """
    known = _medians()
    pair = (origin.upper(), destination.upper())
    median = known.get(pair) or known.get(pair[::-1])
    return median if median is not None else FIT_USD + FIT_USD_PER_KM * great_circle_km(*pair)


def great_circle_km(origin: str, destination: str) -> float:
    """Return the distance in kilometres. Raises LookupError for an unknown airport."""
    (lat_a, lon_a), (lat_b, lon_b) = (_radians(code) for code in (origin, destination))
    chord = math.sin((lat_a - lat_b) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_a - lon_b) / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(chord))


def _code(code: str) -> int:
    if len(code) != 3 or not code.isascii() or not code.isalnum():  # noqa: PLR2004  IATA codes have three characters
        raise ValueError(f"not an IATA code: {code!r}")
    return int(code, _LETTERS)


def _radians(code: str) -> tuple[float, float]:
    try:
        airport = _airports()[code]
    except KeyError:
        raise LookupError(f"no such airport: {code}") from None
    return math.radians(airport["lat"]), math.radians(airport["lon"])


@lru_cache(maxsize=1)
def _airports() -> dict[str, Any]:
    return dict(airportsdata.load("IATA"))


@lru_cache(maxsize=1)
def _medians() -> dict[tuple[str, str], float]:
    packed = resources.files("sandbox.fares").joinpath("data/bts_db1c_2026_06_od_fares.json.gz").read_bytes()
    routes = json.loads(gzip.decompress(packed))["routes"]
    return {(name[:3], name[4:]): float(row["median"]) for name, row in routes.items()}
