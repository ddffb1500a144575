"""Refunds as rows: what a look at the gateway changes in them, and what they add up to."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from django.db.models import Sum

from parkerflight.core.money import Money
from parkerflight.payments.books import TAKEN, State, move
from parkerflight.payments.gateway import RefundView
from parkerflight.payments.models import Payment, Refund

Status = Refund.Status
GONE_BACK = frozenset({Status.PENDING, Status.SUCCEEDED})
NOTHING_BACK = frozenset({Status.FAILED, Status.CANCELED})
# A refund only ever moves on: an older look never undoes a newer one. Failing after having succeeded happens.
RANK = {Status.PENDING: 0, Status.REQUIRES_ACTION: 0, Status.SUCCEEDED: 1, Status.CANCELED: 2, Status.FAILED: 2}
OUTSIDE = "outside:"  # the cause of refunds that somebody made at the gateway itself


@dataclass(frozen=True, slots=True)
class RefundState:
    """Where a refund stands in our books."""

    id: UUID
    payment_id: UUID
    amount: Money
    cause: str
    status: str
    """pending, requires_action, succeeded, failed or canceled; the last two gave nothing back."""
    failure_reason: str
    reference: str


def refund_state_of(row: Refund) -> RefundState:
    return RefundState(
        id=row.id,
        payment_id=row.payment_id,
        amount=Money(row.amount_minor, row.currency),
        cause=row.cause,
        status=row.status,
        failure_reason=row.failure_reason,
        reference=row.reference,
    )


def take_over(payment: Payment, views: list[RefundView], now: datetime) -> bool:
    """Bring the refunds of a payment to what the gateway lists, in the caller's commit; whether anything changed.

    Refunds that somebody made at the gateway itself become rows of their own, so that no money is given back twice.
    """
    rows = {str(row.id): row for row in Refund.objects.filter(payment=payment)}
    by_reference = {row.reference: row for row in rows.values() if row.reference}
    changed = False
    for view in reversed(views):
        row = by_reference.get(view.reference) or rows.get(view.metadata.get("refund_id", ""))
        if row is None:
            row = _from_outside(payment, view, now)
            changed = True
        changed |= show(row, view, now)
    if changed:
        count_back(payment, now)
    return changed


def _from_outside(payment: Payment, view: RefundView, now: datetime) -> Refund:
    return Refund.objects.create(
        id=uuid4(),
        owner_id=payment.owner_id,
        payment=payment,
        amount_minor=view.amount.minor,
        currency=view.amount.currency,
        cause=f"{OUTSIDE}{view.reference}"[:80],
        created_at=view.created_at,
        updated_at=now,
    )


def show(row: Refund, view: RefundView, now: datetime) -> bool:
    """Write down what a look shows of a refund, unless the row knows newer; whether anything changed."""
    status = Status(view.status.value)
    if RANK[status] < RANK[Status(row.status)] and row.reference:
        return False
    if (row.reference, row.status) == (view.reference, status):
        return False
    turn(row, status, now, reference=view.reference, failure_reason=view.failure[:60])
    return True


def turn(row: Refund, status: str, now: datetime, **changes: str) -> None:
    """Change the row and the object in hand alike, in the caller's transaction."""
    Refund.objects.filter(id=row.id).update(status=status, updated_at=now, **changes)
    row.status = status
    for name, value in changes.items():
        setattr(row, name, value)


def spoken_for(payment: Payment) -> int:
    """What was given back, is on its way or is intended, in minor units: no more than the rest may be promised."""
    given = Refund.objects.filter(payment=payment).exclude(status__in=NOTHING_BACK)
    return given.aggregate(sum=Sum("amount_minor"))["sum"] or 0


def count_back(payment: Payment, now: datetime) -> None:
    """Set what went back, and with it the payment's state, from its refunds at the gateway; in the caller's commit."""
    if payment.state not in TAKEN:
        return
    gone = Refund.objects.filter(payment=payment, status__in=GONE_BACK).exclude(reference="")
    total = gone.aggregate(sum=Sum("amount_minor"))["sum"] or 0
    # The gateway refuses more than was taken; should it ever list more, the books show all of it as gone.
    back = min(total, payment.captured_minor)
    state = State.REFUNDED if back == payment.captured_minor else State.CAPTURED
    move(payment, state, now, refunded_minor=back)
