"""Reading one offer again: a fresh price from the airline, fresh service ids, or the news that it is gone."""

from decimal import Decimal
from typing import Any

from sandbox.duffel import errors, magic
from sandbox.duffel.airlines import airlines
from sandbox.duffel.money import flat, in_currency
from sandbox.duffel.rendering import offer_json
from sandbox.duffel.searching import total_usd
from sandbox.duffel.world import Offer, World

LOYAL = ("1234567890", "Amelia", "Earhart")  # the documented Duffel Airways member: a tenth off


def find(world: World, offer_id: str) -> Offer:
    """Return an offer by id, also when it has expired. Raises a 404 when there is none."""
    offer = world.offers.get(offer_id)
    if offer is None:
        raise errors.not_found("offer")
    return offer


def gone() -> errors.DuffelError:
    return errors.state_error(
        "offer_no_longer_available", "Please select another offer, or create a new offer request."
    )


def reread(world: World, offer_id: str, *, services: bool) -> dict[str, Any]:
    """Price the offer anew and return it. Raises offer_no_longer_available when it has expired or is sold out."""
    offer = find(world, offer_id)
    if world.now() >= offer.expires_at or magic.applies(offer.request.magic, magic.OFFER_GONE, offer.owner):
        raise gone()
    reprice(world, offer)
    offered = _services(world, offer)
    offer.services = {service["id"]: service for service in offered}
    return offer_json(offer, offered if services else None)


def reprice(world: World, offer: Offer) -> None:
    """Bring the offer's total to the fare of this moment, unless the airline has just told its price for booking."""
    offer.reads += 1
    offer.updated_at = world.now()
    if magic.applies(offer.request.magic, magic.PRICE_RISES, offer.owner):
        offer.total += flat(10, offer.request.currency)
    elif not offer.repriced:
        offer.total = price_now(world, offer)


def price_now(world: World, offer: Offer) -> Decimal:
    """Return the party's total at this virtual moment in the offer's currency."""
    request = offer.request
    seat = float(world.prices.seat_usd(offer.itineraries, world.now(), request.seats()).sum())
    usd = total_usd(request, offer.itineraries, offer.cabin, offer.brand, seat)
    return in_currency((usd or 0.0) * float(offer.discount), request.currency)


def _services(world: World, offer: Offer) -> list[dict[str, Any]]:
    if magic.applies(offer.request.magic, magic.NO_SERVICES, offer.owner) or airlines()[offer.owner].region == "AS":
        return []
    currency = offer.request.currency
    price = str(flat(20 if offer.owner == "ZZ" else 35, currency))
    bag = {
        "type": "checked",
        "maximum_weight_kg": 23,
        "maximum_length_cm": None,
        "maximum_height_cm": None,
        "maximum_depth_cm": None,
    }
    return [
        {
            "id": world.ids.new("ase", 22),
            "type": "baggage",
            "total_amount": price,
            "total_currency": currency,
            "maximum_quantity": 2 if offer.owner == "ZZ" else 1,
            "passenger_ids": [passenger.id],
            "segment_ids": [segment["id"] for segment in piece["segments"]],
            "metadata": bag,
        }
        for piece in offer.slices
        for passenger in offer.request.passengers
        if passenger.type != "infant_without_seat"
    ]


def set_loyalty(world: World, offer_id: str, passenger_id: str, data: dict[str, Any]) -> dict[str, Any]:
    """Record a passenger's name and loyalty accounts on the search; the next reading of the offer shows the effect."""
    offer = find(world, offer_id)
    passenger = next((p for p in offer.request.passengers if p.id == passenger_id), None)
    if passenger is None:
        raise errors.not_found("offer passenger")
    for name in ("given_name", "family_name"):
        if not data.get(name):
            raise errors.DuffelError(422, errors.required(f"/{name}"))
    passenger.given_name, passenger.family_name = data["given_name"], data["family_name"]
    passenger.loyalty = data.get("loyalty_programme_accounts") or []
    numbers = {
        account.get("account_number") for account in passenger.loyalty if account.get("airline_iata_code") == "ZZ"
    }
    if LOYAL[0] in numbers and (passenger.given_name, passenger.family_name) == LOYAL[1:] and offer.owner == "ZZ":
        offer.discount = Decimal("0.9")
    return passenger.view()
