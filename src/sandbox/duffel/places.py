"""Airports, cities, regions and distances, from airportsdata, in the shapes Duffel answers with."""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import airportsdata

from sandbox.duffel.demand import TIERS

EARTH_RADIUS_KM = 6371.0

# airportsdata lists 41 metropolitan codes and leaves some members out; these are the IATA areas travellers type.
EXTRA_METROPOLITAN = {
    "LON": ("LHR", "LGW", "STN", "LTN", "LCY", "SEN"),
    "NYC": ("JFK", "EWR", "LGA"),
    "WAS": ("IAD", "DCA", "BWI"),
    "PAR": ("CDG", "ORY", "BVA"),
    "ROM": ("FCO", "CIA"),
    "MIL": ("MXP", "LIN", "BGY"),
    "TYO": ("HND", "NRT"),
    "STO": ("ARN", "BMA", "NYO"),
    "OSL": ("OSL", "TRF"),
    "BER": ("BER",),
    "CHI": ("ORD", "MDW"),
    "SFO": ("SFO",),
    "BUH": ("OTP",),
    "YMQ": ("YUL",),
}
CITY_NAMES = {"BER": "Berlin", "BUH": "Bucharest", "YMQ": "Montreal", "SFO": "San Francisco", "NYC": "New York"}

MIDDLE_EAST = frozenset(["AE", "QA", "SA", "IL", "JO", "KW", "OM", "BH", "LB", "IQ", "IR", "YE", "SY", "PS"])
SOUTH_ASIA = frozenset(["IN", "PK", "BD", "LK", "NP", "MV", "BT", "AF"])
EUROPEAN_ISLANDS = frozenset(
    ["Atlantic/Reykjavik", "Atlantic/Canary", "Atlantic/Madeira", "Atlantic/Azores", "Atlantic/Faroe"]
)


@dataclass(frozen=True, slots=True)
class Airport:
    """One airport; `tier` 1 (global) to 4 (local) says how much traffic it draws."""

    code: str
    icao: str
    name: str
    city: str
    city_code: str
    country: str
    latitude: float
    longitude: float
    zone: str
    tier: int
    region: str

    @property
    def tzinfo(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


def region_of(country: str, zone: str) -> str:
    """Return the sales region of a place: EU, NA, LA, ME, SA, AS, AF or OC."""
    if country in MIDDLE_EAST:
        return "ME"
    if country in SOUTH_ASIA:
        return "SA"
    if zone in EUROPEAN_ISLANDS or country in {"TR", "CY", "GE", "AM"} or zone.startswith("Europe/"):
        return "EU"
    if country in {"US", "CA"}:
        return "NA"
    continents = {"America": "LA", "Africa": "AF", "Asia": "AS", "Australia": "OC", "Pacific": "OC", "Indian": "AF"}
    return continents.get(zone.split("/", maxsplit=1)[0], "LA")


@cache
def _metropolitan() -> dict[str, tuple[str, ...]]:
    known = {code: tuple(area["airports"]) for code, area in airportsdata.load_iata_macs().items()}
    return known | EXTRA_METROPOLITAN


@cache
def _city_of_airport() -> dict[str, str]:
    return {airport: city for city, airports in _metropolitan().items() for airport in airports}


@cache
def airports() -> dict[str, Airport]:
    """Return all airports with a scheduled-service code and a known time zone, by IATA code in alphabetical order."""
    rows = airportsdata.load("IATA")
    return {code: _airport(rows[code]) for code in sorted(rows) if rows[code]["tz"]}


def _airport(row: Any) -> Airport:
    code, country, zone = row["iata"], row["country"], row["tz"]
    return Airport(
        code=code,
        icao=row["icao"] or "",
        name=row["name"],
        city=row["city"] or row["name"],
        city_code=_city_of_airport().get(code, code),
        country=country,
        latitude=round(row["lat"], 6),
        longitude=round(row["lon"], 6),
        zone=zone,
        tier=TIERS.get(code, 4),
        region=region_of(country, zone),
    )


@cache
def cities() -> dict[str, tuple[Airport, ...]]:
    """Return the airports of each metropolitan area by its IATA city code."""
    table = airports()
    found = {code: tuple(table[a] for a in members if a in table) for code, members in _metropolitan().items()}
    return {code: members for code, members in sorted(found.items()) if members}


def expand(code: str) -> tuple[Airport, ...]:
    """Return the airports a search for `code` covers: the one airport, or all of a city; empty when unknown."""
    if is_city(code):
        return cities()[code]
    airport = airports().get(code)
    return (airport,) if airport else ()


def is_city(code: str) -> bool:
    """Tell whether `code` stands for a city with several airports rather than for one airport."""
    return code in cities() and code not in airports()


@cache
def distance_km(origin: str, destination: str) -> float:
    """Return the great-circle distance in kilometres (haversine, mean earth radius)."""
    a, b = airports()[origin], airports()[destination]
    lat1, lat2 = math.radians(a.latitude), math.radians(b.latitude)
    dlon = math.radians(b.longitude - a.longitude)
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(dlon / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(h))


def city_name(code: str) -> str:
    """Return the display name of a city code."""
    return CITY_NAMES.get(code) or cities()[code][0].city


@cache
def city_json(code: str) -> dict[str, Any]:
    """Return the `city` object of one metropolitan area."""
    country = cities()[code][0].country
    return {
        "id": f"cit_{code.lower()}_{country.lower()}",
        "type": "city",
        "name": city_name(code),
        "iata_code": code,
        "iata_city_code": code,
        "iata_country_code": country,
        "icao_code": None,
        "latitude": None,
        "longitude": None,
        "time_zone": None,
        "city_name": None,
    }


@cache
def airport_json(code: str) -> dict[str, Any]:
    """Return the place object of one airport. Shared between answers: callers must not change it."""
    a = airports()[code]
    return {
        "id": f"arp_{code.lower()}_{a.country.lower()}",
        "type": "airport",
        "name": a.name,
        "iata_code": a.code,
        "icao_code": a.icao or None,
        "iata_city_code": a.city_code,
        "iata_country_code": a.country,
        "latitude": a.latitude,
        "longitude": a.longitude,
        "time_zone": a.zone,
        "city_name": a.city,
        "city": city_json(a.city_code) if a.city_code in cities() else None,
    }


@cache
def place_json(code: str) -> dict[str, Any]:
    """Return what an offer request shows for the code the caller typed: an airport, or a city with its airports."""
    if not is_city(code):
        return airport_json(code)
    return city_json(code) | {"airports": [airport_json(a.code) for a in cities()[code]]}


def suggestions(query: str, limit: int = 20) -> list[dict[str, Any]]:
    """Return places whose code, city or name matches `query`, busiest first; an empty list when nothing matches."""
    needle = query.strip().lower()
    if not needle:
        return []
    found = [
        place_json(c)
        for c in cities()
        if is_city(c) and (c.lower() == needle or city_name(c).lower().startswith(needle))
    ]
    ranked = sorted((r, a.tier, a.code) for a in airports().values() if (r := _match_rank(a, needle)) is not None)
    return (found + [airport_json(code) for _, _, code in ranked])[:limit]


def _match_rank(airport: Airport, needle: str) -> int | None:
    if airport.code.lower() == needle:
        return 0
    if airport.city.lower().startswith(needle):
        return 1
    return 2 if needle in airport.name.lower() else None


def suggestions_near(latitude: float, longitude: float, radius_m: float, limit: int = 20) -> list[dict[str, Any]]:
    """Return airports within `radius_m` metres of a point, nearest first."""
    scale = math.cos(math.radians(latitude))
    squares = (
        ((a.latitude - latitude) ** 2 + ((a.longitude - longitude) * scale) ** 2, a.code) for a in airports().values()
    )
    limit_degrees = radius_m / 111_195  # metres in one degree of latitude
    near = sorted((square, code) for square, code in squares if square <= limit_degrees**2)
    return [airport_json(code) for _, code in near[:limit]]
