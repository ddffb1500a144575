"""Offer requests: what a search must look like, and the offers it finds."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from itertools import pairwise, product
from typing import Any

from sandbox.duffel import errors, magic
from sandbox.duffel.airlines import DUFFEL_AIRWAYS
from sandbox.duffel.brands import CABINS, Brand, brands_for, cabin_factor
from sandbox.duffel.draws import pick
from sandbox.duffel.itineraries import Itinerary, between
from sandbox.duffel.money import in_currency
from sandbox.duffel.places import airports, expand
from sandbox.duffel.prices import CHILD_SHARE, INFANT_SHARE
from sandbox.duffel.rendering import slices_json
from sandbox.duffel.world import Offer, OfferRequest, SearchPassenger, SliceQuery, World

MOST_PASSENGERS = 9  # what airline reservation systems take in one booking
FURTHEST_DAYS = 360  # airlines open their books about eleven months ahead
RETURNS_FOR_EACH = 3  # return flights paired with one outbound flight, so that a round trip stays a page long
MOST_OFFERS = 150
CHILD_UNTIL, INFANT_UNTIL, ADULT_FROM = 12, 2, 18


def create(world: World, data: dict[str, Any]) -> OfferRequest:
    """Validate a search, find its offers and remember both. Raises DuffelError naming every bad field."""
    problems: list[errors.Problem] = []
    slices = _slices(data.get("slices"), world, problems)
    passengers = _passengers(data.get("passengers"), problems)
    cabin, connections = data.get("cabin_class"), data.get("max_connections", 1)
    if cabin is not None and cabin not in CABINS:
        problems.append(errors.field_problem("validation_inclusion", "/cabin_class", f"must be one of {CABINS}"))
    if not isinstance(connections, int) or isinstance(connections, bool) or connections < 0:
        problems.append(errors.field_problem("validation_format", "/max_connections", "must be a number from 0"))
    if problems:
        raise errors.DuffelError(HTTPStatus.UNPROCESSABLE_ENTITY, *problems)
    request = OfferRequest(
        world.ids.new("orq"), world.now(), slices, _with_ids(world, passengers), cabin, int(connections), world.currency
    )
    if request.magic == magic.SEARCH_TIMES_OUT:
        raise errors.DuffelError(HTTPStatus.GATEWAY_TIMEOUT, errors.FORCED[504])
    request.offers = [] if request.magic == magic.NO_OFFERS else find(world, request)
    world.remember(request)
    return request


def _slices(raw: Any, world: World, problems: list[errors.Problem]) -> list[SliceQuery]:
    if not isinstance(raw, list) or not raw:
        problems.append(errors.required("/slices"))
        return []
    found = [_slice(one, f"/slices/{i}", world, problems) for i, one in enumerate(raw)]
    queries = [query for query in found if query]
    if any(later.day < earlier.day for earlier, later in pairwise(queries)):
        problems.append(errors.field_problem("validation_format", "/slices", "departure dates must be in order"))
    return queries


def _slice(raw: Any, at: str, world: World, problems: list[errors.Problem]) -> SliceQuery | None:
    raw = raw if isinstance(raw, dict) else {}
    before = len(problems)
    for name in ("origin", "destination"):
        if not raw.get(name):
            problems.append(errors.required(f"{at}/{name}"))
        elif not expand(str(raw[name])):
            problems.append(errors.field_problem("not_found", f"{at}/{name}", f"No place with the code '{raw[name]}'"))
    day = _departure_day(raw.get("departure_date"), f"{at}/departure_date", problems)
    if raw.get("origin") and raw.get("origin") == raw.get("destination"):
        problems.append(errors.field_problem("validation_format", f"{at}/destination", "must differ from the origin"))
    if day and len(problems) == before:
        _in_season(world, day, str(raw["origin"]), at, problems)
    windows = [_window(raw.get(name), f"{at}/{name}", problems) for name in ("departure_time", "arrival_time")]
    return (
        None if day is None or len(problems) > before else SliceQuery(raw["origin"], raw["destination"], day, *windows)
    )


def _departure_day(raw: Any, at: str, problems: list[errors.Problem]) -> date | None:
    if not raw:
        problems.append(errors.required(at))
        return None
    try:
        if isinstance(raw, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", raw):
            return date.fromisoformat(raw)
    except ValueError:
        pass  # the shape of a date, but no such day
    problems.append(errors.field_problem("validation_format", at, "must be a date like 2030-05-01"))
    return None


def _in_season(world: World, day: date, origin: str, at: str, problems: list[errors.Problem]) -> None:
    today = datetime.fromtimestamp(world.now(), UTC).astimezone(expand(origin)[0].tzinfo).date()
    if day < today:
        problems.append(errors.field_problem("validation_format", f"{at}/departure_date", "must not be in the past"))
    elif day > today + timedelta(days=FURTHEST_DAYS):
        problems.append(errors.field_problem("validation_format", f"{at}/departure_date", "is too far in the future"))


def _window(raw: Any, at: str, problems: list[errors.Problem]) -> tuple[str, str] | None:
    if raw is None:
        return None
    ends = (raw.get("from", "00:00"), raw.get("to", "23:59")) if isinstance(raw, dict) else ("", "")
    if not all(isinstance(end, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", end) for end in ends):
        problems.append(errors.field_problem("validation_format", at, "must have from and to like 09:45"))
        return None
    return ends


def _passengers(raw: Any, problems: list[errors.Problem]) -> list[SearchPassenger]:
    if not isinstance(raw, list) or not raw:
        problems.append(errors.required("/passengers"))
        return []
    found = [
        _passenger(one if isinstance(one, dict) else {}, f"/passengers/{i}", problems) for i, one in enumerate(raw)
    ]
    if len(raw) > MOST_PASSENGERS:
        problems.append(errors.field_problem("validation_length", "/passengers", f"must be at most {MOST_PASSENGERS}"))
    infants = sum(p.type == "infant_without_seat" for p in found)
    if infants > sum(p.type == "adult" for p in found):
        problems.append(errors.field_problem("validation_format", "/passengers", "more infants than adults"))
    return found


def _passenger(raw: dict[str, Any], at: str, problems: list[errors.Problem]) -> SearchPassenger:
    kind, age = raw.get("type"), raw.get("age")
    if (kind is None) == (age is None):
        problems.append(errors.field_problem("validation_required", f"{at}/type", "give either a type or an age"))
    elif kind is not None and kind not in {"adult", "child", "infant_without_seat"}:
        problems.append(errors.field_problem("validation_inclusion", f"{at}/type", "is no passenger type"))
    elif age is not None and (not isinstance(age, int) or isinstance(age, bool) or not 0 <= age <= 130):  # noqa: PLR2004
        problems.append(errors.field_problem("validation_format", f"{at}/age", "must be a whole number of years"))
        age = None
    accounts = raw.get("loyalty_programme_accounts") or []
    if accounts and not (raw.get("given_name") and raw.get("family_name")):
        problems.append(errors.required(f"{at}/given_name"))
    return SearchPassenger(
        "", kind or type_of_age(age), age, raw.get("given_name"), raw.get("family_name"), raw.get("fare_type"), accounts
    )


def type_of_age(age: int | None) -> str:
    """Return the passenger type airlines give an age."""
    if age is None or age >= CHILD_UNTIL:
        return "adult"
    return "infant_without_seat" if age < INFANT_UNTIL else "child"


def _with_ids(world: World, passengers: list[SearchPassenger]) -> list[SearchPassenger]:
    for passenger in passengers:
        passenger.id = world.ids.new("pas", 22)
    return passengers


def party_share(request: OfferRequest) -> float:
    """Return the party's price in adult fares."""
    share = {"adult": 1.0, "child": CHILD_SHARE, "infant_without_seat": INFANT_SHARE}
    return sum(share[p.type] for p in request.passengers)


@dataclass(frozen=True, slots=True)
class Choice:
    """One offer in the making: a journey for each slice, and its economy fare in dollars for one seat."""

    itineraries: tuple[Itinerary, ...]
    seat_usd: float


def find(world: World, request: OfferRequest) -> list[Offer]:
    """Return the offers for a valid search, in the order of their ids (which says nothing about prices)."""
    connections = min(request.connections, 2)
    found = [_journeys(world, query, connections, request) for query in request.slices]
    cabins = [request.cabin] if request.cabin else ["economy", "business"]
    offers = [
        offer
        for choice in _choices(world, request, found)
        for cabin in cabins
        for brand in brands_for(choice.itineraries[0], cabin)
        if (offer := _offer(world, request, choice, cabin, brand))
    ]
    return sorted(offers[:MOST_OFFERS], key=lambda offer: offer.id)


def _journeys(world: World, query: SliceQuery, connections: int, request: OfferRequest) -> list[Itinerary]:
    origins, destinations = ([a.code for a in expand(code)] for code in (query.origin, query.destination))
    found = between(origins, destinations, query.day, connections)
    found = magic.shape(request.magic, found)
    earliest = request.created_at + 3_600  # an hour before departure check-in closes and nothing is sold any more
    return [
        itinerary
        for itinerary in found
        if itinerary.legs[0].departs.timestamp() > earliest
        and _in_windows(itinerary, query)
        and (world.test_airline or itinerary.owner != DUFFEL_AIRWAYS)
    ]


def _in_windows(itinerary: Itinerary, query: SliceQuery) -> bool:
    moments = (
        (query.departure_window, itinerary.legs[0].departs, itinerary.origin),
        (query.arrival_window, itinerary.legs[-1].arrives, itinerary.destination),
    )
    return all(
        window is None or window[0] <= f"{moment.astimezone(airports()[place].tzinfo):%H:%M}" <= window[1]
        for window, moment, place in moments
    )


def _choices(world: World, request: OfferRequest, found: list[list[Itinerary]]) -> list[Choice]:
    """Combine the slices' journeys of one airline into offers and price them in one go for each slice."""
    prices: list[dict[str, float]] = []
    for journeys in found:
        seats = world.prices.seat_usd(journeys, request.created_at, request.seats()) if journeys else ()
        prices.append({journey.key: float(usd) for journey, usd in zip(journeys, seats, strict=True)})
    return [
        Choice(together, sum(price[i.key] for price, i in zip(prices, together, strict=True)))
        for together in _combined(found)
    ]


def _combined(found: Sequence[list[Itinerary]]) -> list[tuple[Itinerary, ...]]:
    if len(found) == 1:
        return [(itinerary,) for itinerary in found[0]]
    by_owner: list[dict[str, list[Itinerary]]] = []
    for journeys in found:
        groups: dict[str, list[Itinerary]] = defaultdict(list)
        for itinerary in journeys:
            groups[itinerary.owner].append(itinerary)
        by_owner.append(groups)
    combined = [
        (turn, together)
        for owner, firsts in by_owner[0].items()
        if all(owner in groups for groups in by_owner[1:])
        for turn, together in enumerate(
            (first, *rest)
            for first in firsts
            for rest in product(*(groups[owner][:RETURNS_FOR_EACH] for groups in by_owner[1:]))
        )
        if all(a.legs[-1].arrives < b.legs[0].departs for a, b in pairwise(together))
    ]
    # airlines take turns, so that the longest answer still shows all of them
    return [together for _, together in sorted(combined, key=lambda pair: pair[0])]


def total_usd(
    request: OfferRequest, itineraries: Sequence[Itinerary], cabin: str, brand: Brand, seat: float
) -> float | None:
    """Return the party's price in dollars, or None where a slice does not sell the cabin."""
    factors = [cabin_factor(itinerary, cabin) for itinerary in itineraries]
    if any(factor is None for factor in factors):
        return None
    cabin_share = sum(factor or 0.0 for factor in factors) / len(factors)
    return seat * cabin_share * brand.factor * party_share(request)


def _offer(world: World, request: OfferRequest, choice: Choice, cabin: str, brand: Brand) -> Offer | None:
    usd = total_usd(request, choice.itineraries, cabin, brand, choice.seat_usd)
    if usd is None:
        return None
    owner = choice.itineraries[0].owner
    # Most airlines give half an hour; a few a quarter or a whole one. Never to be hard-coded by a client.
    minutes = 30 if owner == DUFFEL_AIRWAYS else (30, 30, 15, 30, 60)[pick(5, "expiry", owner)]
    return Offer(
        id=world.ids.new("off", 22),
        request=request,
        itineraries=choice.itineraries,
        cabin=cabin,
        brand=brand,
        created_at=request.created_at,
        updated_at=request.created_at,
        expires_at=request.created_at + 60 * minutes,
        total=in_currency(usd, request.currency),
        slices=slices_json(world.ids, choice.itineraries, request, cabin, brand),
    )
