"""Giving captured money back: once for each cause, never more than was taken. May be run again after a crash anywhere."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from django.db.models import Sum

from parkerflight.core.errors import NotFound, OutcomeUnknown, Terminal
from parkerflight.core.fault_points import fault_point
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.payments import calls
from parkerflight.payments.books import TAKEN, State, locked, move, note
from parkerflight.payments.door import gateway
from parkerflight.payments.gateway import KeyReused, RefundView
from parkerflight.payments.models import Payment, Refund, VendorCall

Status = Refund.Status
GONE_BACK = frozenset({Status.PENDING, Status.SUCCEEDED})
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


def refund(*, owner_id: UUID, payment_id: UUID, amount: Money, cause: str, now: datetime) -> RefundState:
    """Give `amount` back to the card for `cause`; the same cause is the same refund, however often it is asked for.

    A refund that the gateway refuses, or that fails later, is FAILED for good: another try is another cause. Raises
    Terminal when less than `amount` is left or the cause was another amount, Retryable or OutcomeUnknown: run it again.
    """
    with scope(owner_id):
        payment = locked(payment_id)
        row = _intended(payment, amount, cause, now)
        if row.reference or row.status != Status.PENDING:
            calls.settle(payment, "refund", str(row.id))
            return refund_state_of(row)
        ids = {"owner_id": str(owner_id), "payment_id": str(payment.id), "refund_id": str(row.id)}
        wanted = gateway().refund_parameters(payment.intent, amount, ids)
        call = calls.opened(payment, owner_id, "refund", wanted, now, subject=str(row.id))
    fault_point("payments.refund.after_commit")
    view = _asked(payment, row, call, now)
    fault_point("payments.refund.after_call")
    return _recorded(row, call, view, now)


def _intended(payment: Payment, amount: Money, cause: str, now: datetime) -> Refund:
    """The refund for this cause, made if there is none and enough is left. The payment's row is locked."""
    known = Refund.objects.filter(payment=payment, cause=cause).first()
    if known and (known.amount_minor, known.currency) != (amount.minor, amount.currency):
        raise Terminal("refund_changed", "This cause was given back with another amount.")
    if known:
        return known
    given = Refund.objects.filter(payment=payment).exclude(status__in=[Status.FAILED, Status.CANCELED])
    left = payment.captured_minor - (given.aggregate(sum=Sum("amount_minor"))["sum"] or 0)
    fits = 0 < amount.minor <= left and amount.currency == payment.currency
    if payment.state not in TAKEN or not cause or not fits:
        raise Terminal("cannot_refund", "There is not that much left to give back.")
    row = Refund.objects.create(
        id=uuid4(),
        owner_id=payment.owner_id,
        payment=payment,
        amount_minor=amount.minor,
        currency=amount.currency,
        cause=cause,
        created_at=now,
        updated_at=now,
    )
    note(payment, "payment.refund_intended", now)
    return row


def _asked(payment: Payment, row: Refund, call: VendorCall, now: datetime) -> RefundView | Terminal:
    """The gateway's refund; or the definite refusal, which is an outcome too."""
    if calls.must_look(call, now):
        found = next((one for one in gateway().refunds_of(payment.intent) if _is(one, row)), None)
        if found:
            return found
        if now - call.opened_at > calls.NEVER_ARRIVED:
            # An error may be kept under the old key for ever. Not sooner: two sendings under two keys are two refunds.
            with scope(payment.owner_id):
                call = calls.replaced(call, call.parameters, now)
            fault_point("payments.refund.after_replaced")
    try:
        return gateway().refund(calls.stored(call, now))
    except OutcomeUnknown:
        calls.unanswered(call)
        raise
    except KeyReused:
        raise  # what was sent under this key before may have given money back
    except (Terminal, NotFound) as error:
        return Terminal(error.code, str(error), reference=error.reference)


def _is(view: RefundView, row: Refund) -> bool:
    return view.metadata.get("refund_id") == str(row.id)


def _recorded(row: Refund, call: VendorCall, outcome: RefundView | Terminal, now: datetime) -> RefundState:
    with scope(row.owner_id):
        payment = locked(row.payment_id)
        row = Refund.objects.get(id=row.id)
        if isinstance(outcome, Terminal):
            _turn(row, Status.FAILED, now, failure_reason=outcome.code[:60])
            calls.close(call, calls.Outcome.REFUSED, outcome.reference)
        else:
            _seen(row, outcome, now)
            calls.settle(payment, call.purpose, call.subject)
        count_back(payment, now)
        note(payment, f"payment.refund_{row.status}", now)
    fault_point("payments.refund.after_record")
    return refund_state_of(row)


def refresh_refund(*, owner_id: UUID, refund_id: UUID, now: datetime) -> RefundState:
    """Read the refund again: one that failed meanwhile no longer counts as given back. Raises NotFound."""
    with scope(owner_id):
        row = Refund.objects.filter(id=refund_id).first()
        if row is None:
            raise NotFound("no_refund", "There is no such refund.")
        if not row.reference:
            return refund_state_of(row)
    view = gateway().refund_view(row.reference)
    fault_point("payments.refresh_refund.after_call")
    with scope(owner_id):
        payment = locked(row.payment_id)
        row = Refund.objects.get(id=refund_id)
        if _seen(row, view, now):
            count_back(payment, now)
            note(payment, f"payment.refund_{row.status}", now)
    fault_point("payments.refresh_refund.after_record")
    return refund_state_of(row)


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
        changed |= _seen(row, view, now)
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


def _seen(row: Refund, view: RefundView, now: datetime) -> bool:
    """Write down what a look shows of a refund, unless the row knows newer; whether anything changed."""
    status = Status(view.status.value)
    if RANK[status] < RANK[Status(row.status)] and row.reference:
        return False
    if (row.reference, row.status) == (view.reference, status):
        return False
    _turn(row, status, now, reference=view.reference, failure_reason=view.failure[:60])
    return True


def _turn(row: Refund, status: str, now: datetime, **changes: str) -> None:
    Refund.objects.filter(id=row.id).update(status=status, updated_at=now, **changes)
    row.status = status
    for name, value in changes.items():
        setattr(row, name, value)


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
