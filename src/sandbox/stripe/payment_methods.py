"""PaymentMethods: attached, detached, never revived."""

from sandbox.stripe.card_making import bill, default_expiry, from_data, new
from sandbox.stripe.cards import DECLINES, OK, THREE_D_SECURE, named
from sandbox.stripe.errors import JSON, StripeError, invalid, missing, refused
from sandbox.stripe.params import fields, listing, merge_metadata
from sandbox.stripe.store import Store

CREATE = fields("type allow_redisplay customer payment_method", maps="card billing_details metadata radar_options")
UPDATE = fields("allow_redisplay", maps="card billing_details metadata")
ATTACH = fields("customer", required="customer")
NOTHING = fields()
LIST = listing("customer type allow_redisplay", dated=False)
LIST_OF = listing("type allow_redisplay", dated=False)


def create(store: Store, params: JSON) -> JSON:
    if params.get("type") != "card":
        raise invalid("The sandbox only has payment methods of type card.", param="type")
    return from_data(store, params)


def resolve(store: Store, reference: str) -> JSON:
    """Return the PaymentMethod a parameter names; a `pm_card_*` name makes a new one."""
    card = named(reference)
    if card is not None and reference.startswith("pm_"):
        return new(store, card, *default_expiry(store))
    method = store.get("payment_method", reference, param="payment_method", status=400)
    if store.cards[reference].spent:
        raise refused(
            "This PaymentMethod was detached from a Customer and may not be used again.", param="payment_method"
        )
    return method


def check_owner(method: JSON, customer: str | None) -> None:
    """Raise a 400 when the card belongs to another customer than the one named."""
    if method["customer"] is not None and method["customer"] != customer:
        who = "does not belong to the Customer you supplied" if customer else "belongs to a Customer you did not supply"
        raise refused(f"The PaymentMethod {method['id']} {who}.", param="payment_method")


def attach_to(store: Store, method: JSON, customer: str) -> None:
    """Attach, after asking the bank once as Stripe does. Raises a 402 when that card refuses to be saved."""
    state = store.cards[method["id"]]
    outcome = state.card.save
    if outcome not in (OK, THREE_D_SECURE):
        raise StripeError(402, kind="card_error", **decline_fields(outcome), payment_method=method)
    if state.used_by:
        raise refused(
            "This PaymentMethod was previously used without being attached to a Customer. It may not be used again.",
            param="payment_method",
        )
    if method["customer"] == customer:
        return
    check_owner(method, customer)
    method["customer"] = customer
    store.emit("payment_method.attached", method)


def decline_fields(outcome: str) -> JSON:
    """Return the error fields of a bank's refusal."""
    decline = DECLINES[outcome]
    found = {
        "code": decline.code,
        "decline_code": decline.decline_code or None,
        "advice_code": decline.advice,
        "network_decline_code": decline.network_code or None,
        "network_advice_code": "03" if decline.advice == "do_not_try_again" else None,
        "message": decline.message,
    }
    return {name: value for name, value in found.items() if value is not None}


def retrieve(store: Store, payment_method: str) -> JSON:
    return store.get("payment_method", payment_method)


def update(store: Store, params: JSON, payment_method: str) -> JSON:
    method = store.get("payment_method", payment_method)
    before = {name: method[name] for name in params if name in method}
    if "allow_redisplay" in params:
        method["allow_redisplay"] = params["allow_redisplay"]
    bill(method, params.get("billing_details"))
    for name in ("exp_month", "exp_year"):
        if name in params.get("card", {}):
            method["card"][name] = int(params["card"][name])
    method["metadata"] = merge_metadata(method["metadata"], params.get("metadata"))
    store.emit("payment_method.updated", method, before)
    return method


def attach(store: Store, params: JSON, payment_method: str) -> JSON:
    store.customer(params["customer"])
    if not payment_method.startswith("pm_card_"):
        store.get("payment_method", payment_method)
    method = resolve(store, payment_method)
    attach_to(store, method, params["customer"])
    return method


def detach(store: Store, payment_method: str) -> JSON:
    method = store.get("payment_method", payment_method)
    if method["customer"] is None:
        raise refused("The payment method you provided is not attached to a customer.", param="payment_method")
    owner = method["customer"]
    detach_quietly(store, method)
    store.emit("payment_method.detached", method, {"customer": owner})
    return method


def detach_quietly(store: Store, method: JSON) -> None:
    """Detach for good, without an event."""
    method["customer"] = None
    store.cards[method["id"]].spent = True


def listed(store: Store, params: JSON) -> JSON:
    customer, kind = params.get("customer"), params.get("type", "card")
    if customer is None:
        return store.page("payment_method", params, lambda _: False, "/v1/payment_methods")
    store.customer(customer)
    shown = params.get("allow_redisplay")
    return store.page(
        "payment_method",
        params,
        lambda row: (
            row["customer"] == customer and row["type"] == kind and (shown is None or row["allow_redisplay"] == shown)
        ),
    )


def listed_of(store: Store, params: JSON, customer: str) -> JSON:
    store.get("customer", customer)
    return {**listed(store, {**params, "customer": customer}), "url": f"/v1/customers/{customer}/payment_methods"}


def retrieve_of(store: Store, customer: str, payment_method: str) -> JSON:
    method = store.get("payment_method", payment_method)
    if method["customer"] != customer:
        raise missing("payment_method", payment_method)
    return method
