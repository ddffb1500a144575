"""Holding the money: decide + commit, call, record + commit. May be run again after a crash anywhere."""

from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from parkerflight.core.errors import OutcomeUnknown, Retryable, Terminal
from parkerflight.core.fault_points import fault_point
from parkerflight.core.tenancy import scope
from parkerflight.payments import calls
from parkerflight.payments.books import NOT_LIVE, TAKEN, PaymentState, State, locked, move, note, record, state_of
from parkerflight.payments.card_watch import mark_needs_customer
from parkerflight.payments.door import gateway
from parkerflight.payments.gateway import DeclineClass, Declined, HoldGone, KeyReused, PaymentStatus, PaymentView
from parkerflight.payments.mandates import mandate_allows
from parkerflight.payments.models import Customer, Payment, VendorCall
from parkerflight.payments.releasing import release

# Offers live half an hour; an authorisation that cannot be found after ten minutes of asking is not waited for.
NEVER_ARRIVED = timedelta(minutes=10)
AUTHENTICATE = "The bank wants the cardholder to confirm this payment."
# A try that moved on meanwhile: what the bank answered to it is kept, its state is not undone.
MOVED_ON = NOT_LIVE | TAKEN | {State.CAPTURING}


def authorise(*, owner_id: UUID, payment_id: UUID, now: datetime) -> PaymentState:
    """Hold the money.

    Raises Declined (recorded; kind AUTHENTICATE leaves the payment in NEEDS_CUSTOMER, to be confirmed by the
    cardholder), HoldGone, another Terminal, or Retryable and OutcomeUnknown: run it again.
    """
    with scope(owner_id):
        payment = locked(payment_id)
        if payment.state in {State.DECLINED, State.NEEDS_CUSTOMER}:
            refused = _declined_before(payment)
        elif payment.state not in {State.CREATED, State.AUTHORISING}:
            return state_of(payment)
        else:
            refused = None
            call = calls.opened(payment, owner_id, "authorise", {}, now)
            if payment.state == State.CREATED:
                _still_allowed(payment, now)
            move(payment, State.AUTHORISING, now)
    fault_point("payments.authorise.after_commit")
    if refused:
        _end_intent(payment, now)
        raise refused
    view = _asked(payment, call, now)
    fault_point("payments.authorise.after_call")
    return _recorded(payment, call, view, now)


def _still_allowed(payment: Payment, now: datetime) -> None:
    """The permission may have ended since the payment was prepared. Raises Terminal; nothing was sent then."""
    mandate_allows(
        owner_id=payment.owner_id, mandate_id=payment.mandate_id, amount=state_of(payment).amount, now=now
    )


def _asked(payment: Payment, call: VendorCall, now: datetime) -> PaymentView:
    try:
        return _held_before(payment, call, now) or gateway().authorise(calls.stored(call, now))
    except OutcomeUnknown:
        calls.unanswered(call)
        raise
    except KeyReused:
        raise  # what was sent under this key before may hold money: nothing may be recorded as refused
    except Terminal as error:
        _record_refusal(payment, call, error, now)
        raise


def _recorded(payment: Payment, call: VendorCall, view: PaymentView, now: datetime) -> PaymentState:
    if view.status is PaymentStatus.HELD:
        return record(payment, call, view, State.HELD, now, unless=MOVED_ON)
    if view.status is PaymentStatus.RELEASED:
        record(payment, call, view, State.RELEASED, now, unless=MOVED_ON)
        raise HoldGone("hold_lapsed", "the hold ended before it was used")
    if view.status is PaymentStatus.PROCESSING:
        raise OutcomeUnknown("authorisation_open", "the bank has not answered yet")
    if view.status is PaymentStatus.CAPTURED:
        raise Terminal("captured_early", "the gateway says that the money was taken already")
    refused = _refusal_in(view)
    _record_refusal(payment, call, refused, now)
    raise refused


def _refusal_in(view: PaymentView) -> Declined:
    """A payment that came back waiting: found after a lost answer, or not raised as a decline."""
    kind = gateway().class_of(view.failure)
    if view.status is PaymentStatus.NEEDS_CUSTOMER or kind is DeclineClass.AUTHENTICATE:
        return Declined("authentication_required", AUTHENTICATE, kind=DeclineClass.AUTHENTICATE, intent=view.intent)
    return Declined(view.failure or "card_declined", "The card was declined.", kind=kind, intent=view.intent)


def _held_before(payment: Payment, call: VendorCall, now: datetime) -> PaymentView | None:
    """What an earlier sending of this call made; None when it was never sent, or may be sent again.

    Stripe keeps a 500 under its key and repeats it, so after an unanswered call looking comes before sending. Raises
    Terminal when nothing has turned up for so long that the fare is not worth waiting for.
    """
    if not calls.must_look(call, now):
        return None
    with scope(payment.owner_id):
        customer = Customer.objects.get(owner_id=payment.owner_id).reference
    found = gateway().find(customer, metadata={"payment_id": str(payment.id)}, since=call.opened_at)
    if found is None and now - call.opened_at > NEVER_ARRIVED:
        raise Terminal("authorisation_never_arrived", "The bank was never asked; nothing is held.")
    return found


def _declined_before(payment: Payment) -> Declined:
    kind = DeclineClass(payment.failure_kind or DeclineClass.GENERIC)
    message = AUTHENTICATE if kind is DeclineClass.AUTHENTICATE else "The card was declined."
    return Declined(payment.failure_code, message, kind=kind, intent=payment.intent)


def _record_refusal(payment: Payment, call: VendorCall, error: Terminal, now: datetime) -> None:
    """Write the refusal down; a payment that only the cardholder is missing for stays alive."""
    kind, intent = (error.kind, error.intent) if isinstance(error, Declined) else (DeclineClass.GENERIC, "")
    waits = kind is DeclineClass.AUTHENTICATE and bool(intent)
    with scope(payment.owner_id):
        row = locked(payment.id)
        state = row.state if row.state in MOVED_ON else State.NEEDS_CUSTOMER if waits else State.DECLINED
        move(row, state, now, intent=intent, failure_code=error.code[:60], failure_kind=kind)
        if kind is DeclineClass.AUTHENTICATE:
            mark_needs_customer(row.card)
        calls.close(call, calls.Outcome.REFUSED, error.reference)
        note(row, f"payment.{row.state}", now)
    fault_point("payments.authorise.after_refusal")
    _end_intent(row, now)


def _end_intent(payment: Payment, now: datetime) -> None:
    """Close what a decline left open at the gateway; when that fails now, `release_superseded` or `release` does it."""
    if payment.state == State.DECLINED and payment.intent and not payment.intent_ended:
        with suppress(Retryable, OutcomeUnknown, Terminal):
            release(owner_id=payment.owner_id, payment_id=payment.id, now=now)
