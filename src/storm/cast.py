"""The people of the stories: made once for each database, through the product's own operations."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from parkerflight.accounts.operations import open_account
from parkerflight.campaigns import operations as campaigns
from parkerflight.campaigns.rules.criteria import Criteria, cells, query_of
from parkerflight.core.money import Money
from parkerflight.flights.operations import provider
from parkerflight.payments import cards
from parkerflight.payments import operations as payments
from parkerflight.travelers import operations as travelers
from parkerflight.travelers.values import Document, DocumentKind, Profile
from storm.plan import Trip
from storm.world import START, World

BORN = (date(1991, 7, 24), date(1989, 2, 3), date(1970, 12, 31), date(2017, 5, 9))
NAMES = ("Amelia", "Bruno", "Carla", "Dario")
CHILD_AGE = 9
PLENTY = 900_000  # minor units; above any fare of these routes
PASSPORT = Document(kind=DocumentKind.PASSPORT, number="GB9918273X", issuing_country="GB", expires_on=date(2033, 1, 1))


@dataclass
class Person:
    """An account and those it may book for."""

    owner_id: UUID
    travelers: list[UUID] = field(default_factory=list)


@dataclass
class Campaign:
    """A campaign of this story and what happened to it that the ledger must know."""

    id: UUID
    owner_id: UUID
    trip: Trip
    card_id: UUID
    caps: list[int] = field(default_factory=list)
    """Every cap that was signed, in minor units."""
    stopped_at: list[tuple[datetime, datetime | None]] = field(default_factory=list)
    """When it stood still by the person's will: from, until."""
    ticket_given_up: bool = False
    """An operator cancelled a ticket that could not be charged."""


def people(count: int = 2) -> list[Person]:
    """Accounts with three adults and a child each, passports and all."""
    made = []
    for number in range(count):
        person = Person(open_account(email=f"owner{number}@example.org", now=START))
        for given, born in zip(NAMES, BORN, strict=True):
            profile = Profile(
                given_name=given, family_name=f"Hart{'abc'[number]}", title="ms", gender="f", born_on=born,
                email="hart@example.org", phone="+442079460018",
            )  # fmt: skip
            actor = f"account:{person.owner_id}"
            one = travelers.add_traveler(owner_id=person.owner_id, profile=profile, now=START, actor=actor)
            travelers.add_document(owner_id=person.owner_id, traveler_id=one, document=PASSPORT, now=START, actor=actor)
            person.travelers.append(one)
        made.append(person)
    return made


def start(world: World, person: Person, trip: Trip) -> Campaign | None:
    """Save the cards, sign, and start the campaign; None when nothing of the kind is for sale to compare a cap with."""
    now = world.now()
    criteria = _criteria(trip, now.date())
    cap = _cap(trip, criteria)
    if cap is None:
        return None
    owner_id = person.owner_id
    card = save_card(world, owner_id, trip.card)
    second = save_card(world, owner_id, trip.second_card) if trip.second_card else None
    campaign_id = campaigns.create_campaign(
        owner_id=owner_id, criteria=criteria, traveler_ids=[person.travelers[one] for one in trip.party], cap=cap,
        card_id=card, veto_hours=trip.veto_hours, now=now,
    )  # fmt: skip
    campaigns.activate(
        owner_id=owner_id, campaign_id=campaign_id, mandate_id=sign(owner_id, card, cap, now),
        second_mandate_id=sign(owner_id, second, cap, now) if second else None, now=now,
    )  # fmt: skip
    return Campaign(campaign_id, owner_id, trip, card, [cap.minor])


def _criteria(trip: Trip, today: date) -> Criteria:
    first = today + timedelta(days=trip.days_ahead)
    children = (CHILD_AGE,) if 3 in trip.party else ()
    return Criteria(
        origins=(trip.origin,), destinations=(trip.destination,), departure_from=first, departure_to=first,
        nights_min=trip.nights, nights_max=trip.nights, adults=len(trip.party) - len(children), minor_ages=children,
    )  # fmt: skip


def _cap(trip: Trip, criteria: Criteria) -> Money | None:
    """The cap: far above the cheapest fare, exactly it, a penny below, or a little above."""
    if trip.cap == "plenty":
        return Money(PLENTY, "GBP")
    fares = [offer.total for cell in cells(criteria) for offer in provider().search(query_of(cell.to_json()))]
    if not fares:
        return None
    cheapest = min(fare.minor for fare in fares)
    return Money(cheapest + {"exact": 0, "one_below": -1, "little_above": 1_500}[trip.cap], fares[0].currency)


def save_card(world: World, owner_id: UUID, token: str) -> UUID:
    """Save a test card as its holder does in the browser."""
    now = world.now()
    view = cards.start_setup(owner_id=owner_id, token=token, now=now)
    if view.needs_customer:
        path = f"/_sandbox/setup_intents/{view.reference}/authenticate"
        world.stripe.control("POST", path, {"outcome": "success"})
    return cards.finish_card(owner_id=owner_id, setup=view.reference, now=now)


def sign(owner_id: UUID, card_id: UUID, cap: Money, now: datetime) -> UUID:
    """The person agrees to a cap."""
    return payments.sign_mandate(
        owner_id=owner_id, card_id=card_id, cap=cap, includes="fare and taxes", valid_until=now + timedelta(days=365),
        ip="203.0.113.9", user_agent="storm", now=now,
    )  # fmt: skip
