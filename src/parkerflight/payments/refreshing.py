"""Reading a payment again when something may have happened to it outside; the news only ever moves it on."""

from datetime import datetime
from uuid import UUID

from parkerflight.core.fault_points import fault_point
from parkerflight.core.tenancy import scope
from parkerflight.payments.books import TAKEN, PaymentState, State, locked, move, note, seen, state_of
from parkerflight.payments.confirming import heard_from_customer
from parkerflight.payments.door import gateway
from parkerflight.payments.gateway import PaymentStatus, PaymentView
from parkerflight.payments.models import Payment
from parkerflight.payments.refund_rows import take_over

# While an operation is under way the outcome is its to record; cancelled and captured are final at the gateway, so
# these may follow from any look, however late it is recorded.
ENDED_BY_RELEASE = frozenset({State.HELD, State.CAPTURING, State.RELEASING, State.NEEDS_CUSTOMER})


def refresh(*, owner_id: UUID, payment_id: UUID, now: datetime) -> PaymentState:
    """Read the payment at the gateway and record what happened outside: ended, taken, given back, reviewed, disputed."""
    with scope(owner_id):
        payment = locked(payment_id)
        if not payment.intent:
            return state_of(payment)
    fault_point("payments.refresh.after_commit")
    view = gateway().view_of(payment.intent)
    refunds = gateway().refunds_of(payment.intent) if view.status is PaymentStatus.CAPTURED else []
    fault_point("payments.refresh.after_call")
    with scope(owner_id):
        row = locked(payment_id)
        before = (row.state, row.review_open, row.disputed, row.refunded_minor)
        heard_from_customer(row, view, now)
        _ended(row, view, now)
        take_over(row, refunds, now)
        _flags(row, view, now)
        if before != (row.state, row.review_open, row.disputed, row.refunded_minor):
            note(row, "payment.refreshed", now)
    fault_point("payments.refresh.after_record")
    return state_of(row)


def _ended(row: Payment, view: PaymentView, now: datetime) -> None:
    if view.status is PaymentStatus.RELEASED:
        if row.state in ENDED_BY_RELEASE:
            move(row, State.RELEASED, now)
        elif row.state == State.DECLINED:
            move(row, row.state, now, intent_ended=True)
    # A payment we had given up on and that was taken all the same shows as taken: somebody has to give it back.
    elif view.status is PaymentStatus.CAPTURED and row.state not in TAKEN:
        move(row, State.CAPTURED, now, captured_minor=view.captured.minor)


def _flags(row: Payment, view: PaymentView, now: datetime) -> None:
    known = seen(view, row)
    if any(getattr(row, name) != value for name, value in known.items()):
        move(row, row.state, now, **known)
