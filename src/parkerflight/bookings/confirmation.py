"""What a person is sent when a booking is complete: subject, plain text, HTML, calendar file. Pure.

The provider never writes to the traveller, so this is the only confirmation there is. It names the operating carrier
of every flight (14 CFR 257.5) and says "the airline does not say" where that is all that is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from babel.numbers import format_currency
from django.template import Context, Engine

from parkerflight.bookings.confirmation_calendar import calendar_file, city, flight_number, moments
from parkerflight.core.money import Money
from parkerflight.flights.types import Condition, Order, Place, Segment, Slice

TEMPLATES = Path(__file__).parent / "templates"
UNKNOWN = "The airline does not say"
MAX_SUBJECT = 150  # characters; two long city names still fit
_LAST_DIGITS = 4
_RETURN = 2


@dataclass(frozen=True, slots=True)
class ConfirmationMail:
    """A finished message. Attachments are file name, media type, content. Its repr shows nothing."""

    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    attachments: tuple[tuple[str, str, bytes], ...] = field(repr=False)


def confirmation(
    order: Order,
    *,
    charged: Money,
    card_brand: str,
    card_last4: str,
    travellers: list[str],
    cap: Money,
    now: datetime,
) -> ConfirmationMail:
    """The confirmation of `order`. `travellers` are display names in the order of `order.passenger_ids`.

    `charged` is what the card paid, fee included; `cap` what the person allowed. `now` is aware, UTC.
    Raises ValueError for an order without flights, for names that do not match its passengers, and for a card
    number longer than its last four digits.
    """
    _refuse_the_impossible(order, travellers, card_last4)
    view = {
        "reference": order.booking_reference,
        "airline": order.owner_name,
        "journeys": [_journey(order, one, travellers, label) for one, label in _labelled(order.slices)],
        "travellers": _tickets(order, travellers),
        "ticketed": bool(order.tickets),
        "refund": _condition(order.refund, "Refund before departure"),
        "change": _condition(order.change, "Change before departure"),
        "fare": _amount(order.total),
        "fee": _amount(charged - order.total) if _has_fee(charged, order.total) else "",
        "charged": _amount(charged),
        "cap": _amount(cap),
        "card": f"{card_brand.replace('_', ' ').title()} ending in {card_last4}",
        "zones_missing": any(m.tzinfo is None for one in order.slices for s in one.segments for m in moments(s)),
    }
    return ConfirmationMail(
        subject=_subject(order),
        text=_engine().get_template("bookings/confirmation.txt").render(Context(view, autoescape=False)),
        html=_engine().get_template("bookings/confirmation.html").render(Context(view, autoescape=True)),
        attachments=(("flights.ics", "text/calendar", calendar_file(order, now=now)),),
    )


@cache
def _engine() -> Engine:
    """An engine of our own: nothing here depends on the settings of the site."""
    return Engine(dirs=[str(TEMPLATES)])


def _refuse_the_impossible(order: Order, travellers: list[str], card_last4: str) -> None:
    if not order.slices or any(not one.segments for one in order.slices):
        message = "an order without flights has no confirmation"
        raise ValueError(message)
    if len(travellers) != len(order.passenger_ids):
        message = "one name for each passenger of the order"
        raise ValueError(message)
    if len(card_last4) > _LAST_DIGITS:
        message = "only the last four digits of a card may be mailed"
        raise ValueError(message)


def _subject(order: Order) -> str:
    """Without the booking reference: with a surname it opens the booking, and lock screens show subjects."""
    first = order.slices[0]
    route = f"{_short(first.origin)} to {_short(first.destination)}"
    line = f"Booked: {route}, {first.departing_at:%a} {first.departing_at.day} {first.departing_at:%b %Y}"
    return "".join(c if c.isprintable() else " " for c in line)[:MAX_SUBJECT]


def _short(place: Place) -> str:
    return place.city_name or place.name or place.iata_code


def _labelled(slices: Sequence[Slice]) -> list[tuple[Slice, str]]:
    if len(slices) == 1:
        return [(slices[0], "Your flight" if slices[0].connections == 0 else "Your flights")]
    # Out and back may use two airports of a city: compare cities.
    if len(slices) == _RETURN and _short(slices[0].origin) == _short(slices[1].destination):
        return [(slices[0], "Outbound"), (slices[1], "Return")]
    return [(one, f"Journey {number}") for number, one in enumerate(slices, start=1)]


def _journey(order: Order, one: Slice, travellers: list[str], label: str) -> dict[str, object]:
    flights = [_flight(order, segment, travellers) for segment in one.segments]
    for flight, before, after in zip(flights, one.segments, one.segments[1:], strict=False):
        flight["connection"] = _connection(before, after)
    names = [f"{_short(one.origin)} to {_short(one.destination)}", one.fare_brand]
    return {"label": label, "route": " · ".join(name for name in names if name), "flights": flights}


def _flight(order: Order, segment: Segment, travellers: list[str]) -> dict[str, object]:
    departing, arriving = moments(segment)
    days = (segment.arriving_at.date() - segment.departing_at.date()).days
    cabins = sorted({cabin.replace("_", " ") for cabin in segment.cabins.values()})
    return {
        "number": flight_number(segment),
        "operator": segment.operating_carrier_name or f"{UNKNOWN.lower()} who",
        "from": city(segment.origin),
        "from_airport": segment.origin.name,
        "to": city(segment.destination),
        "to_airport": segment.destination.name,
        "departs": _clock(departing),
        "departs_on": _day(departing),
        "arrives": _clock(arriving),
        "arrives_on": _day(arriving),
        "days": f"{days:+d}" if days else "",
        "days_words": f"{abs(days)} day{'s' * (abs(days) > 1)} {'later' if days > 0 else 'earlier'}" if days else "",
        "duration": _span(segment.duration) if segment.duration else "",
        "cabin": ", ".join(cabins),
        "stops": f"{segment.stops} stop{'s' * (segment.stops > 1)} on the way" if segment.stops else "",
        "bags": _bags(order, segment, travellers),
        "connection": "",
    }


def _clock(moment: datetime) -> str:
    """`21:45 BST`; zones without letters of their own show their offset, unknown ones say so."""
    name = moment.tzname()
    if name is None:
        return f"{moment:%H:%M} local time"
    return f"{moment:%H:%M} {'UTC' + name if name[0] in '+-' else name}"


def _day(moment: datetime) -> str:
    return f"{moment:%a} {moment.day} {moment:%b %Y}"


def _span(duration: timedelta) -> str:
    hours, minutes = divmod(round(duration.total_seconds() / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def _connection(before: Segment, after: Segment) -> str:
    if before.destination.iata_code != after.origin.iata_code:
        return f"Change of airport: {city(before.destination)} to {city(after.origin)}. You make your own way."
    # Through UTC: a clock may change while one waits.
    offset = (after.departing_at - before.arriving_at).total_seconds()
    arriving, departing = moments(before)[1], moments(after)[0]
    if arriving.tzinfo and departing.tzinfo:
        offset = departing.timestamp() - arriving.timestamp()
    return f"{_span(timedelta(seconds=offset))} in {city(before.destination)}" if offset > 0 else ""


def _bags(order: Order, segment: Segment, travellers: list[str]) -> list[str]:
    """One line when it is the same for everybody, else one each."""
    said = [_baggage(segment, passenger_id) for passenger_id in order.passenger_ids]
    if len(set(said)) == 1:
        return [said[0] + (" each" if len(said) > 1 and said[0] != UNKNOWN else "")]
    return [f"{name}: {bags}" for name, bags in zip(travellers, said, strict=True)]


def _baggage(segment: Segment, passenger_id: str) -> str:
    bags = segment.baggage.get(passenger_id)
    if bags is None:
        return UNKNOWN
    counted = [(bags.checked, "checked bag"), (bags.carry_on, "carry-on bag")]
    words = [f"{count} {what}{'s' * (count > 1)}" if count else f"no {what}" for count, what in counted]
    return ", ".join(words).capitalize()


def _tickets(order: Order, travellers: list[str]) -> list[dict[str, str]]:
    numbers = {
        passenger_id: ", ".join(ticket.number for ticket in order.tickets if passenger_id in ticket.passenger_ids)
        for passenger_id in order.passenger_ids
    }
    pairs = zip(travellers, order.passenger_ids, strict=True)
    return [{"name": name, "ticket": numbers[passenger_id]} for name, passenger_id in pairs]


def _condition(condition: Condition, what: str) -> str:
    if condition.allowed is None:
        return f"{what}: {UNKNOWN.lower()}. That is not a no; ask the airline."
    if not condition.allowed:
        return f"{what}: not allowed."
    if condition.penalty is None:
        return f"{what}: allowed; {UNKNOWN.lower()} what it costs."
    if condition.penalty.minor == 0:
        return f"{what}: allowed, free of charge."
    return f"{what}: allowed, for {_amount(condition.penalty)}."


def _has_fee(charged: Money, fare: Money) -> bool:
    return charged.currency == fare.currency and charged > fare


def _amount(money: Money) -> str:
    return format_currency(money.decimal, money.currency, locale="en_GB")
