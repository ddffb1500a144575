"""A payment that waits for its cardholder: the amount set anew, the secret for the page, and what came of it."""

from datetime import datetime
from uuid import UUID

from parkerflight.core.errors import OutcomeUnknown, Terminal
from parkerflight.core.fault_points import fault_point
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.payments import calls
from parkerflight.payments.books import PaymentState, State, amount_of, locked, move, note, seen, state_of
from parkerflight.payments.door import gateway
from parkerflight.payments.gateway import Confirmation, HoldGone, PaymentStatus, PaymentView
from parkerflight.payments.mandates import mandate_allows
from parkerflight.payments.models import Payment, VendorCall


def confirmation(*, owner_id: UUID, payment_id: UUID, amount: Money, now: datetime) -> Confirmation:
    """What the page needs on which the cardholder confirms exactly `amount`.

    Raises Terminal: `not_waiting` when the payment waits for nobody (any more), or why the mandate does not cover it.
    """
    with scope(owner_id):
        payment = locked(payment_id)
        if payment.state != State.NEEDS_CUSTOMER:
            raise Terminal("not_waiting", "This payment waits for no confirmation.")
        mandate_allows(owner_id=owner_id, mandate_id=payment.mandate_id, amount=amount, now=now)
        call = _amendment(payment, amount, now)
    fault_point("payments.amend.after_commit")
    if call:
        _amend(payment, call, amount, now)
    secret = gateway().client_secret(payment.intent)
    return Confirmation(payment.intent, secret, amount)


def _amendment(payment: Payment, amount: Money, now: datetime) -> VendorCall | None:
    """The call that sets `amount`; None when the gateway has it already. An unfinished one of another amount is dropped."""
    unsettled = VendorCall.objects.filter(payment=payment, purpose="amend", outcome__in=calls.UNSETTLED).exists()
    if amount == amount_of(payment) and not unsettled:
        return None
    wanted = gateway().amend_parameters(amount)
    call = calls.opened(payment, payment.owner_id, "amend", wanted, now)
    if call.parameters != wanted or calls.must_look(call, now):
        # Setting an amount twice has no further effect, and an error may be kept under the old key for ever.
        return calls.replaced(call, wanted, now)
    return call


def _amend(payment: Payment, call: VendorCall, amount: Money, now: datetime) -> None:
    try:
        view = gateway().amend(payment.intent, calls.stored(call, now))
    except HoldGone:
        raise Terminal("not_waiting", "This payment waits for no confirmation any more.") from None
    except OutcomeUnknown:
        calls.unanswered(call)
        raise
    fault_point("payments.amend.after_call")
    if view.amount != amount:
        raise OutcomeUnknown("amount_open", "the amount at the gateway is another one still")
    with scope(payment.owner_id):
        row = locked(payment.id)
        if row.state == State.NEEDS_CUSTOMER:
            move(row, row.state, now, amount_minor=amount.minor)
            note(row, "payment.amended", now)
        calls.settle(row, call.purpose)
    fault_point("payments.amend.after_record")


def await_customer(*, owner_id: UUID, payment_id: UUID, now: datetime) -> PaymentState:
    """Look whether the cardholder has confirmed: HELD when so, RELEASED when it was cancelled, else unchanged.

    A card that was declined on the page leaves the payment waiting, with `failure_code` saying why.
    """
    with scope(owner_id):
        payment = locked(payment_id)
        if payment.state != State.NEEDS_CUSTOMER:
            return state_of(payment)
    fault_point("payments.await_customer.after_commit")
    view = gateway().view_of(payment.intent)
    fault_point("payments.await_customer.after_call")
    with scope(owner_id):
        row = locked(payment_id)
        heard_from_customer(row, view, now)
    fault_point("payments.await_customer.after_record")
    return state_of(row)


def heard_from_customer(row: Payment, view: PaymentView, now: datetime) -> None:
    """Write down what a look shows of a payment that waits; any other payment is left alone. In the caller's commit."""
    if row.state != State.NEEDS_CUSTOMER:
        return
    if view.status is PaymentStatus.HELD:
        # What the person confirmed is what is held, also when our record of the last change of amount was lost.
        move(row, State.HELD, now, **seen(view, row), amount_minor=view.amount.minor, failure_code="", failure_kind="")
        note(row, "payment.held", now)
    elif view.status is PaymentStatus.RELEASED:
        move(row, State.RELEASED, now, **seen(view, row))
        note(row, "payment.released", now)
    elif view.failure and view.failure[:60] != row.failure_code:
        move(row, row.state, now, failure_code=view.failure[:60], failure_kind=view.failure_kind)
        note(row, "payment.declined_on_page", now)
