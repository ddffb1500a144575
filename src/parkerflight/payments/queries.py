"""Reads, in the owner's scope; plain values."""

from uuid import UUID

from parkerflight.core.errors import NotFound
from parkerflight.core.tenancy import scope
from parkerflight.payments.charging import PaymentState, state_of
from parkerflight.payments.gateway import CardView
from parkerflight.payments.models import Card, Payment


def payment(owner_id: UUID, payment_id: UUID) -> PaymentState:
    """One payment. Raises NotFound."""
    with scope(owner_id):
        row = Payment.objects.filter(id=payment_id).first()
        if row is None:
            raise NotFound("no_payment", "There is no such payment.")
        return state_of(row)


def card(owner_id: UUID, card_id: UUID) -> CardView:
    """One saved card, removed ones included: receipts name them. Raises NotFound."""
    with scope(owner_id):
        row = Card.objects.filter(id=card_id).first()
        if row is None:
            raise NotFound("no_card", "There is no such card.")
        return _view(row)


def cards(owner_id: UUID) -> list[CardView]:
    """The person's cards that can be charged, oldest first."""
    with scope(owner_id):
        return [_view(row) for row in Card.objects.filter(status=Card.Status.ACTIVE).order_by("created_at")]


def _view(row: Card) -> CardView:
    return CardView(row.reference, row.brand, row.last4, row.expires_month, row.expires_year)
