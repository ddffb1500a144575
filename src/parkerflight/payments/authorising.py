"""Holding the money: decide + commit, call, record + commit. May be run again after a crash anywhere."""

from contextlib import suppress
from datetime import datetime
from uuid import UUID

from parkerflight.core.errors import OutcomeUnknown, Retryable, Terminal
from parkerflight.core.fault_points import fault_point
from parkerflight.core.tenancy import scope
from parkerflight.payments import calls
from parkerflight.payments.books import (
    NOT_LIVE,
    TAKEN,
    PaymentState,
    State,
    amount_of,
    locked,
    move,
    note,
    record,
    state_of,
)
from parkerflight.payments.card_watch import mark_needs_customer
from parkerflight.payments.door import gateway
from parkerflight.payments.gateway import DeclineClass, Declined, HoldGone, KeyReused, PaymentStatus, PaymentView
from parkerflight.payments.mandates import mandate_allows
from parkerflight.payments.models import Payment, VendorCall
from parkerflight.payments.releasing import NEVER, found_at_gateway, release

AUTHENTICATE = "The bank wants the cardholder to confirm this payment."
# A try that moved on meanwhile: what the bank answered to it is kept, its state is not undone.
MOVED_ON = NOT_LIVE | TAKEN | {State.CAPTURING}


def authorise(*, owner_id: UUID, payment_id: UUID, now: datetime) -> PaymentState:
    """Hold the money. The state is HELD, or what another step made of the payment meanwhile.

    Raises Declined (recorded; kind AUTHENTICATE leaves the payment in NEEDS_CUSTOMER, to be confirmed by the
    cardholder), HoldGone, another Terminal (recorded as declined), or Retryable and OutcomeUnknown: run it again.
    """
    with scope(owner_id):
        payment = locked(payment_id)
        if payment.state not in {State.CREATED, State.AUTHORISING, State.DECLINED, State.NEEDS_CUSTOMER}:
            return state_of(payment)
        refused = _refused_already(payment) or _not_allowed(payment, now)
        if not refused:
            call = calls.opened(payment, owner_id, "authorise", {}, now)
            move(payment, State.AUTHORISING, now)
    fault_point("payments.authorise.after_commit")
    if refused:
        _end_intent(payment, now)
        raise refused
    view = _asked(payment, call, now)
    fault_point("payments.authorise.after_call")
    return _recorded(payment, call, view, now)


def _refused_already(payment: Payment) -> Declined | None:
    if payment.state not in {State.DECLINED, State.NEEDS_CUSTOMER}:
        return None
    kind = DeclineClass(payment.failure_kind or DeclineClass.GENERIC)
    message = AUTHENTICATE if kind is DeclineClass.AUTHENTICATE else "The card was declined."
    return Declined(payment.failure_code, message, kind=kind, intent=payment.intent)


def _not_allowed(payment: Payment, now: datetime) -> Terminal | None:
    """Why the permission no longer covers a payment that was prepared and never sent; recorded."""
    if payment.state != State.CREATED:
        return None
    try:
        mandate_allows(owner_id=payment.owner_id, mandate_id=payment.mandate_id, amount=amount_of(payment), now=now)
    except Terminal as error:
        move(payment, State.DECLINED, now, failure_code=error.code[:60], failure_kind=DeclineClass.GENERIC)
        note(payment, "payment.declined", now)
        return error
    return None


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
        return _record_hold(payment, call, view, now)
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


def _record_hold(payment: Payment, call: VendorCall, view: PaymentView, now: datetime) -> PaymentState:
    """A hold that turns up after the payment was given up is let go of by whoever releases the attempt's payments."""
    with scope(payment.owner_id):
        row = locked(payment.id)
        if row.state in {State.RELEASED, State.DECLINED}:
            move(row, State.RELEASING, now)
    return record(payment, call, view, State.HELD, now, unless=MOVED_ON)


def _refusal_in(view: PaymentView) -> Declined:
    """A payment that came back waiting: found after a lost answer, or not raised as a decline."""
    kind = view.failure_kind
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
    found = found_at_gateway(payment, call)
    if found is None and now - call.opened_at > calls.NEVER_ARRIVED:
        raise Terminal(NEVER, "The bank was never asked; nothing is held.")
    return found


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
