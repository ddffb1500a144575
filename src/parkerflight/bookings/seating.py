"""Who sits where: each seat of an offer gets the traveller of its age. Plain decisions, no database."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from parkerflight.flights.provider import PassengerRefused
from parkerflight.flights.types import IdentityDocument, Offer, Passenger
from parkerflight.travelers.values import Document, Profile, age_on

ADULT = 18  # the provider's line: under it a seat is searched by age
INFANT_UNTIL = 2  # an infant is 0 or 1 on the day of the last flight, on an adult's lap


@dataclass(frozen=True, slots=True)
class Person:
    """A traveller with the documents on file; prints ids only."""

    traveler_id: UUID
    profile: Profile = field(repr=False)
    documents: tuple[Document, ...] = field(repr=False, default=())

    def age_on(self, day: date) -> int:
        """Age in whole years."""
        return age_on(self.profile.born_on, day)


def last_day(offer: Offer) -> date:
    """The local day of the last flight: ages count on it."""
    return offer.slices[-1].segments[-1].departing_at.date()


def seat(offer: Offer, people: list[Person]) -> dict[str, Person]:
    """Passenger id to traveller. Raises PassengerRefused when an age does not fit what was searched."""
    day = last_day(offer)
    waiting = sorted(people, key=lambda person: person.profile.born_on)
    seats: dict[str, Person] = {}
    for place in sorted(offer.passengers, key=lambda one: (one.age is not None, -(one.age or 0))):
        fitting = [person for person in waiting if _fits(person.age_on(day), place.age)]
        if not fitting:
            raise PassengerRefused("traveler_refused", "A traveller's age does not fit the fare that was searched.")
        waiting.remove(fitting[0])
        seats[place.id] = fitting[0]
    if waiting:
        raise PassengerRefused("traveler_refused", "The fare has fewer seats than there are travellers.")
    return seats


def passengers(offer: Offer, seats: dict[str, Person]) -> tuple[Passenger, ...]:
    """The seated travellers as an order wants them; each infant on the lap of its own adult."""
    day = last_day(offer)
    infants = [seat_id for seat_id, person in seats.items() if person.age_on(day) < INFANT_UNTIL]
    adults = [seat_id for seat_id, person in seats.items() if person.age_on(day) >= ADULT]
    laps = dict(zip(adults, infants, strict=False))
    supported = offer.supported_documents if offer.documents_required else ()
    return tuple(_passenger(seat_id, person, laps.get(seat_id, ""), supported) for seat_id, person in seats.items())


def _fits(age: int, wanted: int | None) -> bool:
    return age >= ADULT if wanted is None else age == wanted


def _passenger(seat_id: str, person: Person, infant_id: str, supported: tuple[str, ...]) -> Passenger:
    profile = person.profile
    return Passenger(
        id=seat_id,
        given_name=profile.given_name,
        family_name=profile.family_name,
        title=profile.title,
        gender=profile.gender,
        born_on=profile.born_on,
        email=profile.email,
        phone_number=profile.phone,
        infant_id=infant_id,
        documents=tuple(_document(one) for one in person.documents if one.kind.value in supported),
    )


def _document(one: Document) -> IdentityDocument:
    return IdentityDocument(
        kind=one.kind.value, number=one.number, issuing_country=one.issuing_country, expires_on=one.expires_on
    )
