"""Airports and the cities that several of them share. Data: airportsdata (IATA codes and metropolitan areas)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import airportsdata

if TYPE_CHECKING:
    from parkerflight.flights.types import Place

# What IATA counts to a metropolitan area and airportsdata leaves out, as far as it is in daily use.
_MORE = {
    "BUH": {"OTP", "BBU"},
    "DTT": {"DTW", "YIP"},
    "LON": {"SEN"},
    "MOW": {"ZIA"},
    "NYC": {"EWR"},
    "PAR": {"BVA"},
    "STO": {"NYO", "VST"},
    "WAS": {"BWI"},
    "YEA": {"YEG", "YXD"},
    "YMQ": {"YUL", "YHU", "YMX"},
}


@cache
def airports() -> frozenset[str]:
    """All IATA airport codes."""
    return frozenset(airportsdata.load("IATA"))


@cache
def cities() -> dict[str, frozenset[str]]:
    """IATA codes of the airports of each city code that is not an airport's code as well.

    A code that is both (BKK, IST) means the airport: who wrote it must not end up at another one.
    """
    found = {code: set(city["airports"]) for code, city in airportsdata.load_iata_macs().items()}
    return {
        code: frozenset(found.get(code, set()) | _MORE.get(code, set()))
        for code in found.keys() | _MORE.keys()
        if code not in airports()
    }


def known(code: str) -> bool:
    """Whether `code` is an airport or a city that can be searched."""
    return code in airports() or code in cities()


def airports_of(code: str) -> frozenset[str]:
    """List the airports `code` means: those of a city, or the airport itself."""
    return cities().get(code, frozenset({code}))


def covers(code: str, place: Place) -> bool:
    """Whether someone who asked for `code` is content with `place`."""
    if code in airports():
        return place.iata_code == code
    return code == place.city_code or place.iata_code in cities().get(code, ())
