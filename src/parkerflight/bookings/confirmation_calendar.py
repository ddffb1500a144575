"""The calendar file of a confirmation (RFC 5545): one event per flight, each end in its own airport's time zone."""

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone

from parkerflight.flights.types import Order, Place, Segment

PRODUCT = "-//Parker Flight//Booking confirmation//EN"
_DAY = timedelta(days=1)


@cache
def zone_of(name: str) -> ZoneInfo | None:
    """The IANA time zone, or None when the provider named none that exists."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, not a name at all, a folder of names
        return None


def moments(segment: Segment) -> tuple[datetime, datetime]:
    """Departure and arrival, each aware where its airport's zone is known and naive where not.

    An hour that a clock change repeats is read so that the flight lasts as long as the provider says; without a
    duration, or when no reading fits, it is the first of the two.
    """
    start, end = zone_of(segment.origin.time_zone), zone_of(segment.destination.time_zone)
    for fold_start, fold_end in product((0, 1), repeat=2):
        departing = segment.departing_at.replace(tzinfo=start, fold=fold_start)
        arriving = segment.arriving_at.replace(tzinfo=end, fold=fold_end)
        # Subtracting in UTC: two datetimes of one zone would be subtracted by their clocks.
        if start and end and arriving.astimezone(UTC) - departing.astimezone(UTC) == segment.duration:
            return departing, arriving
    return segment.departing_at.replace(tzinfo=start), segment.arriving_at.replace(tzinfo=end)


def flight_number(segment: Segment) -> str:
    """As printed on boards: `BA 178`."""
    return f"{segment.marketing_carrier} {segment.marketing_flight_number}".strip()


def city(place: Place) -> str:
    """`London LHR`, or the airport's own name where the provider names no city."""
    return f"{place.city_name or place.name} {place.iata_code}".strip()


def calendar_file(order: Order, *, now: datetime) -> bytes:
    """The order's flights as an iCalendar file. `now` (aware, UTC) stamps it; the rest depends on the order alone."""
    segments = [segment for one in order.slices for segment in one.segments]
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    for segment in segments:
        calendar.add_component(_event(order, segment, now))
    # Rules for the years flown, a year either side, so that a reader always finds the change before the flight.
    days = [moment.date() for segment in segments for moment in (segment.departing_at, segment.arriving_at)]
    calendar.add_missing_timezones(first_date=min(days) - 366 * _DAY, last_date=max(days) + 366 * _DAY)
    for zone in calendar.timezones:
        _correct_onsets(zone)
    return bytes(calendar.to_ical())


def _correct_onsets(rules: Timezone) -> None:
    """Write the moments at which clocks go forward by the old offset, as RFC 5545 3.6.5 wants them.

    icalendar 7.3 writes them by the new one, an hour late for readers that reckon in UTC. A moment that is right
    already lies in the hour that is skipped, and stays.
    """
    zone = ZoneInfo(str(rules["TZID"]))
    for rule in rules.subcomponents:
        after: Any = rule["TZOFFSETTO"]
        before: Any = rule["TZOFFSETFROM"]
        jump = after.td - before.td
        if jump > timedelta(0):
            given = [rule.pop("DTSTART").dt, *(one.dt for one in getattr(rule.pop("RDATE", None), "dts", ()))]
            onsets = [one - jump if _skipped(one - jump, zone) else one for one in given]
            rule.add("dtstart", onsets[0])
            if onsets[1:]:
                rule.add("rdate", onsets[1:])


def _skipped(local: datetime, zone: ZoneInfo) -> bool:
    return local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local


def _event(order: Order, segment: Segment, now: datetime) -> Event:
    event = Event()
    # Both ids are the provider's and do not change, so importing the file again updates instead of doubling.
    event.add("uid", f"{order.id}-{segment.id}@parkerflight")
    event.add("dtstamp", now)
    event.add("summary", f"{flight_number(segment)} {city(segment.origin)} → {city(segment.destination)}")
    event.add("location", f"{segment.origin.name} ({segment.origin.iata_code})")
    start, end = _span(segment)
    event.add("dtstart", start)
    if end is not None:
        event.add("dtend", end)
    event.add("description", "\n".join(_description(order, segment, floating=start.tzinfo is None)))
    return event


def _span(segment: Segment) -> tuple[datetime, datetime | None]:
    """Start and end as a calendar may write them: both with a zone, or both floating; no end before the start."""
    departing, arriving = moments(segment)
    if departing.tzinfo and arriving.tzinfo:
        return _writable(departing), _writable(arriving)
    if departing.tzinfo and segment.duration:
        return _writable(departing), departing.astimezone(UTC) + segment.duration
    if arriving.tzinfo and segment.duration:
        return arriving.astimezone(UTC) - segment.duration, _writable(arriving)
    start, end = segment.departing_at, segment.arriving_at
    return start, end if end > start else None


def _writable(moment: datetime) -> datetime:
    """RFC 5545 3.3.5 always reads a repeated hour as its first pass; the second can only be written in UTC."""
    repeated = moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset()
    return moment.astimezone(UTC) if repeated and moment.fold else moment


def _description(order: Order, segment: Segment, *, floating: bool) -> list[str]:
    lines = [
        f"Booking reference: {order.booking_reference}",
        f"Operated by {segment.operating_carrier_name or 'an airline the provider does not name'}",
        f"Departs {segment.departing_at:%d %b %Y %H:%M}, arrives {segment.arriving_at:%d %b %Y %H:%M}, local times",
    ]
    if floating:
        lines.append("The time zone of an airport is not known: the times are the airports' own and may show shifted.")
    return lines
