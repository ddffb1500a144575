"""Why an offer does not satisfy a campaign: one small check a reason, each with a sentence for the person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from parkerflight.campaigns.rules import places
from parkerflight.campaigns.rules.trip import fits_weekday
from parkerflight.flights.types import Cabin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date, datetime

    from parkerflight.campaigns.rules.trip import Criteria, TimeWindow
    from parkerflight.core.money import Money
    from parkerflight.flights.types import Offer, Segment, Slice

# Re-reading the offer, authorising the card and the order itself (up to 130 s) must fit before the offer expires.
TIME_TO_BOOK = timedelta(minutes=5)
ADULT_AT = 18


class Reason(StrEnum):
    """Why not. The order is that of telling: the first that applies is named first."""

    WRONG_TRIP = "wrong_trip"
    WRONG_PLACE = "wrong_place"
    WRONG_DATE = "wrong_date"
    PARTY = "party"
    EXPIRED = "expired"
    EXPIRES_TOO_SOON = "expires_too_soon"
    CURRENCY = "currency"
    PRICE = "price"
    CONNECTIONS = "connections"
    DEPARTURE_TIME = "departure_time"
    AIRLINE = "airline"
    OWNER = "owner"
    CABIN = "cabin"
    BAGS = "bags"
    NOT_REFUNDABLE = "not_refundable"
    NOT_CHANGEABLE = "not_changeable"
    DOCUMENTS = "documents"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason with its sentence; neither holds personal data."""

    reason: Reason
    sentence: str


@dataclass(frozen=True, slots=True)
class Question:
    """Everything a check may look at. `now` is aware, UTC."""

    offer: Offer
    criteria: Criteria
    cap: Money
    now: datetime
    has_documents: bool

    @property
    def segments(self) -> Iterator[Segment]:
        return (segment for one in self.offer.slices for segment in one.segments)


def refusals(question: Question) -> tuple[Refusal, ...]:
    """All reasons against the offer, in the order of `Reason`; none means that it may be bought."""
    found = ((reason, check(question)) for reason, check in _CHECKS.items())
    return tuple(Refusal(reason, sentence) for reason, sentence in found if sentence)


def _trip(q: Question) -> str:
    wanted = 1 if q.criteria.one_way else 2
    if len(q.offer.slices) == wanted:
        return ""
    return f"has {len(q.offer.slices)} directions of travel instead of {wanted}"


def _place(q: Question) -> str:
    wanted = [(q.criteria.origins, q.criteria.destinations), (q.criteria.destinations, q.criteria.origins)]
    for one, (starts, ends) in zip(q.offer.slices, wanted, strict=False):
        # The ends of what is flown, not of what was searched: a slice may name a city.
        start, end = one.segments[0].origin, one.segments[-1].destination
        if not any(places.covers(code, start) for code in starts):
            return f"leaves from {start.iata_code}"
        if not any(places.covers(code, end) for code in ends):
            return f"goes to {end.iata_code}"
    return ""


def _date(q: Question) -> str:
    out = q.offer.slices[0].departing_at.date()
    if not q.criteria.departure_from <= out <= q.criteria.departure_to:
        return f"leaves on {out}, outside the departure window"
    if not fits_weekday(out, q.criteria.weekdays_out):
        return f"leaves on a {out:%A}"
    if q.criteria.one_way or len(q.offer.slices) < 2:  # noqa: PLR2004 - out and back
        return ""
    return _return_date(q, out, q.offer.slices[1].departing_at.date())


def _return_date(q: Question, out: date, back: date) -> str:
    wanted = q.criteria
    nights = (back - out).days
    if wanted.nights_min is not None:
        longest = wanted.nights_min if wanted.nights_max is None else wanted.nights_max
        if not wanted.nights_min <= nights <= longest:
            return f"stays {nights} nights"
    elif wanted.return_from and wanted.return_to and not wanted.return_from <= back <= wanted.return_to:
        return f"returns on {back}, outside the return window"
    return "" if fits_weekday(back, wanted.weekdays_back) else f"returns on a {back:%A}"


def _party(q: Question) -> str:
    seats = q.offer.passengers
    if len(seats) != q.criteria.people:
        return f"is for {len(seats)} people instead of {q.criteria.people}"
    ages = sorted(one.age for one in seats if one.age is not None and one.age < ADULT_AT)
    # Where a minor's age is not told there is nothing to compare; the count above has to do.
    told = all(one.age is not None or one.kind == "adult" for one in seats)
    if told and ages != sorted(q.criteria.minor_ages):
        return "is for people of other ages"
    return ""


def _expired(q: Question) -> str:
    expires = q.offer.expires_at
    return f"expired at {expires:%Y-%m-%d %H:%M} UTC" if expires and expires <= q.now else ""


def _expires_soon(q: Question) -> str:
    expires = q.offer.expires_at
    if expires is None or not q.now < expires < q.now + TIME_TO_BOOK:
        return ""
    return f"expires in {int((expires - q.now).total_seconds())} seconds, too soon to book safely"


def _currency(q: Question) -> str:
    ours, theirs = q.cap.currency, q.offer.total.currency
    return "" if ours == theirs else f"is priced in {theirs}, while the cap is in {ours}"


def _price(q: Question) -> str:
    if q.cap.currency != q.offer.total.currency or q.offer.total <= q.cap:
        return ""
    return f"costs {q.offer.total}, {q.offer.total - q.cap} above the cap"


def _connections(q: Question) -> str:
    """Landings under the same flight number are no connections: nobody changes planes."""
    most = q.offer.max_connections
    return "" if most <= q.criteria.max_connections else f"has {most} connections; at most {q.criteria.max_connections}"


def _departure_time(q: Question) -> str:
    windows: tuple[TimeWindow, ...] = (q.criteria.times_out, q.criteria.times_back)
    for one, window in zip(q.offer.slices, windows, strict=False):
        if not window.holds(one.departing_at):
            hours = f"{window.earliest:%H:%M} and {window.latest:%H:%M}"
            return f"departs at {one.departing_at:%H:%M}, not between {hours}"
    return ""


def _airline(q: Question) -> str:
    marketed = {segment.marketing_carrier for segment in q.segments}
    unwanted = marketed | {segment.operating_carrier for segment in q.segments}
    if hit := sorted(unwanted & set(q.criteria.airlines_out)):
        return f"flies {hit[0]}, which is unwanted"
    if q.criteria.airlines_in and (others := sorted(marketed - set(q.criteria.airlines_in))):
        return f"flies {others[0] or 'an airline without a code'}, which is not among the wanted"
    return ""


def _owner(q: Question) -> str:
    owner = q.offer.owner
    if owner in q.criteria.airlines_out or (q.criteria.airlines_in and owner not in q.criteria.airlines_in):
        return f"is sold by {owner or 'an airline without a code'}, which is not wanted"
    return ""


def _cabin(q: Question) -> str:
    """A cabin that is not told passes: the search asked for the right one."""
    order = [cabin.value for cabin in Cabin]
    wanted = order.index(q.criteria.cabin.value)
    for segment in q.segments:
        for cabin in sorted(set(segment.cabins.values())):
            if cabin in order and order.index(cabin) < wanted:
                return f"has a flight in {cabin.replace('_', ' ')}"
    return ""


def _bags(q: Question) -> str:
    bags, wanted = q.offer.checked_bags, q.criteria.min_checked_bags
    return "" if bags >= wanted else f"includes {bags} checked bags each; {wanted} are required"


def _refundable(q: Question) -> str:
    return _allowed(q.offer.refund.allowed, "refundable") if q.criteria.refundable_only else ""


def _changeable(q: Question) -> str:
    return _allowed(q.offer.change.allowed, "changeable") if q.criteria.changeable_only else ""


def _allowed(allowed: bool | None, what: str) -> str:
    """What the airline does not say counts as no."""
    if allowed is None:
        return f"does not say whether it is {what}"
    return "" if allowed else f"is not {what}"


def _documents(q: Question) -> str:
    if q.offer.documents_required and not q.has_documents:
        return "needs travel documents, which are not stored for everyone"
    return ""


_CHECKS: dict[Reason, Callable[[Question], str]] = {
    Reason.WRONG_TRIP: _trip,
    Reason.WRONG_PLACE: _place,
    Reason.WRONG_DATE: _date,
    Reason.PARTY: _party,
    Reason.EXPIRED: _expired,
    Reason.EXPIRES_TOO_SOON: _expires_soon,
    Reason.CURRENCY: _currency,
    Reason.PRICE: _price,
    Reason.CONNECTIONS: _connections,
    Reason.DEPARTURE_TIME: _departure_time,
    Reason.AIRLINE: _airline,
    Reason.OWNER: _owner,
    Reason.CABIN: _cabin,
    Reason.BAGS: _bags,
    Reason.NOT_REFUNDABLE: _refundable,
    Reason.NOT_CHANGEABLE: _changeable,
    Reason.DOCUMENTS: _documents,
}


def way(one: Slice) -> str:
    """`LHR → JFK` for a slice, as flown."""
    return " → ".join([one.segments[0].origin.iata_code, *(s.destination.iata_code for s in one.segments)])
