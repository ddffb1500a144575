"""Reference data other objects point to: aircraft, and the paged lists of places and airlines."""

import hashlib
from functools import cache
from typing import Any

from sandbox.duffel.airlines import airline_json, airlines
from sandbox.duffel.places import airport_json, airports, cities, city_json
from sandbox.duffel.schedules import AIRCRAFT


@cache
def aircraft_json(code: str) -> dict[str, Any]:
    """Return one aircraft type. Shared between answers: callers must not change it."""
    return {
        "id": "arc_00009VMF8A" + hashlib.sha256(code.encode()).hexdigest()[:12],
        "iata_code": code,
        "name": AIRCRAFT[code],
    }


@cache
def catalogue(kind: str) -> dict[str, dict[str, Any]]:
    """Return all records of a kind (airlines, airports, cities or aircraft) by id, in a stable order."""
    if kind == "airlines":
        records = [airline_json(code) for code in airlines()]
    elif kind == "airports":
        records = [airport_json(code) for code in airports()]
    elif kind == "aircraft":
        records = [aircraft_json(code) for code in AIRCRAFT]
    else:
        records = [_city(code) for code in cities()]
    return {record["id"]: record for record in records}


def _city(code: str) -> dict[str, Any]:
    return city_json(code) | {"airports": [airport_json(airport.code) for airport in cities()[code]]}
