"""Letting money go: cancelling at the gateway whatever a payment holds, or may hold without our knowing."""

from datetime import datetime
from uuid import UUID

from django.db.models import Q

from parkerflight.core.errors import OutcomeUnknown, Retryable, Terminal
from parkerflight.core.fault_points import fault_point
from parkerflight.core.tenancy import scope
from parkerflight.payments import calls
from parkerflight.payments.books import TAKEN, PaymentState, State, locked, move, note, record, seen, state_of
from parkerflight.payments.door import gateway
from parkerflight.payments.gateway import PaymentStatus, PaymentView
from parkerflight.payments.models import Customer, Payment, VendorCall
from parkerflight.payments.sending import finish

# The failure code of a payment that was given up without an answer: its hold may still turn up.
NEVER = "authorisation_never_arrived"


def release(*, owner_id: UUID, payment_id: UUID, now: datetime) -> PaymentState:
    """Let the money go, whatever state it is in; what is not held any more counts as let go.

    A declined payment stays declined, but nothing can be charged under it any more. Raises Terminal for money that was
    taken (it is refunded, not released), OutcomeUnknown while it cannot be known whether something is held.
    """
    with scope(owner_id):
        payment = locked(payment_id)
        begun = _begin(payment, now)
    fault_point("payments.release.after_commit")
    if not begun:
        return state_of(payment)
    if not payment.intent and not _intent_found(payment, now):
        return _record_nothing(payment, now)
    with scope(owner_id):
        call = calls.opened(payment, owner_id, "release", {}, now)
    fault_point("payments.release.after_opened")
    view = finish(payment, call, gateway().release, now)
    fault_point("payments.release.after_call")
    return _recorded(payment, call, view, now)


def _begin(payment: Payment, now: datetime) -> bool:
    """Commit to letting go; False when nothing is left to do at the gateway."""
    if payment.state in {*TAKEN, State.CAPTURING}:
        raise Terminal("cannot_release", f"The payment is {payment.state}; it cannot be released.")
    if payment.state == State.DECLINED:
        return not payment.intent_ended and (bool(payment.intent) or payment.failure_code == NEVER)
    if payment.state == State.CREATED:
        move(payment, State.RELEASED, now)
        note(payment, "payment.released", now)
    if payment.state == State.RELEASED:
        calls.settle(payment, "release")
        return False
    move(payment, State.RELEASING, now)
    return True


def _intent_found(payment: Payment, now: datetime) -> bool:
    """Look for what an unanswered request made. Raises OutcomeUnknown while it may still be on its way."""
    with scope(payment.owner_id):
        asked = VendorCall.objects.filter(payment=payment, purpose="authorise").earliest("try_no")
    view = found_at_gateway(payment, asked)
    if view is None and now - asked.opened_at <= calls.NEVER_ARRIVED:
        raise OutcomeUnknown("hold_may_arrive", "the request to hold money may still be on its way")
    if view is None:
        return False
    with scope(payment.owner_id):
        row = locked(payment.id)
        move(row, row.state, now, **seen(view, row))
    fault_point("payments.release.after_found")
    payment.intent = view.intent
    return True


def found_at_gateway(payment: Payment, asked: VendorCall) -> PaymentView | None:
    """The gateway's payment that the call `asked` made, by our id in its metadata."""
    with scope(payment.owner_id):
        customer = Customer.objects.get(owner_id=payment.owner_id).reference
    return gateway().find(customer, metadata={"payment_id": str(payment.id)}, since=asked.opened_at)


def _record_nothing(payment: Payment, now: datetime) -> PaymentState:
    """Nothing was ever held under this payment."""
    with scope(payment.owner_id):
        row = locked(payment.id)
        if row.state == State.RELEASING and not row.intent:
            move(row, State.RELEASED, now)
            note(row, "payment.released", now)
        elif row.state == State.DECLINED:
            move(row, row.state, now, intent_ended=True)
    fault_point("payments.release.after_record")
    return state_of(row)


def _recorded(payment: Payment, call: VendorCall, view: PaymentView, now: datetime) -> PaymentState:
    if view.status is PaymentStatus.CAPTURED:
        record(payment, call, view, State.CAPTURED, now, unless=TAKEN)
        raise Terminal("taken_meanwhile", "The money was taken before it could be let go.")
    if view.status is not PaymentStatus.RELEASED:
        raise OutcomeUnknown("release_open", f"the gateway says {view.status}")
    if payment.state != State.DECLINED:
        return record(payment, call, view, State.RELEASED, now, unless=TAKEN | {State.RELEASED})
    with scope(payment.owner_id):
        row = locked(payment.id)
        move(row, row.state, now, intent_ended=True)
        calls.settle(row, call.purpose)
        note(row, "payment.intent_cancelled", now)
    fault_point("payments.release.after_record")
    return state_of(row)


def release_superseded(*, owner_id: UUID, attempt_id: UUID, now: datetime) -> None:
    """Let go of everything the attempt's earlier tries may hold, and of what declines left open. May be run again.

    One that cannot be let go now does not keep the others. Raises the first Retryable, OutcomeUnknown or Terminal met.
    """
    left_open = Q(state=State.DECLINED, intent_ended=False) & (~Q(intent="") | Q(failure_code=NEVER))
    with scope(owner_id):
        wanted = Payment.objects.filter(Q(state=State.RELEASING) | left_open, attempt_id=attempt_id)
        ids = list(wanted.order_by("try_no").values_list("id", flat=True))
    trouble: list[Retryable | OutcomeUnknown | Terminal] = []
    for payment_id in ids:
        try:
            release(owner_id=owner_id, payment_id=payment_id, now=now)
        except (Retryable, OutcomeUnknown, Terminal) as error:
            trouble.append(error)
    if trouble:
        raise trouble[0]
