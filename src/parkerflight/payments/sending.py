"""Sending a call whose repetition has no further effect, such as a capture or a cancellation, until it is settled."""

from collections.abc import Callable
from datetime import datetime

from parkerflight.core.errors import OutcomeUnknown, Terminal
from parkerflight.core.fault_points import fault_point
from parkerflight.core.tenancy import scope
from parkerflight.payments import calls
from parkerflight.payments.door import gateway
from parkerflight.payments.gateway import HoldGone, KeyReused, PaymentStatus, PaymentView, StoredCall
from parkerflight.payments.models import Payment, VendorCall

SETTLED = frozenset({PaymentStatus.CAPTURED, PaymentStatus.RELEASED})


def finish(
    payment: Payment, call: VendorCall, send: Callable[[str, StoredCall], PaymentView], now: datetime
) -> PaymentView:
    """Send it, or after an unanswered sending look first; a payment that is over already is read instead.

    When the look shows that nothing was done, a new call under a new key follows: the gateway may keep an error under
    the old key for ever. A late success of the old call does no harm.
    """
    if calls.must_look(call, now):
        seen = gateway().view_of(payment.intent)
        if seen.status in SETTLED:
            return seen
        with scope(payment.owner_id):
            call = calls.replaced(call, call.parameters, now)
        fault_point(f"payments.{call.purpose}.after_replaced")
    try:
        return send(payment.intent, calls.stored(call, now))
    except HoldGone:
        return gateway().view_of(payment.intent)
    except OutcomeUnknown:
        calls.unanswered(call)
        raise
    except KeyReused:
        raise  # what was sent under this key before may have been carried out
    except Terminal as error:
        # A clear no, which the gateway keeps under this key: whoever tries again later needs another.
        with scope(payment.owner_id):
            calls.close(call, calls.Outcome.REFUSED, error.reference)
        fault_point(f"payments.{call.purpose}.after_refusal")
        raise
