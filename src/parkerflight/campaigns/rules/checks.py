"""Refuses criteria that could never book, or would cost too many searches, saying what to do instead."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NoReturn

from parkerflight.campaigns.rules import places
from parkerflight.campaigns.rules.trip import date_pairs
from parkerflight.core.errors import BadInput
from parkerflight.core.money import exponent

if TYPE_CHECKING:
    from parkerflight.campaigns.rules.trip import Criteria, TimeWindow
    from parkerflight.core.money import Money

MOST_PEOPLE = 9  # airlines' reservation systems take nine seats in one booking; more is a group request
ADULT_AT, INFANT_UNDER = 18, 2  # years; an infant sits on an adult's lap
HORIZON = timedelta(days=365)  # campaigns run twelve months, and airlines sell about 330 to 360 days ahead
MOST_NIGHTS = 180  # longer trips than half a year rarely have a return fare on sale
MOST_CONNECTIONS = 3  # more are never sold as one journey worth taking
MOST_BAGS = 4  # no airline includes more
MOST_PLACES = 10  # each origin pairs with each destination, and every pair is a search of its own
# Every combination of dates and places is one search, and about 1,500 searches pay for themselves in one booking:
# 400 leaves room to look at each of them more than three times.
MOST_CELLS = 400
AIRLINE_CODE = 2  # characters of an IATA airline designator


def validate(criteria: Criteria, cap: Money, today: date) -> None:
    """Raise BadInput, naming the field and the way out, unless a campaign can run on these. `today` is UTC's date."""
    _cap(cap)
    _places(criteria)
    _window("departure", criteria.departure_from, criteria.departure_to, today)
    _return(criteria, today)
    _weekdays_and_times(criteria)
    _party(criteria)
    _comfort(criteria)
    _searches(criteria)


def _refuse(code: str, message: str, field: str) -> NoReturn:
    raise BadInput(code, message, field=field)


def _cap(cap: Money) -> None:
    exponent(cap.currency)
    if cap.minor <= 0:
        _refuse("cap_not_positive", "Set the most you would pay for the whole party to more than zero.", "cap")


def _places(criteria: Criteria) -> None:
    for field, codes in (("origins", criteria.origins), ("destinations", criteria.destinations)):
        if not codes:
            _refuse("place_missing", f"Give at least one airport or city in {field}, such as LHR or LON.", field)
        if len(codes) > MOST_PLACES:
            _refuse("too_many_places", f"Give at most {MOST_PLACES} {field}; each adds searches for every date.", field)
        for code in codes:
            if not places.known(code):
                _refuse("unknown_place", f"{code!r} is no IATA airport or city code; write LHR or LON.", field)
    for origin in criteria.origins:
        for destination in criteria.destinations:
            if places.airports_of(origin) & places.airports_of(destination):
                message = f"{origin} and {destination} are the same place; choose another destination."
                _refuse("same_place", message, "destinations")


def _window(name: str, first: date, last: date, today: date) -> None:
    if last < first:
        message = f"The {name} window ends before it begins; swap {first} and {last}."
        _refuse("window_reversed", message, f"{name}_to")
    if first < today:
        _refuse("window_past", f"{first} is over; start on {today} or later.", f"{name}_from")
    if last > today + HORIZON:
        message = f"Airlines do not sell {last} yet; end on {today + HORIZON} or earlier."
        _refuse("window_too_far", message, f"{name}_to")


def _return(criteria: Criteria, today: date) -> None:
    by_date = criteria.return_from is not None or criteria.return_to is not None
    by_nights = criteria.nights_min is not None or criteria.nights_max is not None
    if by_date and by_nights:
        _refuse("return_twice", "Give either a return window or a number of nights, not both.", "nights_min")
    if by_nights:
        _nights(criteria, today)
    if not by_date:
        return
    if criteria.return_from is None or criteria.return_to is None:
        missing = "return_from" if criteria.return_from is None else "return_to"
        _refuse("return_half", "Give both the first and the last day of the return.", missing)
    if criteria.return_to < criteria.departure_from:
        _refuse("return_before_departure", "The return ends before the first departure; move it later.", "return_to")
    _window("return", criteria.return_from, criteria.return_to, today)


def _nights(criteria: Criteria, today: date) -> None:
    low, high = criteria.nights_min, criteria.nights_max
    if low is None:
        _refuse("nights_half", "Give the smallest number of nights too; it may equal the largest.", "nights_min")
    if low < 0:
        _refuse("nights_negative", "Nights cannot be negative; 0 means back on the same day.", "nights_min")
    if high is not None and high < low:
        _refuse("nights_reversed", f"At most {high} nights is less than at least {low}; swap them.", "nights_max")
    if max(low, high or 0) > MOST_NIGHTS:
        _refuse("nights_too_many", f"Stay at most {MOST_NIGHTS} nights, or book two one-way trips.", "nights_max")
    if criteria.departure_to + timedelta(days=max(low, high or 0)) > today + HORIZON:
        message = f"Airlines do not sell the last return yet; be back by {today + HORIZON}."
        _refuse("window_too_far", message, "nights_max")


def _weekdays_and_times(criteria: Criteria) -> None:
    week = range(7)
    for field, days in (("weekdays_out", criteria.weekdays_out), ("weekdays_back", criteria.weekdays_back)):
        if not all(day in week for day in days):
            _refuse("bad_weekday", "Weekdays run from 0, Monday, to 6, Sunday.", field)
    for name, window in (("times_out", criteria.times_out), ("times_back", criteria.times_back)):
        _times(name, window)


def _times(field: str, window: TimeWindow) -> None:
    if window.latest < window.earliest:
        message = f"Departure from {window.earliest:%H:%M} to {window.latest:%H:%M} holds no time; swap them."
        _refuse("times_reversed", message, field)


def _party(criteria: Criteria) -> None:
    infants = sum(age < INFANT_UNDER for age in criteria.minor_ages)
    if any(not 0 <= age < ADULT_AT for age in criteria.minor_ages):
        _refuse("bad_age", f"Ages of minors run from 0 to {ADULT_AT - 1}; count others as adults.", "minor_ages")
    if criteria.adults < 0 or criteria.people < 1:
        _refuse("nobody", "Somebody must travel; give at least one adult.", "adults")
    if criteria.adults < 1:
        _refuse("minors_alone", "Minors need an adult on the same booking; add one.", "adults")
    if infants > criteria.adults:
        _refuse("too_many_infants", "Each infant sits on an adult's lap; add adults, or drop one.", "minor_ages")
    if criteria.people > MOST_PEOPLE:
        _refuse("too_many_people", f"One booking takes at most {MOST_PEOPLE} people; split the party.", "adults")


def _comfort(criteria: Criteria) -> None:
    if not 0 <= criteria.max_connections <= MOST_CONNECTIONS:
        _refuse("bad_connections", f"Allow 0 to {MOST_CONNECTIONS} connections each way.", "max_connections")
    if not 0 <= criteria.min_checked_bags <= MOST_BAGS:
        _refuse("bad_bags", f"Ask for 0 to {MOST_BAGS} checked bags each.", "min_checked_bags")
    for field, codes in (("airlines_in", criteria.airlines_in), ("airlines_out", criteria.airlines_out)):
        if bad := [code for code in codes if not (code.isalnum() and code.isupper() and len(code) == AIRLINE_CODE)]:
            # Codes such as 9W begin with a digit; a few, such as 3U, end with one; none has more than two characters.
            _refuse("unknown_airline", f"{bad[0]!r} is no airline code; write two characters such as BA.", field)
    if both := sorted(set(criteria.airlines_in) & set(criteria.airlines_out)):
        _refuse("airline_both_ways", f"{both[0]} is both wanted and unwanted; drop one.", "airlines_out")


def _searches(criteria: Criteria) -> None:
    routes = sum(a != b for a in set(criteria.origins) for b in set(criteria.destinations))
    # Counted, not built: a year of dates and half a year of nights would be millions of cells.
    count = routes * len(set(date_pairs(criteria)))
    if not count:
        message = "No date fits the windows, nights and weekdays together; widen one of them."
        _refuse("no_dates", message, "weekdays_back" if criteria.weekdays_back else "departure_from")
    if count > MOST_CELLS:
        message = (
            f"These dates and places make {count} combinations; at most {MOST_CELLS} are possible, because each is a "
            "search that the airlines count. Narrow the windows, nights or weekdays, or name fewer places."
        )
        _refuse("too_many_searches", message, "departure_to")
