"""Giving captured money back: once for each cause, never more than was taken. May be run again after a crash anywhere."""

from datetime import datetime
from uuid import UUID, uuid4

from parkerflight.core.errors import NotFound, OutcomeUnknown, Terminal
from parkerflight.core.fault_points import fault_point
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.payments import calls
from parkerflight.payments.books import TAKEN, locked, note
from parkerflight.payments.door import gateway
from parkerflight.payments.gateway import KeyReused, RefundView
from parkerflight.payments.models import Payment, Refund, VendorCall
from parkerflight.payments.refund_rows import RefundState, Status, count_back, refund_state_of, show, spoken_for, turn


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
    left = payment.captured_minor - spoken_for(payment)
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
            turn(row, Status.FAILED, now, failure_reason=outcome.code[:60])
            calls.close(call, calls.Outcome.REFUSED, outcome.reference)
        else:
            show(row, outcome, now)
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
    fault_point("payments.refresh_refund.after_commit")
    view = gateway().refund_view(row.reference)
    fault_point("payments.refresh_refund.after_call")
    with scope(owner_id):
        payment = locked(row.payment_id)
        row = Refund.objects.get(id=refund_id)
        if show(row, view, now):
            count_back(payment, now)
            note(payment, f"payment.refund_{row.status}", now)
    fault_point("payments.refresh_refund.after_record")
    return refund_state_of(row)
