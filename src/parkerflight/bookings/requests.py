"""What an order says: who sits where, under which names and documents; opened for ticketing, hashed, never kept.

Claiming an order is one commit with the last look at what the person wants: once it is claimed it may be sent.
"""

from datetime import datetime
from uuid import UUID

from parkerflight.bookings.attempts import move
from parkerflight.bookings.machine import State
from parkerflight.bookings.models import BookingAttempt
from parkerflight.bookings.seating import Person, passengers, seat
from parkerflight.campaigns import queries as campaign_queries
from parkerflight.campaigns.queries import Terms
from parkerflight.core.errors import Terminal
from parkerflight.core.tenancy import scope
from parkerflight.flights.types import Offer, OrderRequest
from parkerflight.travelers import queries as travelers
from parkerflight.travelers.values import Document
from parkerflight.vault.operations import Purpose, lookup_hash


def wanted_still(attempt: BookingAttempt) -> Terms:
    """The campaign's terms, locked until the caller's commit, so that a «stop» comes before the claim or after it.

    Raises Terminal when the person stopped this fare meanwhile.
    """
    terms = campaign_queries.terms(attempt.owner_id, attempt.campaign_id, lock=True)
    if terms.wish:
        raise Terminal("person_stopped", "You stopped this before it was bought; nothing was charged.")
    return terms


def claim_order(
    attempt: BookingAttempt, offer: Offer, state: State, now: datetime, *, hold: bool = False, **changes: object
) -> OrderRequest:
    """Build the order and commit that it is about to be sent.

    Raises Terminal when the person stopped it or a traveller does not fit the fare, Overtaken when it was claimed already.
    """
    with scope(attempt.owner_id):
        request, seats = _build(attempt, wanted_still(attempt), offer, now, hold=hold)
        move(attempt, state, now=now, request_hash=_fingerprint(request), seats=seats, also=changes)
    return request


def _build(
    attempt: BookingAttempt, terms: Terms, offer: Offer, now: datetime, *, hold: bool
) -> tuple[OrderRequest, dict[str, str]]:
    """The order's exact content, and which traveller has which seat. Opens profiles for ticketing."""
    ids = list(terms.traveler_ids)
    profiles = travelers.for_ticketing(attempt.owner_id, ids, Purpose.TICKETING, now=now)
    papers: dict[UUID, tuple[Document, ...]] = {}
    if offer.documents_required:
        papers = travelers.documents_for_ticketing(attempt.owner_id, ids, Purpose.TICKETING, now=now)
    people = [Person(one, profile, papers.get(one, ())) for one, profile in zip(ids, profiles, strict=True)]
    seats = seat(offer, people)
    ids_only = {"attempt_id": attempt.id, "campaign_id": attempt.campaign_id, "owner_id": attempt.owner_id}
    request = OrderRequest(
        offer_id=offer.id,
        total=offer.total,
        passengers=passengers(offer, seats),
        metadata={name: str(value) for name, value in ids_only.items()},
        hold=hold,
    )
    return request, {seat_id: str(person.traveler_id) for seat_id, person in seats.items()}


def _fingerprint(request: OrderRequest) -> str:
    people = [(p.id, p.given_name, p.family_name, p.born_on.isoformat()) for p in request.passengers]
    # Keyed: a plain hash of a name and a birthday could be guessed by trying.
    return lookup_hash("bookings.order", repr((request.offer_id, request.total, people))).hex()
