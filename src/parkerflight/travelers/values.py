"""What a traveller and a document are, and what makes one usable. Pure; every refusal says what to write instead."""

import re
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from functools import cache

import phonenumbers
from babel import Locale
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from parkerflight.core.errors import BadInput
from parkerflight.travelers.names import check_name

TITLES = ("mr", "ms", "mrs", "miss", "dr")  # what the provider takes
MAX_AGE = 120  # nobody older flies; a larger age is a slip of the century
MAX_EMAIL = 254  # RFC 5321: the longest address that can be delivered to
# Codes that CLDR lists beside ISO 3166-1: unions, pseudo-locales, outlying islands. None of them issues passports.
_NOT_COUNTRIES = frozenset({"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"})
# Passports have at most 9 characters in the machine-readable zone; national numbers reach further. Bounded, not judged.
_NUMBER = re.compile(r"[A-Z0-9](?:[A-Z0-9/-]{2,28})[A-Z0-9]")
_PHONE_REASONS = {
    phonenumbers.ValidationResult.TOO_SHORT: "too short",
    phonenumbers.ValidationResult.TOO_LONG: "too long",
    phonenumbers.ValidationResult.INVALID_COUNTRY_CODE: "without a country code that exists",
}


class Relationship(StrEnum):
    """Who the traveller is to the person who has the account."""

    SELF = "self"
    PARTNER = "partner"
    CHILD = "child"
    PARENT = "parent"
    FRIEND = "friend"
    COLLEAGUE = "colleague"
    OTHER = "other"


class DocumentKind(StrEnum):
    """The documents that airlines take through the provider."""

    PASSPORT = "passport"
    TAX_ID = "tax_id"
    KNOWN_TRAVELER_NUMBER = "known_traveler_number"
    PASSENGER_REDRESS_NUMBER = "passenger_redress_number"


@dataclass(frozen=True, slots=True)
class Profile:
    """A person as an airline wants them. Its repr shows nothing."""

    given_name: str = field(repr=False)
    family_name: str = field(repr=False)
    title: str = field(repr=False)
    """mr, ms, mrs, miss or dr."""
    gender: str = field(repr=False)
    """m or f."""
    born_on: date = field(repr=False)
    email: str = field(repr=False)
    phone: str = field(repr=False)
    """E.164."""


@dataclass(frozen=True, slots=True)
class Document:
    """A travel document in clear. Its repr shows the kind only."""

    kind: DocumentKind
    number: str = field(repr=False)
    issuing_country: str = field(repr=False)
    """ISO 3166-1 alpha-2."""
    expires_on: date | None = field(repr=False)
    """None for numbers that do not expire; a passport always has one."""


def checked_profile(profile: Profile, *, now: datetime) -> Profile:
    """`profile` as it will be stored. Raises BadInput naming the field. `now` is aware, UTC."""
    _refuse_unless_one_of("title", profile.title.lower(), TITLES)
    return replace(
        profile,
        given_name=check_name(profile.given_name, "given_name"),
        family_name=check_name(profile.family_name, "family_name"),
        title=profile.title.lower(),
        gender=_gender(profile.gender),
        born_on=_birth_date(profile.born_on, now.date()),
        email=_email(profile.email),
        phone=_phone(profile.phone),
    )


def checked_document(document: Document, *, now: datetime) -> Document:
    """`document` as it will be stored. Raises BadInput naming the field. `now` is aware, UTC."""
    number = re.sub(r"\s", "", document.number).upper()
    if not _NUMBER.fullmatch(number):
        message = "A document number has 4 to 30 Latin letters and digits; copy it from the document."
        raise BadInput("bad_document_number", message, field="number")
    country = document.issuing_country.strip().upper()
    if country not in _countries():
        message = "Write the issuing country as its two-letter ISO code, for example GB, DE or US."
        raise BadInput("bad_country", message, field="issuing_country")
    if document.kind is DocumentKind.PASSPORT and document.expires_on is None:
        raise BadInput("document_expiry_missing", "A passport has a date of expiry; it is missing.", field="expires_on")
    if document.expires_on is not None and document.expires_on <= now.date():
        message = "This document has expired, or expires today; give one that is valid on the day of the flight."
        raise BadInput("document_expired", message, field="expires_on")
    return replace(document, number=number, issuing_country=country)


def masked(number: str) -> str:
    """What may be shown of a document number: its last four characters, or two of a short one."""
    shown = 4 if len(number) >= 8 else 2  # noqa: PLR2004 - at least half of the number stays hidden
    return f"•••• {number[-shown:]}"


def age_on(born_on: date, day: date) -> int:
    """Age in whole years on `day`. Who was born on 29 February turns a year older on 1 March of common years.

    Raises BadInput when `day` is before the birth.
    """
    years = day.year - born_on.year - ((day.month, day.day) < (born_on.month, born_on.day))
    if years < 0:
        raise BadInput("not_born_yet", "A traveller is not born yet on that day.", field="born_on")
    return years


def _gender(value: str) -> str:
    if value.strip().lower() == "x":
        message = (
            "Airlines take only m or f on a ticket through our provider, from holders of a passport with X too. "
            "Ask the airline which of the two it wants, and give that."
        )
        raise BadInput("gender_not_ticketed", message, field="gender")
    _refuse_unless_one_of("gender", value.lower(), ("m", "f"))
    return value.lower()


def _birth_date(born_on: date, today: date) -> date:
    if born_on > today:
        raise BadInput("born_in_future", "The date of birth is in the future.", field="born_on")
    if age_on(born_on, today) > MAX_AGE:
        raise BadInput("born_too_long_ago", f"That is more than {MAX_AGE} years ago; check the year.", field="born_on")
    return born_on


def _email(text: str) -> str:
    address = text.strip()
    try:
        validate_email(address)
    except ValidationError:
        address = ""
    if not address or len(address) > MAX_EMAIL:
        message = "That is not an e-mail address; write it like name@example.com."
        raise BadInput("bad_email", message, field="email")
    return address


def _phone(text: str) -> str:
    """E.164. Length and country code are judged, not number ranges: those change faster than any library's tables."""
    advice = "Write it with its country code, for example +44 20 7946 0958."
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        raise BadInput("bad_phone", f"That is not an international telephone number. {advice}", field="phone") from None
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        why = _PHONE_REASONS.get(reason, "not complete")
        raise BadInput("bad_phone", f"The telephone number is {why}. {advice}", field="phone")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _refuse_unless_one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise BadInput(f"bad_{name}", f"The {name} is one of {', '.join(choices)}.", field=name)


@cache
def _countries() -> frozenset[str]:
    codes = (str(code) for code in Locale("en").territories)
    return frozenset(code for code in codes if len(code) == 2 and code.isalpha()) - _NOT_COUNTRIES  # noqa: PLR2004
