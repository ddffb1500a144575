"""Paying a held order: its price, the refusals in the order Duffel meets them, and the tickets."""

from http import HTTPStatus
from typing import Any

from sandbox.duffel import errors, offers, ordering
from sandbox.duffel.airlines import DUFFEL_AIRWAYS
from sandbox.duffel.clockwork import stamp
from sandbox.duffel.money import parsed, rounded
from sandbox.duffel.world import Order, World


def current_price(world: World, order: Order) -> None:
    """Bring a held order's total to the present fare once its price guarantee has run out (or never existed)."""
    now = world.now()
    guaranteed = order.price_guaranteed_until is not None and now < order.price_guaranteed_until
    if order.awaiting_payment(now) and not guaranteed:
        fare = offers.price_now(world, order.offer) * order.price_factor
        order.total, order.price_guaranteed_until = rounded(fare, order.currency), None


def pay(world: World, data: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Pay a held order from the balance and issue its tickets. Returns status and body; raises the documented refusals."""
    order = world.orders.get(str(data.get("order_id", "")))
    if order is None or not order.readable:
        raise errors.linked_not_found("/order_id")
    payment = data.get("payment") if isinstance(data.get("payment"), dict) else {}
    assert payment is not None
    _refuse_payment(world, order)
    quoted = order.total
    if order.offer.owner != DUFFEL_AIRWAYS or (order.price_guaranteed_until or 0) <= world.now():
        current_price(world, order)
    if payment.get("type") != "balance":
        raise errors.invalid("validation_inclusion", "/payment/type", "must be balance in this sandbox")
    if payment.get("currency") != order.currency:
        message = f"The currency of the payment must be {order.currency}."
        raise errors.state_error("payment_currency_does_not_match_order_currency", message)
    amount = parsed(payment.get("amount"))
    if amount != order.total and amount == quoted:
        raise errors.invalid(
            "price_changed", "/payment/amount", "The price of the order has changed. Please read it again."
        )
    if amount != order.total:
        message = "The amount of the payment does not match the order's amount."
        raise errors.state_error("payment_amount_does_not_match_order_amount", message)
    ordering.check_balance(world, order.total)
    ordering.check_magic_balance(order.offer)
    mode = world.payments_mode
    if mode.mode == HTTPStatus.ACCEPTED:
        order.payment_settles_at, order.payment_fails = world.now() + mode.settle_seconds, mode.fail
        world.unsettled_payments.add(order.id)
        return mode.mode, {"order_id": order.id}
    payment = _settle_payment(world, order)
    # what a 200 holds is not documented; the order's id is all a client can rely on
    return mode.mode, payment if mode.mode == HTTPStatus.CREATED else {"order_id": order.id}


def settle_payments(world: World) -> None:
    """Take the payments that were pending, or let them fail: then the order waits for payment again."""
    for order in [world.orders[i] for i in sorted(world.unsettled_payments)]:
        if order.payment_settles_at is not None and order.payment_settles_at <= world.now():
            world.unsettled_payments.discard(order.id)
            order.payment_settles_at = None
            if not order.payment_fails and order.cancelled_at is None:
                _settle_payment(world, order)


def _refuse_payment(world: World, order: Order) -> None:
    now = world.now()
    refusals = (
        (order.type != "hold", "order_type_not_eligible_for_payment", "The order is not a hold order."),
        (order.cancelled_at is not None, "already_cancelled", "The order has been cancelled."),
        # a payment under way counts as made: a second one must never be taken
        (
            order.paid_at is not None or order.payment_settles_at is not None,
            "already_paid",
            "The order has already been paid for.",
        ),
        (order.lapsed(now), "past_payment_required_by_date", "The time to pay for this order has passed."),
        (order.schedule_changed, "schedule_changed", "The airline changed the schedule. Please create a new order."),
    )
    for applies, code, message in refusals:
        if applies:
            raise errors.state_error(code, message)


def _settle_payment(world: World, order: Order) -> dict[str, Any]:
    world.debit(order.total, order.currency)
    ordering.issue(world, order)
    order.cancellation = None  # what was quoted for the unpaid order is stale: it would refund nothing
    payment: dict[str, Any] = {
        "id": world.ids.new("pay", 22),
        "live_mode": False,
        "created_at": stamp(world.now()),
        "type": "balance",
        "status": "succeeded",
        "amount": str(order.total),
        "currency": order.currency,
        "order_id": order.id,
        "airline_credit_id": None,
        "failure_reason": None,
    }
    world.payments[payment["id"]] = payment
    world.emit("payment.created", payment["id"], {"id": payment["id"], "order_id": order.id})
    return payment
