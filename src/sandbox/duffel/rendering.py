"""Offers and their slices in Duffel's shape."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sandbox.duffel import magic
from sandbox.duffel.airlines import DUFFEL_AIRWAYS, airline_json, airlines
from sandbox.duffel.brands import CABIN_NAMES, Brand, fare_basis
from sandbox.duffel.clockwork import duration, stamp
from sandbox.duffel.draws import draw, pick
from sandbox.duffel.itineraries import Itinerary
from sandbox.duffel.money import flat, rounded
from sandbox.duffel.places import airport_json, airports, distance_km, is_city, place_json
from sandbox.duffel.reference import aircraft_json
from sandbox.duffel.schedules import Leg, terminal
from sandbox.duffel.world import Offer, OfferRequest
from sandbox.kit.ids import IdSource

# Airlines whose booking systems want documents before they ticket an international flight.
WANT_DOCUMENTS = frozenset(["TK", "EK", "QR", "SV", "AI", "CA", "MU", "LY", "ET", "VN", "GA", "PC"])
# Airlines that quote their penalties in their own currency whatever the offer is sold in.
OWN_CURRENCY = {"NK": "USD", "WN": "USD", "HV": "EUR", "VY": "EUR", "W6": "EUR", "LX": "CHF", "SK": "SEK", "ZZ": "GBP"}
GRAMS_PER_SEAT_KM = 85  # carbon dioxide of an economy seat; wider cabins burn in proportion to their floor
CABIN_FLOOR = {"economy": 1.0, "premium_economy": 1.5, "business": 2.9, "first": 4.0}
HOLD_HOURS, GUARANTEE_HOURS = 72, 48  # Duffel Airways, as documented
REAL_HOLD_HOURS = 24  # what captured Lufthansa and Austrian offers allow, without a price guarantee


def slices_json(
    ids: IdSource, itineraries: Sequence[Itinerary], request: OfferRequest, cabin: str, brand: Brand
) -> list[dict[str, Any]]:
    """Return the slices of one offer, with fresh slice and segment ids."""
    return [_slice(ids, itinerary, request, cabin, brand) for itinerary in itineraries]


def _slice(ids: IdSource, itinerary: Itinerary, request: OfferRequest, cabin: str, brand: Brand) -> dict[str, Any]:
    return {
        "id": ids.new("sli", 22),
        "origin": airport_json(itinerary.origin),
        "origin_type": "airport",
        "destination": airport_json(itinerary.destination),
        "destination_type": "airport",
        "duration": duration(itinerary.minutes),
        "fare_brand_name": brand.name,
        "ngs_shelf": brand.shelf if brand.name else None,
        "comparison_key": f"{pick(2**32, 'comparison', itinerary.key):08x}",
        "conditions": {"change_before_departure": condition(brand.change, itinerary.owner, request.currency, 60)},
        "segments": [_segment(ids, leg, itinerary, request, cabin, brand) for leg in itinerary.legs],
    }


def local(leg: Leg) -> tuple[str, str]:
    """Return departure and arrival in the airports' own times, without an offset, as Duffel writes them."""
    zones = airports()[leg.origin].tzinfo, airports()[leg.destination].tzinfo
    return (
        f"{leg.departs.astimezone(zones[0]):%Y-%m-%dT%H:%M:%S}",
        f"{leg.arrives.astimezone(zones[1]):%Y-%m-%dT%H:%M:%S}",
    )


def _segment(
    ids: IdSource, leg: Leg, itinerary: Itinerary, request: OfferRequest, cabin: str, brand: Brand
) -> dict[str, Any]:
    departing, arriving = local(leg)
    return {
        "id": ids.new("seg", 22),
        "origin": airport_json(leg.origin),
        "origin_terminal": terminal(leg.origin, leg.operating),
        "destination": airport_json(leg.destination),
        "destination_terminal": terminal(leg.destination, leg.operating),
        "departing_at": departing,
        "arriving_at": arriving,
        "duration": duration(leg.minutes),
        "distance": f"{distance_km(leg.origin, leg.destination):.3f}",
        "marketing_carrier": airline_json(leg.marketing),
        "marketing_carrier_flight_number": leg.number,
        "operating_carrier": airline_json(leg.operating),
        "operating_carrier_flight_number": leg.operating_number,
        "aircraft": aircraft_json(leg.aircraft),
        "stops": _stops(ids, leg),
        "passengers": _riders(itinerary, request, cabin, brand),
    }


def _stops(ids: IdSource, leg: Leg) -> list[dict[str, Any]]:
    if leg.stop is None:
        return []
    middle = leg.departs + timedelta(minutes=leg.minutes // 2)
    zone = airports()[leg.stop].tzinfo
    ends = (middle - timedelta(minutes=30), middle + timedelta(minutes=30))
    arriving, departing = (f"{moment.astimezone(zone):%Y-%m-%dT%H:%M:%S}" for moment in ends)
    stop = {"airport": airport_json(leg.stop), "arriving_at": arriving, "departing_at": departing, "duration": "PT1H"}
    return [{"id": ids.new("sto", 22)} | stop]


def _riders(itinerary: Itinerary, request: OfferRequest, cabin: str, brand: Brand) -> list[dict[str, Any]]:
    bare = magic.applies(request.magic, magic.NO_BAGGAGE, itinerary.owner)
    return [
        {
            "passenger_id": passenger.id,
            "cabin_class": cabin,
            "cabin_class_marketing_name": CABIN_NAMES[cabin],
            "fare_basis_code": fare_basis(itinerary, brand),
            "baggages": [] if bare else _bags(passenger.type, brand),
        }
        for passenger in request.passengers
    ]


def _bags(kind: str, brand: Brand) -> list[dict[str, Any]]:
    checked = 0 if kind == "infant_without_seat" else brand.checked_bags
    return [{"type": "checked", "quantity": checked}, {"type": "carry_on", "quantity": 1}]


def condition(rule: str, owner: str, currency: str, fee: int) -> dict[str, Any] | None:
    """Return one condition: None is unknown, and an allowed change without an amount has an unknown penalty."""
    if rule == "unknown":
        return None
    if rule == "no":
        return {"allowed": False, "penalty_amount": None, "penalty_currency": None}
    penalty_currency = OWN_CURRENCY.get(owner, currency)
    if rule == "fee" and owner != DUFFEL_AIRWAYS and draw("silent fee", owner) < 0.1:  # noqa: PLR2004  # some say yes but not how much
        return {"allowed": True, "penalty_amount": None, "penalty_currency": None}
    amount = (
        flat(40 if owner == DUFFEL_AIRWAYS else fee, penalty_currency) if rule == "fee" else flat(0, penalty_currency)
    )
    return {"allowed": True, "penalty_amount": str(amount), "penalty_currency": penalty_currency}


def holdable(offer: Offer) -> bool:
    """Tell whether the offer may be held: real airlines only well before departure and on dearer brands."""
    if magic.applies(offer.request.magic, magic.ALWAYS_HOLDABLE, offer.owner):
        return True
    if offer.owner == DUFFEL_AIRWAYS:
        return offer.brand.name != "Basic"
    soon = offer.itineraries[0].legs[0].departs.timestamp() - offer.created_at < 7 * 86_400
    return airlines()[offer.owner].holdable and offer.brand.factor > 1.0 and not soon


def payment_requirements(offer: Offer) -> dict[str, Any]:
    """Return when a hold of this offer must be paid, and until when its price stands."""
    if not holdable(offer):
        return {"requires_instant_payment": True, "payment_required_by": None, "price_guarantee_expires_at": None}
    ours = offer.owner == DUFFEL_AIRWAYS
    by = offer.created_at + 3_600 * (HOLD_HOURS if ours else REAL_HOLD_HOURS)
    guarantee = stamp(offer.created_at + 3_600 * GUARANTEE_HOURS) if ours else None
    if offer.owner == "AA":
        guarantee = stamp(by)
    return {
        "requires_instant_payment": False,
        "payment_required_by": stamp(by),
        "price_guarantee_expires_at": guarantee,
    }


def documents_required(offer: Offer) -> bool:
    """Tell whether every passenger must give an identity document with the order."""
    codes = [code for i in offer.itineraries for leg in i.legs for code in (leg.origin, leg.destination)]
    return offer.owner in WANT_DOCUMENTS and len({airports()[code].country for code in codes}) > 1


def tax_of(total: Decimal, currency: str, key: str) -> Decimal:
    """Return the part of a total that is taxes and fees: a sixth to a third, fixed for the journey."""
    return rounded(total * Decimal(f"{0.17 + 0.16 * draw('tax', key):.4f}"), currency)


def offer_json(offer: Offer, services: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return one offer. `services` are the extras of this reading, or None when they were not asked for."""
    currency = offer.request.currency
    tax = tax_of(offer.total, currency, offer.itineraries[0].key)
    return {
        "id": offer.id,
        "live_mode": False,
        "created_at": stamp(offer.created_at),
        "updated_at": stamp(offer.updated_at),
        "expires_at": stamp(offer.expires_at),
        "partial": False,
        "total_amount": str(offer.total),
        "total_currency": currency,
        "base_amount": str(offer.total - tax),
        "base_currency": currency,
        "tax_amount": str(tax),
        "tax_currency": currency,
        "total_emissions_kg": str(_emissions(offer)),
        "owner": airline_json(offer.owner),
        "slices": offer.slices,
        "passengers": [passenger.view() for passenger in offer.request.passengers],
        "payment_requirements": payment_requirements(offer),
        "passenger_identity_documents_required": documents_required(offer),
        "supported_passenger_identity_document_types": document_types(offer.owner),
        "supported_loyalty_programmes": list(airlines()[offer.owner].loyalty),
        "conditions": conditions_json(offer),
        "available_services": services,
        "available_airline_credit_ids": [],
        "intended_payment_methods": [],
        "intended_services": [],
        "private_fares": [],
    }


def document_types(owner: str) -> list[str]:
    if airlines()[owner].low_cost:
        return []
    extra = ["known_traveler_number", "passenger_redress_number"] if airlines()[owner].region in {"NA", "AS"} else []
    return ["passport", *extra]


def conditions_json(offer: Offer) -> dict[str, Any]:
    currency = offer.request.currency
    return {
        "change_before_departure": condition(offer.brand.change, offer.owner, currency, 60),
        "refund_before_departure": condition(offer.brand.refund, offer.owner, currency, 85),
    }


def _emissions(offer: Offer) -> int:
    km = sum(distance_km(leg.origin, leg.destination) for i in offer.itineraries for leg in i.legs)
    return round(km * GRAMS_PER_SEAT_KM / 1_000 * CABIN_FLOOR[offer.cabin] * offer.request.seats())


def request_json(request: OfferRequest, *, with_offers: bool) -> dict[str, Any]:
    """Return an offer request, with or without its offers."""
    shown = {
        "id": request.id,
        "live_mode": False,
        "created_at": stamp(request.created_at),
        "cabin_class": request.cabin,
        "client_key": f"sandbox-client-key-{request.id}",
        "airline_credit_ids": [],
        "slices": [
            {
                "origin": place_json(query.origin),
                "origin_type": "city" if is_city(query.origin) else "airport",
                "destination": place_json(query.destination),
                "destination_type": "city" if is_city(query.destination) else "airport",
                "departure_date": query.day.isoformat(),
            }
            for query in request.slices
        ],
        "passengers": [passenger.view() for passenger in request.passengers],
    }
    return shown | {"offers": [offer_json(offer) for offer in request.offers]} if with_offers else shown
