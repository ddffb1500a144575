"""Committing the intent to hold money: under a mandate, one live try an attempt."""

from datetime import datetime
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import Max

from parkerflight.core.errors import Terminal
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.payments import calls
from parkerflight.payments.books import NOT_LIVE, State, locked, move, note
from parkerflight.payments.door import gateway
from parkerflight.payments.mandates import mandate_allows
from parkerflight.payments.models import Customer, Mandate, Payment

# What may be held at the gateway under these is let go of by `release_superseded`.
MAY_HOLD = frozenset({State.AUTHORISING, State.NEEDS_CUSTOMER, State.HELD})


def prepare_payment(
    *,
    owner_id: UUID,
    attempt_id: UUID,
    mandate_id: UUID,
    card_id: UUID,
    amount: Money,
    campaign_id: UUID,
    now: datetime,
) -> UUID:
    """Commit the intent to hold `amount`: the attempt's next try. Joins the caller's transaction.

    Raises Terminal: `payment_live` while an earlier try may still take money, or why the mandate does not cover this.
    """
    with scope(owner_id):
        mandate = mandate_allows(owner_id=owner_id, mandate_id=mandate_id, amount=amount, now=now)
        if mandate.card_id != card_id:
            raise Terminal("mandate_card", "The permission is for another card.")
        payment = _next_try(owner_id, attempt_id, mandate, amount, now)
        customer = Customer.objects.get(owner_id=owner_id).reference
        ids = {
            "owner_id": str(owner_id),
            "attempt_id": str(attempt_id),
            "campaign_id": str(campaign_id),
            "payment_id": str(payment.id),
        }
        parameters = gateway().hold_parameters(amount, customer, mandate.card.reference, ids)
        calls.opened(payment, owner_id, "authorise", parameters, now)
        note(payment, "payment.prepared", now)
        return payment.id


def _next_try(owner_id: UUID, attempt_id: UUID, mandate: Mandate, amount: Money, now: datetime) -> Payment:
    tries = Payment.objects.filter(attempt_id=attempt_id)
    tries.filter(state__in=NOT_LIVE).update(superseded=True)
    number = (tries.aggregate(last=Max("try_no"))["last"] or 0) + 1
    try:
        with transaction.atomic():  # a savepoint: the constraints decide, also between two that ask at once
            return Payment.objects.create(
                id=uuid4(),
                owner_id=owner_id,
                attempt_id=attempt_id,
                try_no=number,
                card=mandate.card,
                mandate=mandate,
                amount_minor=amount.minor,
                currency=amount.currency,
                created_at=now,
                updated_at=now,
            )
    except IntegrityError as error:
        if "payment_one_live_per_attempt" not in str(error) and "payment_try_once" not in str(error):
            raise
        raise Terminal("payment_live", "An earlier payment of this attempt may still take money.") from None


def supersede_payment(
    *,
    owner_id: UUID,
    payment_id: UUID,
    mandate_id: UUID,
    card_id: UUID,
    amount: Money,
    campaign_id: UUID,
    now: datetime,
) -> UUID:
    """Commit that another try takes this one's place; `release_superseded` then lets go what it may hold.

    Joins the caller's transaction. Raises Terminal: `payment_taken` once money was or may have been taken, and what
    `prepare_payment` raises.
    """
    with scope(owner_id):
        old = locked(payment_id)
        if old.state not in NOT_LIVE:
            _end(old, now)
        return prepare_payment(
            owner_id=owner_id,
            attempt_id=old.attempt_id,
            mandate_id=mandate_id,
            card_id=card_id,
            amount=amount,
            campaign_id=campaign_id,
            now=now,
        )


def _end(old: Payment, now: datetime) -> None:
    if old.state == State.CREATED:
        move(old, State.RELEASED, now)
    elif old.state in MAY_HOLD:
        move(old, State.RELEASING, now)
    else:
        raise Terminal("payment_taken", "This payment was taken; it is given back, not replaced.")
    note(old, "payment.superseded", now)
