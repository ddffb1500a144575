"""Finding out what became of a request without an answer: by offer, then by our own ids, until it is known."""

from datetime import datetime, timedelta

from parkerflight.bookings import holding, orders
from parkerflight.bookings.attempts import wait
from parkerflight.bookings.models import BookingAttempt
from parkerflight.core.errors import Terminal
from parkerflight.core.fault_points import fault_point
from parkerflight.flights.operations import provider
from parkerflight.flights.types import Order, OrderState

HORIZON = timedelta(hours=24)  # after a day without an answer a person decides, with the provider's support
# An unpaid reservation that nobody can find binds no money and lapses by itself.
HOLD_HORIZON = timedelta(hours=2)
SWEEP_EVERY = 4  # each fourth empty look by offer is followed by one through all recent orders
SWEEP_BACK = timedelta(hours=1)  # the provider's clock and ours need not agree
# How many empty looks make a «no» certain: a failure that was announced needs none, and «no booking at the supplier»,
# which is documented for 503, is confirmed by three over a minute.
SAID_NO = {"order_creation_failed": 0, "provider_unavailable": 3}


def ask(attempt: BookingAttempt, now: datetime) -> bool:
    """Ask the provider what became of the request; wait longer each time; after a day a person decides."""
    if attempt.order_id:
        return _ask_payment(attempt, now)
    found = provider().orders_of_offer(attempt.offer_id)
    fault_point("bookings.after_ask")
    if not found and _sweeps(attempt, now):
        found = _by_our_ids(attempt)
    live = [order for order in found if order.state not in orders.OVER]
    if live:
        return _found(attempt, live[0], now)
    if found:
        return orders.refused(attempt, now, Terminal("order_cancelled", "the order was made and cancelled again"))
    if attempt.reason in SAID_NO and attempt.tries >= SAID_NO[attempt.reason]:
        return orders.refused(attempt, now, Terminal(attempt.reason, "the airline did not take the booking"))
    if not attempt.payments_made and now - attempt.created_at > HOLD_HORIZON:
        return orders.refused(attempt, now, Terminal("hold_not_found", "the reservation was never made"))
    return _wait(attempt, now)


def _wait(attempt: BookingAttempt, now: datetime) -> bool:
    delay = min(orders.FIRST_ASK * 2 ** min(attempt.tries, 12), orders.SLOWEST_ASK)
    late = now - attempt.updated_at > HORIZON
    return wait(attempt, now=now, delay=delay, reason=attempt.reason or "order_unknown", human=late)


def _sweeps(attempt: BookingAttempt, now: datetime) -> bool:
    return attempt.tries % SWEEP_EVERY == SWEEP_EVERY - 1 or now - attempt.updated_at > HORIZON


def _by_our_ids(attempt: BookingAttempt) -> tuple[Order, ...]:
    """The orders that carry this attempt's id, whatever offer they name."""
    recent = provider().orders_since(attempt.created_at - SWEEP_BACK)
    found = tuple(order for order in recent if order.metadata.get("attempt_id") == str(attempt.id))
    fault_point("bookings.after_sweep")
    return found


def _found(attempt: BookingAttempt, order: Order, now: datetime) -> bool:
    if order.state is OrderState.HELD:
        return holding.kept(attempt, order, now)
    return orders.bought(attempt, order, now)


def _ask_payment(attempt: BookingAttempt, now: datetime) -> bool:
    """A held order whose payment had no answer: paid, gone, or still open until the hold ends by itself."""
    order = provider().order(attempt.order_id)
    fault_point("bookings.after_ask")
    if order.state in orders.BOUGHT:
        return orders.bought(attempt, order, now)
    if order.state in orders.OVER:
        return orders.refused(attempt, now, Terminal("hold_lapsed", "the airline let the reserved seats go"))
    return _wait(attempt, now)
