"""Taking held money: decide + commit, call, record + commit. May be run again after a crash anywhere."""

from datetime import datetime
from uuid import UUID

from parkerflight.core.errors import OutcomeUnknown, Terminal
from parkerflight.core.fault_points import fault_point
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.payments import calls
from parkerflight.payments.books import TAKEN, PaymentState, State, amount_of, locked, move, record, state_of
from parkerflight.payments.door import gateway
from parkerflight.payments.gateway import HoldGone, PaymentStatus
from parkerflight.payments.models import Payment
from parkerflight.payments.sending import finish


def capture(*, owner_id: UUID, payment_id: UUID, amount: Money, now: datetime) -> PaymentState:
    """Take `amount` of what is held; the rest is let go of at once.

    Raises HoldGone when the hold ended, Terminal when it is more than was held or another amount is being taken.
    """
    with scope(owner_id):
        payment = locked(payment_id)
        if payment.state in TAKEN:
            calls.settle(payment, "capture")
            return state_of(payment)
        _check(payment, amount)
        parameters = gateway().capture_parameters(amount)
        call = calls.opened(payment, owner_id, "capture", parameters, now)
        if call.parameters != parameters:
            raise Terminal("capture_changed", "Another amount is being taken already.")
        move(payment, State.CAPTURING, now)
    fault_point("payments.capture.after_commit")
    view = finish(payment, call, gateway().capture, now)
    fault_point("payments.capture.after_call")
    if view.status is PaymentStatus.RELEASED:
        record(payment, call, view, State.RELEASED, now, unless=TAKEN | {State.RELEASED})
        raise HoldGone("hold_gone", "The hold ended before the money was taken.")
    if view.status is not PaymentStatus.CAPTURED:
        raise OutcomeUnknown("capture_open", f"the gateway says {view.status}")
    return record(payment, call, view, State.CAPTURED, now, unless=TAKEN)


def _check(payment: Payment, amount: Money) -> None:
    if payment.state not in {State.HELD, State.CAPTURING}:
        raise HoldGone("nothing_held", f"The payment is {payment.state}; there is nothing to take.")
    if amount.currency != payment.currency or amount.minor <= 0:
        raise Terminal("wrong_amount", f"{amount} is not an amount to take of a payment in {payment.currency}.")
    if amount > amount_of(payment):
        raise Terminal("more_than_held", "The amount to take is above what is held.")
