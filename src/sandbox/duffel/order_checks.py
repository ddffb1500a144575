"""What an order must bring: passengers as the airline wants them, documents, metadata and extras."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from sandbox.duffel import errors
from sandbox.duffel.errors import Problem, field_problem, required
from sandbox.duffel.places import airports
from sandbox.duffel.rendering import document_types, documents_required
from sandbox.duffel.searching import ADULT_FROM, type_of_age
from sandbox.duffel.world import Offer, SearchPassenger, World

# Latin-1 Supplement and Latin Extended-A letters, without the ligatures and letters airlines cannot send.
_LETTERS = "".join(c for c in map(chr, range(0xC0, 0x180)) if c not in "\u00d7\u00f7ÆæĲĳŒœÞð")
NAME = re.compile(rf"[A-Za-z{_LETTERS}' \-]+")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]{2,}")
PHONE = re.compile(r"\+[1-9]\d{6,14}")
LONGEST_NAME = 20
TITLES, GENDERS = ("mr", "ms", "mrs", "miss", "dr"), ("m", "f")
METADATA_PAIRS, METADATA_KEY, METADATA_VALUE = 50, 40, 500
EVERY_PASSENGER_HAS = ("id", "given_name", "family_name", "title", "gender", "born_on", "email", "phone_number")


def check_passengers(world: World, offer: Offer, given: Any) -> list[dict[str, Any]]:
    """Return the passengers as they will be on the order. Raises DuffelError naming every bad field."""
    if not isinstance(given, list) or not given:
        raise errors.DuffelError(HTTPStatus.UNPROCESSABLE_ENTITY, required("/passengers"))
    searched = {p.id: p for p in offer.request.passengers}
    last_flight = last_day(offer)
    problems: list[Problem] = []
    for i, one in enumerate(given):
        at, person = f"/passengers/{i}", one if isinstance(one, dict) else {}
        problems += [required(f"{at}/{name}") for name in EVERY_PASSENGER_HAS if not person.get(name)]
        problems += _shape_problems(person, at)
        match = searched.get(str(person.get("id", "")))
        if person.get("id") and match is None:
            problems.append(field_problem("not_found", f"{at}/id", "Linked record(s) not found"))
        if match:
            problems += _age_problems(person, match, last_flight, world, at)
            problems += _document_problems(person, offer, last_flight, at)
    problems = problems or _party_problems(given, searched)
    if problems:
        raise errors.DuffelError(HTTPStatus.UNPROCESSABLE_ENTITY, *problems)
    return [_kept(one, searched[one["id"]]) for one in given]


def _shape_problems(person: dict[str, Any], at: str) -> list[Problem]:
    found = []
    for name in ("given_name", "family_name"):
        value = person.get(name)
        if value and len(str(value)) > LONGEST_NAME:
            found.append(
                field_problem("validation_length", f"{at}/{name}", f"should be at most {LONGEST_NAME} characters")
            )
        elif value and not NAME.fullmatch(str(value)):
            found.append(field_problem("invalid_passenger_name", f"{at}/{name}", "has characters airlines cannot take"))
    for name, allowed in (("title", TITLES), ("gender", GENDERS)):
        if person.get(name) and person[name] not in allowed:
            found.append(field_problem("validation_inclusion", f"{at}/{name}", f"must be one of {', '.join(allowed)}"))
    if person.get("email") and not EMAIL.fullmatch(str(person["email"])):
        found.append(field_problem("invalid_email_address", f"{at}/email", "is no e-mail address"))
    if person.get("phone_number") and not PHONE.fullmatch(str(person["phone_number"])):
        found.append(field_problem("invalid_phone_number", f"{at}/phone_number", "must be in E.164 form"))
    return found


def last_day(offer: Offer) -> date:
    """Return the local date of the last flight, on which airlines count ages."""
    leg = offer.itineraries[-1].legs[-1]
    return leg.departs.astimezone(airports()[leg.origin].tzinfo).date()


def age_on(born: date, day: date) -> int:
    """Return the age in whole years on a date."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _date(text: Any) -> date | None:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def _age_problems(person: dict[str, Any], match: SearchPassenger, day: date, world: World, at: str) -> list[Problem]:
    at = f"{at}/born_on"
    if not person.get("born_on"):
        return []
    born = _date(person["born_on"])
    if born is None or born > datetime.fromtimestamp(world.now(), UTC).date():
        return [field_problem("validation_format", at, "must be a date that has passed")]
    age = age_on(born, day)
    adult = match.type == "adult" and (match.age is None or match.age >= ADULT_FROM)
    fits = age >= ADULT_FROM if adult else age == match.age if match.age is not None else type_of_age(age) == match.type
    return (
        [] if fits else [field_problem("order_passengers_incompatible_with_offer", at, f"is {age} on the last flight")]
    )


def _document_problems(person: dict[str, Any], offer: Offer, day: date, at: str) -> list[Problem]:
    at = f"{at}/identity_documents"
    documents = person.get("identity_documents") or []
    if documents_required(offer) and not documents:
        return [required(at)]
    found = []
    for i, document in enumerate(documents if isinstance(documents, list) else []):
        wanted = ("unique_identifier", "issuing_country_code", "expires_on", "type")
        found += [required(f"{at}/{i}/{name}") for name in wanted if not document.get(name)]
        if document.get("type") and document["type"] not in document_types(offer.owner):
            found.append(field_problem("validation_inclusion", f"{at}/{i}/type", "is not supported by the airline"))
        if not re.fullmatch("[A-Z]{2}", str(document.get("issuing_country_code", "GB"))):
            found.append(
                field_problem("validation_format", f"{at}/{i}/issuing_country_code", "must be ISO 3166-1 alpha-2")
            )
        expires = _date(document.get("expires_on"))
        if document.get("expires_on") and (expires is None or expires < day):
            found.append(field_problem("validation_format", f"{at}/{i}/expires_on", "must be after the last flight"))
    return found


def _party_problems(given: list[dict[str, Any]], searched: dict[str, SearchPassenger]) -> list[Problem]:
    ids = [one["id"] for one in given]
    if sorted(ids) != sorted(searched):
        message = "Every passenger of the offer must be given exactly once"
        return [field_problem("order_passengers_incompatible_with_offer", "/passengers", message)]
    names = [(one["given_name"].lower(), one["family_name"].lower()) for one in given]
    if len(set(names)) < len(names):
        return [field_problem("duplicate_passenger_name", "/passengers", "Two passengers have the same name")]
    infants = {i for i in ids if searched[i].type == "infant_without_seat"}
    linked = [str(one["infant_passenger_id"]) for one in given if one.get("infant_passenger_id")]
    on_adults = all(searched[one["id"]].type == "adult" for one in given if one.get("infant_passenger_id"))
    if sorted(linked) != sorted(infants) or not on_adults:
        return [required("/passengers/0/infant_passenger_id")]
    return []


def _kept(given: dict[str, Any], match: SearchPassenger) -> dict[str, Any]:
    names = (*EVERY_PASSENGER_HAS, "infant_passenger_id")
    kept = {name: given.get(name) for name in names} | {"type": match.type, "user_id": given.get("user_id")}
    accounts = given.get("loyalty_programme_accounts") or match.loyalty
    # Documents are sent to the airline and not shown again.
    return kept | {"loyalty_programme_accounts": accounts}


def check_metadata(raw: Any) -> dict[str, str] | None:
    """Return valid metadata, or None when unset. Raises a validation error at /metadata."""
    if raw is None:
        return None
    if not isinstance(raw, dict) or not all(isinstance(value, str) for value in raw.values()):
        raise errors.invalid("validation_format", "/metadata", "must map strings to strings")
    long = any(len(key) > METADATA_KEY or len(value) > METADATA_VALUE for key, value in raw.items())
    if long or len(raw) > METADATA_PAIRS:
        raise errors.invalid("validation_length", "/metadata", "has too many pairs, or one that is too long")
    return raw or None


def chosen_services(offer: Offer, raw: Any) -> tuple[list[dict[str, Any]], Decimal]:
    """Return the chosen extras with their quantities and their price. Raises not_found for ids of an older reading."""
    chosen, price = [], Decimal(0)
    for i, wish in enumerate(raw or []):
        service = offer.services.get(str(wish.get("id", "")))
        if service is None:
            raise errors.linked_not_found(f"/services/{i}/id")
        quantity = wish.get("quantity", 1)
        if not isinstance(quantity, int) or not 1 <= quantity <= service["maximum_quantity"]:
            raise errors.invalid("validation_inclusion", f"/services/{i}/quantity", "is more than the airline allows")
        chosen.append(service | {"quantity": quantity})
        price += Decimal(service["total_amount"]) * quantity
    return chosen, price
