"""Reads, in the owner's scope; plain values."""

from uuid import UUID

from parkerflight.core.errors import NotFound
from parkerflight.core.tenancy import scope
from parkerflight.payments.books import PaymentState, state_of
from parkerflight.payments.card_watch import CardState, ExpiringCard, card_state, cards_expiring
from parkerflight.payments.disputes import DisputeState, dispute_state_of
from parkerflight.payments.gateway import CardView
from parkerflight.payments.models import Card, Customer, Dispute, Payment, Refund
from parkerflight.payments.refund_rows import RefundState, refund_state_of

__all__ = [
    "CardState",
    "ExpiringCard",
    "card",
    "card_state",
    "cards",
    "cards_expiring",
    "dispute",
    "disputes",
    "open_disputes",
    "owner_of_customer",
    "payment",
    "payments_of",
    "refunds",
]


def payment(owner_id: UUID, payment_id: UUID) -> PaymentState:
    """One payment. Raises NotFound."""
    with scope(owner_id):
        row = Payment.objects.filter(id=payment_id).first()
        if row is None:
            raise NotFound("no_payment", "There is no such payment.")
        return state_of(row)


def payments_of(owner_id: UUID, attempt_id: UUID) -> list[PaymentState]:
    """Every try at paying an attempt, oldest first."""
    with scope(owner_id):
        return [state_of(row) for row in Payment.objects.filter(attempt_id=attempt_id).order_by("try_no")]


def refunds(owner_id: UUID, payment_id: UUID) -> list[RefundState]:
    """Every refund of a payment, oldest first; those made at the gateway itself included."""
    with scope(owner_id):
        rows = Refund.objects.filter(payment_id=payment_id).order_by("created_at", "id")
        return [refund_state_of(row) for row in rows]


def owner_of_customer(reference: str) -> UUID | None:
    """Whose reference at the gateway this is; for the worker, outside any scope. None when nobody's."""
    row = Customer.objects.filter(reference=reference).first() if reference else None
    return row.owner_id if row else None


def disputes(owner_id: UUID, payment_id: UUID) -> list[DisputeState]:
    """Every dispute, warning and review of a payment, oldest first."""
    with scope(owner_id):
        rows = Dispute.objects.filter(payment_id=payment_id).select_related("payment").order_by("opened_at", "id")
        return [dispute_state_of(row) for row in rows]


def dispute(owner_id: UUID, dispute_id: UUID) -> DisputeState:
    """One dispute, warning or review. Raises NotFound."""
    with scope(owner_id):
        row = Dispute.objects.filter(id=dispute_id).select_related("payment").first()
        if row is None:
            raise NotFound("no_dispute", "There is no such dispute.")
        return dispute_state_of(row)


def open_disputes() -> list[tuple[UUID, UUID]]:
    """(owner, dispute) of everything a bank or the gateway still holds against a payment, the first deadline first.

    For the worker, outside any scope: it sees open ones only.
    """
    rows = Dispute.objects.filter(closed_at__isnull=True).order_by("due_by", "opened_at")
    return [(row.owner_id, row.id) for row in rows]


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
