"""A payment's row: reading it for others, moving it, writing down what the gateway said. Shared by the operations."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from parkerflight.audit import operations as audit
from parkerflight.core.errors import ParkerError, Terminal
from parkerflight.core.fault_points import fault_point
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.payments import calls
from parkerflight.payments.gateway import PaymentView
from parkerflight.payments.models import Payment, VendorCall

State = Payment.State
# Nothing more can be taken under these, so the attempt may try again.
NOT_LIVE = frozenset({State.RELEASING, State.RELEASED, State.DECLINED})
TAKEN = frozenset({State.CAPTURED, State.REFUNDED})


@dataclass(frozen=True, slots=True)
class PaymentState:
    """Where a payment stands in our books. `capture_before` is aware, UTC."""

    id: UUID
    state: str
    amount: Money
    captured: Money
    refunded: Money
    """What went back to the card or is on its way; a refund that failed does not count."""
    capture_before: datetime | None
    failure_code: str
    failure_kind: str
    """A `DeclineClass`, or empty."""
    review_open: bool
    """The gateway wants a person to look: buy nothing with this money yet."""
    disputed: bool
    intent: str
    attempt_id: UUID
    card_id: UUID
    mandate_id: UUID


def state_of(payment: Payment) -> PaymentState:
    """The row as others may see it."""
    return PaymentState(
        id=payment.id,
        state=payment.state,
        amount=amount_of(payment),
        captured=Money(payment.captured_minor, payment.currency),
        refunded=Money(payment.refunded_minor, payment.currency),
        capture_before=payment.capture_before,
        failure_code=payment.failure_code,
        failure_kind=payment.failure_kind,
        review_open=payment.review_open,
        disputed=payment.disputed,
        intent=payment.intent,
        attempt_id=payment.attempt_id,
        card_id=payment.card_id,
        mandate_id=payment.mandate_id,
    )


def amount_of(payment: Payment) -> Money:
    return Money(payment.amount_minor, payment.currency)


def locked(payment_id: UUID) -> Payment:
    """The row of this scope, locked. Raises ParkerError when there is none."""
    payment = Payment.objects.select_for_update(of=("self",)).filter(id=payment_id).first()
    if payment is None:
        raise ParkerError("no_payment", "there is no such payment in this scope")
    return payment


def move(payment: Payment, state: str, now: datetime, **changes: object) -> None:
    """Change the row and the object in hand alike, in the caller's transaction."""
    Payment.objects.filter(id=payment.id).update(state=state, updated_at=now, **changes)
    payment.state = state
    for name, value in changes.items():
        setattr(payment, name, value)


def seen(view: PaymentView, payment: Payment) -> dict[str, object]:
    """What a look at the gateway changes in the row whatever the state; never forgets what was known."""
    return {
        "intent": view.intent,
        "charge": view.charge or payment.charge,
        "review_open": view.review_open,
        "disputed": payment.disputed or view.disputed,
        "capture_before": view.capture_before or payment.capture_before,
    }


def record(
    payment: Payment, call: VendorCall, view: PaymentView, state: str, now: datetime, *, unless: frozenset[str]
) -> PaymentState:
    """The outcome, the closed call and the audit entry: one commit.

    A row that is in a state of `unless` by now (released, captured or superseded meanwhile) keeps it.
    """
    with scope(payment.owner_id):
        row = locked(payment.id)
        if row.state in unless:
            move(row, row.state, now, intent=view.intent, charge=view.charge or row.charge)
        else:
            if view.captured.minor > row.amount_minor:
                raise Terminal("captured_too_much", "The gateway took more than was agreed.")
            move(row, state, now, **seen(view, row), captured_minor=view.captured.minor)
            note(row, f"payment.{state}", now)
        calls.settle(row, call.purpose)
    fault_point(f"payments.{call.purpose}.after_record")
    return state_of(row)


def note(payment: Payment, action: str, now: datetime) -> None:
    """The audit entry of a change, in its transaction."""
    audit.record(
        at=now,
        owner_id=payment.owner_id,
        actor=audit.WORKER,
        action=action,
        object_type="payment",
        object_id=payment.id,
        details={
            "amount_minor": payment.amount_minor,
            "currency": payment.currency,
            "captured_minor": payment.captured_minor,
            "refunded_minor": payment.refunded_minor,
            "intent": payment.intent,
            "failure": payment.failure_code,
        },
    )
