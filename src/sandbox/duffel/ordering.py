"""Creating orders: refusals in the order an airline meets them, then one synchronous commit."""

from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from sandbox.duffel import errors, magic, offers
from sandbox.duffel.airlines import DUFFEL_AIRWAYS, airline_json, airlines
from sandbox.duffel.clockwork import stamp
from sandbox.duffel.draws import draw, pick
from sandbox.duffel.money import parsed, rounded
from sandbox.duffel.order_checks import check_metadata, check_passengers, chosen_services
from sandbox.duffel.rendering import GUARANTEE_HOURS, HOLD_HOURS, REAL_HOLD_HOURS, holdable
from sandbox.duffel.world import Offer, Order, World

_REFERENCE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # what reservation systems use: no O, I, 0 or 1


@dataclass(frozen=True, slots=True)
class Wish:
    """A validated order: everything is known to be in order except the airline's own answer."""

    offer: Offer
    type: str
    passengers: list[dict[str, Any]]
    services: list[dict[str, Any]]
    total: Decimal
    metadata: dict[str, str] | None
    users: list[str]


def create(world: World, data: dict[str, Any]) -> tuple[int, Order]:
    """Book or hold an offer. Returns the HTTP status (201, 200 or 202) and the order; raises DuffelError otherwise."""
    wish = _validated(world, data)
    _airline_refuses(world, wish)
    order = _commit(world, wish)
    return world.mode.mode, order


def _validated(world: World, data: dict[str, Any]) -> Wish:
    offer, kind = _selected(world, data), data.get("type", "instant")
    if kind not in {"instant", "hold"}:
        raise errors.invalid("validation_inclusion", "/type", "must be instant or hold")
    passengers = check_passengers(world, offer, data.get("passengers"))
    metadata = check_metadata(data.get("metadata"))
    if kind == "hold":
        _check_hold(offer, data)
        return Wish(offer, kind, passengers, [], offer.total, metadata, data.get("users") or [])
    services, extras = chosen_services(offer, data.get("services"))
    total = offer.total + extras
    check_payment(data.get("payments"), total, offer.request.currency)
    return Wish(offer, kind, passengers, services, total, metadata, data.get("users") or [])


def _selected(world: World, data: dict[str, Any]) -> Offer:
    chosen = data.get("selected_offers")
    if not isinstance(chosen, list) or not chosen:
        raise errors.DuffelError(HTTPStatus.UNPROCESSABLE_ENTITY, errors.required("/selected_offers"))
    if len(chosen) != 1:
        raise errors.invalid("validation_length", "/selected_offers", "should have exactly 1 offer")
    offer = world.offers.get(str(chosen[0]))
    if offer is None:
        raise errors.linked_not_found("/selected_offers/0")
    if offer.attempted and not offer.request.booked_by:
        raise errors.state_error("order_creation_already_attempted", "An order for this offer was already attempted.")
    if offer.request.booked_by:
        raise errors.state_error("offer_request_already_booked", "An offer from this offer request was already booked.")
    if world.now() >= offer.expires_at:
        raise errors.state_error("offer_expired", "The offer has expired. Please create a new offer request.")
    if magic.applies(offer.request.magic, magic.OFFER_GONE, offer.owner):
        raise offers.gone()
    return offer


def _check_hold(offer: Offer, data: dict[str, Any]) -> None:
    if not holdable(offer):
        raise errors.state_error("invalid_order_create_type", "The specified `type` was incorrect.")
    if data.get("services"):
        message = "Paid extras cannot be added to a held order."
        raise errors.state_error("pay_later_order_no_payment_for_ancillaries", message)
    if data.get("payments"):
        raise errors.invalid("validation_format", "/payments", "must be left out of a hold order")


def check_payment(raw: Any, total: Decimal, currency: str) -> None:
    """Refuse anything but one balance payment of exactly the total."""
    if not isinstance(raw, list) or not raw:
        raise errors.DuffelError(HTTPStatus.UNPROCESSABLE_ENTITY, errors.required("/payments"))
    if len(raw) != 1:
        raise errors.invalid("validation_length", "/payments", "should have exactly 1 payment")
    payment = raw[0] if isinstance(raw[0], dict) else {}
    if payment.get("type") != "balance":
        raise errors.invalid("validation_inclusion", "/payments/0/type", "must be balance in this sandbox")
    if payment.get("currency") != currency:
        message = f"The currency of the payment must be {currency}."
        raise errors.state_error("payment_currency_does_not_match_order_currency", message)
    if parsed(payment.get("amount")) != total:
        message = "The amount of the payment does not match the order's amount."
        raise errors.state_error("payment_amount_does_not_match_order_amount", message)


def _airline_refuses(world: World, wish: Wish) -> None:
    offer = wish.offer
    route, name = offer.request.magic, airline_json(offer.owner)["name"]
    if magic.applies(route, magic.ORDER_FAILS, offer.owner):
        message = "The airline responded with an unexpected error. Please contact us."
        raise errors.airline_error(HTTPStatus.BAD_GATEWAY, "airline_unknown", message, name)
    if magic.applies(route, magic.PRICE_RISES, offer.owner) and offer.reads == 0:
        offers.reprice(world, offer)
        message = "The amount of the payment does not match the order's amount."
        raise errors.state_error("payment_amount_does_not_match_order_amount", message)
    check_balance(world, wish.total if wish.type == "instant" else Decimal(0))
    if wish.type == "instant":
        check_magic_balance(offer)
    if offer.owner != DUFFEL_AIRWAYS and _flown_keys(wish) & world.flown:
        message = "The airline already has a booking with these passengers on these flights."
        raise errors.airline_error(HTTPStatus.UNPROCESSABLE_ENTITY, "duplicate_booking", message, name)
    _price_may_move(world, offer, name)


def insufficient_balance() -> errors.DuffelError:
    return errors.state_error("insufficient_balance", "Your balance is too low for this order. Please top it up.")


def check_balance(world: World, amount: Decimal) -> None:
    """Refuse to spend more than the wallet holds; without a set balance it is bottomless."""
    if world.balance is not None and amount > world.balance:
        raise insufficient_balance()


def check_magic_balance(offer: Offer) -> None:
    """Refuse every payment on the route that shows an empty wallet; holding there is free."""
    if magic.applies(offer.request.magic, magic.NO_BALANCE, offer.owner):
        raise insufficient_balance()


def _price_may_move(world: World, offer: Offer, name: str) -> None:
    """Raise price_changed for a fixed few of journeys in an hour: the airline's price at booking differs from its quote."""
    hour = int(world.now() // 3_600)
    if offer.repriced or draw("moved", world.seed, offer.key, hour) >= world.price_change_rate:
        return
    offer.repriced = True
    rise = Decimal(pick(400, "rise", world.seed, offer.key, hour) + 100) / Decimal(10_000)
    offer.total = rounded(max(offers.price_now(world, offer), offer.total) * (1 + rise), offer.request.currency)
    message = "The airline has changed the price of this offer. Please retrieve the offer again."
    raise errors.airline_error(HTTPStatus.UNPROCESSABLE_ENTITY, "price_changed", message, name)


def _flown_keys(wish: Wish) -> set[str]:
    flights = "|".join(itinerary.key for itinerary in wish.offer.itineraries)
    people = sorted(f"{p['given_name']} {p['family_name']} {p['born_on']}".lower() for p in wish.passengers)
    return {f"{person} {flights}" for person in people}


def _commit(world: World, wish: Wish) -> Order:
    """Record the order and everything that follows from it. Nothing in here waits, so no half of it can be seen."""
    offer, now, mode = wish.offer, world.now(), world.mode
    order = Order(
        id=world.ids.new("ord", 22),
        offer=offer,
        type=wish.type,
        created_at=now,
        booking_reference="".join(
            _REFERENCE_LETTERS[pick(32, "pnr", world.seed, len(world.orders), i)] for i in range(6)
        ),
        passengers=wish.passengers,
        total=wish.total,
        currency=offer.request.currency,
        slices=offer.slices,
        services=[service | {"id": world.ids.new("ser", 22)} for service in wish.services],
        metadata=wish.metadata,
        users=wish.users,
        synced_at=now,
    )
    offer.attempted = True
    world.orders[order.id] = order
    world.orders_of_offer[offer.id] = order
    if wish.type == "hold":
        _hold(order, offer)
    if mode.mode != HTTPStatus.CREATED:
        order.readable, order.settles_at, order.fails = False, now + mode.settle_seconds, mode.fail
        order.booked = mode.mode == HTTPStatus.OK
        world.unsettled.add(order.id)
    if order.booked:
        _book(world, order)
    if order.readable:
        announce(world, order)
    return order


def _hold(order: Order, offer: Offer) -> None:
    ours = offer.owner == DUFFEL_AIRWAYS
    order.payment_required_by = offer.created_at + 3_600 * (HOLD_HOURS if ours else REAL_HOLD_HOURS)
    order.price_guaranteed_until = offer.created_at + 3_600 * GUARANTEE_HOURS if ours else None
    if offer.owner == "AA":
        order.price_guaranteed_until = order.payment_required_by


def _book(world: World, order: Order) -> None:
    order.booked = True
    order.offer.request.booked_by = order.id
    world.flown |= flown_keys_of(order)
    if order.type == "instant":
        world.debit(order.total, order.currency)
        issue(world, order)


def flown_keys_of(order: Order) -> set[str]:
    """Return what the airline recognises a duplicate booking by: each passenger on these flights."""
    return _flown_keys(Wish(order.offer, order.type, order.passengers, [], order.total, None, []))


def issue(world: World, order: Order) -> None:
    """Mark the order paid and issue a ticket for each passenger, late for airlines set up to be late."""
    order.paid_at = world.now()
    order.documents_at = order.paid_at + world.late_documents.get(order.offer.owner, 0.0)
    prefix = airlines()[order.offer.owner].prefix
    first = pick(9_000_000_000, "ticket", world.seed, order.id) + 1_000_000_000
    count = len(order.passengers)
    order.tickets = (
        ["1"] * count if order.offer.owner == DUFFEL_AIRWAYS else [f"{prefix}{first + i}" for i in range(count)]
    )


def announce(world: World, order: Order) -> None:
    world.emit("order.created", order.id, {"id": order.id, "offer_id": order.offer.id})


def settle(world: World) -> None:
    """Finish the orders whose outcome was pending: they become readable, or fail, and the webhook says which."""
    due = [world.orders[i] for i in sorted(world.unsettled)]
    for order in due:
        if order.settles_at is not None and order.settles_at <= world.now():
            world.unsettled.discard(order.id)
            if not order.booked and order.fails:
                _fail(world, order)
                continue
            if not order.booked:
                _book(world, order)
            order.readable = True
            announce(world, order)


def _fail(world: World, order: Order) -> None:
    del world.orders[order.id]
    del world.orders_of_offer[order.offer.id]
    attempted = {"offer_id": order.offer.id, "order_creation_attempted_at": stamp(order.created_at)}
    world.emit("order.creation_failed", order.offer.id, attempted)
