"""Cards over time: which end soon, which banks want their holder, which are gone at the gateway."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from parkerflight.audit import operations as audit
from parkerflight.core.errors import NotFound
from parkerflight.core.tenancy import scope
from parkerflight.payments.models import Card


@dataclass(frozen=True, slots=True)
class CardState:
    """A saved card as decisions about it need it."""

    id: UUID
    brand: str
    last4: str
    expires: date
    """Its last day."""
    active: bool
    """It may be charged: not removed by its person, not gone at the gateway."""
    needs_customer: bool
    """The bank wanted its holder before: hold first, in case it asks again."""


@dataclass(frozen=True, slots=True)
class ExpiringCard:
    """A card that ends soon, and whose it is."""

    owner_id: UUID
    card_id: UUID
    last4: str
    expires: date
    """Its last day."""


def card_state(owner_id: UUID, card_id: UUID) -> CardState:
    """One saved card, removed ones included. Raises NotFound."""
    with scope(owner_id):
        row = Card.objects.filter(id=card_id).first()
        if row is None:
            raise NotFound("no_card", "There is no such card.")
        return CardState(
            row.id, row.brand, row.last4, last_day(row), row.status == Card.Status.ACTIVE, row.needs_customer
        )


def cards_expiring(*, within: timedelta, now: datetime) -> list[ExpiringCard]:
    """Everybody's active cards that work today and whose last day is at most `within` from now, soonest first.

    For the worker, outside any scope: it sees active cards only, to find whose scope to enter.
    """
    today = now.astimezone(UTC).date()
    until = today + within
    rows = Card.objects.filter(status=Card.Status.ACTIVE, expires_year__range=(today.year, until.year))
    cards = [ExpiringCard(row.owner_id, row.id, row.last4, last_day(row)) for row in rows]
    return sorted((one for one in cards if today <= one.expires <= until), key=lambda one: (one.expires, one.card_id))


def last_day(card: Card) -> date:
    """A card works until the end of the month printed on it."""
    return date(card.expires_year, card.expires_month, monthrange(card.expires_year, card.expires_month)[1])


def mark_needs_customer(card: Card) -> None:
    """Remember that the bank wanted the cardholder, in the caller's transaction."""
    Card.objects.filter(id=card.id).update(needs_customer=True)


def card_gone(*, owner_id: UUID, reference: str, now: datetime) -> UUID | None:
    """The gateway says that this card is detached: never charge it again. Its id; None when it is not this person's."""
    with scope(owner_id):
        card = Card.objects.filter(reference=reference).first()
        if card is None:
            return None
        if Card.objects.filter(id=card.id, status=Card.Status.ACTIVE).update(status=Card.Status.REMOVED):
            audit.record(
                at=now,
                owner_id=owner_id,
                actor=audit.WORKER,
                action="card.gone",
                object_type="card",
                object_id=card.id,
            )
        return card.id
