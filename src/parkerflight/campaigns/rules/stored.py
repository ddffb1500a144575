"""Criteria back from JSON, as a form or the database gives them."""

from __future__ import annotations

from datetime import date, time
from typing import TYPE_CHECKING, Any

from parkerflight.campaigns.rules.trip import Cell, Criteria, TimeWindow, to_json
from parkerflight.core.errors import BadInput
from parkerflight.flights.types import Cabin

if TYPE_CHECKING:
    from collections.abc import Callable

    from parkerflight.flights.types import SearchQuery

__all__ = ["from_json", "query_of", "to_json"]


def from_json(stored: dict[str, Any]) -> Criteria:
    """Read what `to_json` wrote; absent names take their defaults. Raises BadInput naming the field."""
    unknown = sorted(set(stored) - set(_READERS))
    if unknown:
        raise BadInput("unknown_field", f"There is no field {unknown[0]!r}; leave it out.", field=unknown[0])
    given = {name: _read(name, value) for name, value in stored.items() if value is not None}
    for name in ("origins", "destinations", "departure_from", "departure_to"):
        if name not in given:
            raise BadInput("missing_field", f"Give {name.replace('_', ' ')}.", field=name)
    return Criteria(**given)


def query_of(stored: dict[str, Any]) -> SearchQuery:
    """Make the search of a cell that was stored by `Cell.to_json`; what it lacks is a bug and raises KeyError."""
    return Cell(
        origin=stored["origin"],
        destination=stored["destination"],
        depart=date.fromisoformat(stored["depart"]),
        back=date.fromisoformat(stored["back"]) if stored["back"] else None,
        cabin=Cabin(stored["cabin"]),
        max_connections=stored["max_connections"],
        adults=stored["adults"],
        minor_ages=tuple(stored["minor_ages"]),
    ).query()


def _read(name: str, value: Any) -> Any:
    try:
        return _READERS[name](value)
    except (TypeError, ValueError):
        raise BadInput(
            "bad_value", f"{name.replace('_', ' ')} cannot be read; give {_WANTED[name]}.", field=name
        ) from None


def _codes(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise TypeError
    return tuple(one.strip().upper() for one in value)


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value


def _wholes(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list | tuple):
        raise TypeError
    return tuple(_whole(one) for one in value)


def _weekdays(value: Any) -> frozenset[int]:
    return frozenset(_wholes(value))


def _window(value: Any) -> TimeWindow:
    earliest, latest = value
    return TimeWindow(time.fromisoformat(earliest), time.fromisoformat(latest))


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


_KINDS: dict[Callable[[Any], Any], tuple[str, tuple[str, ...]]] = {
    _codes: ("a list of IATA codes such as LON", ("origins", "destinations", "airlines_in", "airlines_out")),
    date.fromisoformat: ("a date such as 2027-05-01", ("departure_from", "departure_to", "return_from", "return_to")),
    _whole: ("a whole number", ("nights_min", "nights_max", "max_connections", "min_checked_bags", "adults")),
    _weekdays: ("a list of weekdays, Monday being 0", ("weekdays_out", "weekdays_back")),
    _window: ("two times such as 07:00 and 21:00", ("times_out", "times_back")),
    Cabin: ("economy, premium_economy, business or first", ("cabin",)),
    _flag: ("true or false", ("refundable_only", "changeable_only")),
    _wholes: ("a list of ages", ("minor_ages",)),
}
_READERS = {name: reader for reader, (_, names) in _KINDS.items() for name in names}
_WANTED = {name: wanted for _, (wanted, names) in _KINDS.items() for name in names}
