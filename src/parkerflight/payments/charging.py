"""Holding, taking, letting go and giving back money: decide + commit, call, record + commit.

Every operation may be run again after a crash anywhere: it finds what is recorded, or sends the stored call again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from parkerflight.audit import operations as audit
from parkerflight.core.errors import OutcomeUnknown, ParkerError, Terminal
from parkerflight.core.fault_points import fault_point
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.payments import calls
from parkerflight.payments.door import gateway
from parkerflight.payments.gateway import (
    DeclineClass,
    Declined,
    HoldGone,
    KeyReused,
    PaymentStatus,
    PaymentView,
    StoredCall,
)
from parkerflight.payments.mandates import mandate_allows
from parkerflight.payments.models import Customer, Payment, VendorCall

State = Payment.State
Outcome = VendorCall.Outcome
# Offers live half an hour; an authorisation that cannot be found after ten minutes of asking is not waited for.
NEVER_ARRIVED = timedelta(minutes=10)
AUTHENTICATE = "The bank wants the cardholder to confirm this payment."


@dataclass(frozen=True, slots=True)
class PaymentState:
    """Where a payment stands in our books. `capture_before` is aware, UTC."""

    id: UUID
    state: str
    amount: Money
    captured: Money
    refunded: Money
    capture_before: datetime | None
    failure_code: str


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
    """Commit the intent to hold `amount`: one payment an attempt. Raises Terminal when the mandate does not cover it."""
    with scope(owner_id):
        known = Payment.objects.filter(attempt_id=attempt_id).first()
        if known:
            return known.id
        mandate = mandate_allows(owner_id=owner_id, mandate_id=mandate_id, amount=amount, now=now)
        if mandate.card_id != card_id:
            raise Terminal("mandate_card", "The permission is for another card.")
        payment = Payment.objects.create(
            id=uuid4(),
            owner_id=owner_id,
            attempt_id=attempt_id,
            card_id=card_id,
            mandate=mandate,
            amount_minor=amount.minor,
            currency=amount.currency,
            created_at=now,
            updated_at=now,
        )
        customer = Customer.objects.get(owner_id=owner_id).reference
        ids = {"attempt_id": str(attempt_id), "campaign_id": str(campaign_id)}
        parameters = gateway().hold_parameters(amount, customer, mandate.card.reference, ids)
        calls.opened(payment, owner_id, "authorise", parameters, now)
        _audit(payment, "payment.prepared", now)
        return payment.id


def authorise(*, owner_id: UUID, payment_id: UUID, now: datetime) -> PaymentState:
    """Hold the money. Raises Declined (recorded), Retryable or OutcomeUnknown (run it again)."""
    with scope(owner_id):
        payment = _get(payment_id)
        if payment.state == State.DECLINED:
            raise _declined_before(payment)
        if payment.state not in {State.CREATED, State.AUTHORISING}:
            return state_of(payment)
        call = calls.opened(payment, owner_id, "authorise", {}, now)
        _move(payment, State.AUTHORISING, now)
    fault_point("payments.authorise.after_commit")
    try:
        view = _held_before(payment, call, now) or gateway().authorise(calls.stored(call, now))
    except OutcomeUnknown:
        _record_unknown(call)
        raise
    except KeyReused:
        raise  # what was sent under this key before may hold money: nothing may be recorded as refused
    except Terminal as error:
        _record_refusal(payment, call, error, now)
        raise
    fault_point("payments.authorise.after_call")
    if view.status is PaymentStatus.HELD:
        return _record(payment, call, view, State.HELD, now)
    if view.status is PaymentStatus.RELEASED:
        _record(payment, call, view, State.RELEASED, now)
        raise HoldGone("hold_lapsed", "the hold ended before it was used")
    if view.status is PaymentStatus.PROCESSING:
        raise OutcomeUnknown("authorisation_open", "the bank has not answered yet")
    refused = Declined("card_declined", "The card was declined.", kind=DeclineClass.GENERIC, intent=view.intent)
    if view.status is PaymentStatus.NEEDS_CUSTOMER:
        refused = Declined("authentication_required", AUTHENTICATE, kind=DeclineClass.AUTHENTICATE, intent=view.intent)
    _record_refusal(payment, call, refused, now)
    raise refused


def _held_before(payment: Payment, call: VendorCall, now: datetime) -> PaymentView | None:
    """What an earlier sending of this call made; None when it was never sent, or may be sent again.

    Stripe keeps a 500 under its key and repeats it, so after an unanswered call looking comes before sending. Raises
    Terminal when nothing has turned up for so long that the fare is not worth waiting for.
    """
    if call.outcome != Outcome.UNKNOWN and not _stale(call, now):
        return None
    with scope(payment.owner_id):
        customer = Customer.objects.get(owner_id=payment.owner_id).reference
    found = gateway().find(customer, metadata={"attempt_id": str(payment.attempt_id)}, since=call.opened_at)
    if found is None and now - call.opened_at > NEVER_ARRIVED:
        raise Terminal("authorisation_never_arrived", "The bank was never asked; nothing is held.")
    return found


def _record_unknown(call: VendorCall) -> None:
    with scope(call.owner_id):
        calls.close(call, Outcome.UNKNOWN)


def _declined_before(payment: Payment) -> Declined:
    kind = DeclineClass(payment.failure_kind or DeclineClass.GENERIC)
    return Declined(payment.failure_code, "The card was declined.", kind=kind, intent=payment.intent)


def _record_refusal(payment: Payment, call: VendorCall, error: Terminal, now: datetime) -> None:
    kind, intent = (error.kind, error.intent) if isinstance(error, Declined) else (DeclineClass.GENERIC, "")
    with scope(payment.owner_id):
        _move(payment, State.DECLINED, now, intent=intent, failure_code=error.code[:60], failure_kind=kind)
        calls.close(call, Outcome.REFUSED, error.reference)
        _audit(payment, "payment.declined", now)


def capture(*, owner_id: UUID, payment_id: UUID, amount: Money, now: datetime) -> PaymentState:
    """Take `amount` of what is held. Raises HoldGone when the hold ended, Terminal when it is more than was held."""
    with scope(owner_id):
        payment = _get(payment_id)
        if payment.state in {State.CAPTURED, State.REFUNDING, State.REFUNDED}:
            return state_of(payment)
        if payment.state not in {State.HELD, State.CAPTURING}:
            raise HoldGone("nothing_held", f"The payment is {payment.state}; there is nothing to take.")
        if amount > Money(payment.amount_minor, payment.currency):
            raise Terminal("more_than_held", "The amount to take is above what is held.")
        call = calls.opened(payment, owner_id, "capture", gateway().capture_parameters(amount), now)
        _move(payment, State.CAPTURING, now)
    fault_point("payments.capture.after_commit")
    view = _finish(payment, call, gateway().capture, now)
    fault_point("payments.capture.after_call")
    if view.status is not PaymentStatus.CAPTURED:
        raise OutcomeUnknown("capture_open", f"the gateway says {view.status}")
    return _record(payment, call, view, State.CAPTURED, now)


def release(*, owner_id: UUID, payment_id: UUID, now: datetime) -> PaymentState:
    """Let the held money go. What is not held any more counts as let go; captured money is refunded, not released."""
    with scope(owner_id):
        payment = _get(payment_id)
        if payment.state in {State.RELEASED, State.DECLINED}:
            return state_of(payment)
        if payment.state not in {State.CREATED, State.HELD, State.RELEASING}:
            raise Terminal("cannot_release", f"The payment is {payment.state}; it cannot be released.")
        if not payment.intent:
            _move(payment, State.RELEASED, now)
            _audit(payment, "payment.released", now)
            return state_of(payment)
        call = calls.opened(payment, owner_id, "release", {}, now)
        _move(payment, State.RELEASING, now)
    fault_point("payments.release.after_commit")
    try:
        view = _finish(payment, call, gateway().release, now)
    except HoldGone:
        view = gateway().payment(payment.intent)
    fault_point("payments.release.after_call")
    if view.status is not PaymentStatus.RELEASED:
        raise OutcomeUnknown("release_open", f"the gateway says {view.status}")
    return _record(payment, call, view, State.RELEASED, now)


def refund(*, owner_id: UUID, payment_id: UUID, amount: Money, now: datetime) -> PaymentState:
    """Give `amount` of captured money back to the card. Raises Terminal when that is more than is left."""
    with scope(owner_id):
        payment = _get(payment_id)
        left = payment.captured_minor - payment.refunded_minor
        if (
            payment.state not in {State.CAPTURED, State.REFUNDING}
            or amount.minor > left
            or amount.currency != payment.currency
        ):
            raise Terminal("cannot_refund", "There is not that much left to give back.")
        call = calls.opened(payment, owner_id, "refund", gateway().refund_parameters(payment.intent, amount), now)
        _move(payment, State.REFUNDING, now)
    fault_point("payments.refund.after_commit")
    view = gateway().refund(payment.intent, calls.stored(call, now))
    fault_point("payments.refund.after_call")
    whole = view.refunded.minor >= payment.captured_minor
    return _record(payment, call, view, State.REFUNDED if whole else State.CAPTURED, now)


def _stale(call: VendorCall, now: datetime) -> bool:
    return now - call.opened_at > calls.KEY_TRUSTED


def _finish(
    payment: Payment, call: VendorCall, send: Callable[[str, StoredCall], PaymentView], now: datetime
) -> PaymentView:
    """Send a capture or release; after an unanswered one look first.

    When the look shows that the money is held still, the old call did nothing: the next run opens a new one under a new
    key. Doing either twice has no further effect, so a late success of the old call does no harm.
    """
    if call.outcome == Outcome.UNKNOWN or _stale(call, now):
        seen = gateway().payment(payment.intent)
        if seen.status is not PaymentStatus.HELD:
            return seen
        with scope(payment.owner_id):
            calls.close(call, Outcome.REFUSED)
            call = calls.opened(payment, payment.owner_id, call.purpose, call.parameters, now)
    try:
        return send(payment.intent, calls.stored(call, now))
    except OutcomeUnknown:
        _record_unknown(call)
        raise


def _record(payment: Payment, call: VendorCall, view: PaymentView, state: str, now: datetime) -> PaymentState:
    """The outcome, the closed call and the audit entry: one commit."""
    with scope(payment.owner_id):
        _move(
            payment,
            state,
            now,
            intent=view.intent,
            captured_minor=view.captured.minor,
            refunded_minor=view.refunded.minor,
            capture_before=view.capture_before or payment.capture_before,
        )
        open_calls = VendorCall.objects.filter(payment=payment, purpose=call.purpose)
        open_calls.filter(outcome__in=[Outcome.OPEN, Outcome.UNKNOWN]).update(outcome=Outcome.DONE)
        _audit(payment, f"payment.{state}", now)
    fault_point(f"payments.{call.purpose}.after_record")
    return state_of(payment)


def _get(payment_id: UUID) -> Payment:
    payment = Payment.objects.select_for_update(of=("self",)).filter(id=payment_id).first()
    if payment is None:
        raise ParkerError("no_payment", "there is no such payment in this scope")
    return payment


def _move(payment: Payment, state: str, now: datetime, **changes: object) -> None:
    Payment.objects.filter(id=payment.id).update(state=state, updated_at=now, **changes)
    payment.state = state
    for name, value in changes.items():
        setattr(payment, name, value)


def state_of(payment: Payment) -> PaymentState:
    """The row as others may see it."""
    return PaymentState(
        id=payment.id,
        state=payment.state,
        amount=Money(payment.amount_minor, payment.currency),
        captured=Money(payment.captured_minor, payment.currency),
        refunded=Money(payment.refunded_minor, payment.currency),
        capture_before=payment.capture_before,
        failure_code=payment.failure_code,
    )


def _audit(payment: Payment, action: str, now: datetime) -> None:
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
            "intent": payment.intent,
            "failure": payment.failure_code,
        },
    )
