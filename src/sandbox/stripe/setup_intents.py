"""SetupIntents: saving a card for later, with 3D Secure where the card asks for it."""

from sandbox.stripe import setup_attempts
from sandbox.stripe.cards import OK, THREE_D_SECURE
from sandbox.stripe.errors import JSON, StripeError, refused
from sandbox.stripe.intents import (
    automatic_methods,
    card_options,
    check_types,
    chosen_method,
    expect_status,
    next_action,
    three_d_secure,
)
from sandbox.stripe.params import fields, listing, merge_metadata
from sandbox.stripe.payment_methods import attach_to, check_owner, decline_fields
from sandbox.stripe.store import Store

MAPS = "metadata payment_method_options payment_method_data"
CREATE = fields(
    "customer description on_behalf_of payment_method payment_method_configuration return_url usage confirmation_token",
    bools="confirm use_stripe_sdk attach_to_self",
    maps=f"{MAPS} automatic_payment_methods mandate_data single_use",
    lists="allowed_payment_method_types excluded_payment_method_types flow_directions",
)
UPDATE = fields(
    "customer description payment_method payment_method_configuration",
    bools="attach_to_self",
    maps=MAPS,
    lists="allowed_payment_method_types excluded_payment_method_types flow_directions",
)
CONFIRM = fields(
    "client_secret confirmation_token payment_method return_url",
    bools="use_stripe_sdk",
    maps="mandate_data payment_method_data payment_method_options",
    lists="allowed_payment_method_types",
)
CANCEL = fields("cancellation_reason")
LIST = listing("customer payment_method", bools="attach_to_self")
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


def create(store: Store, params: JSON) -> JSON:
    check_types(params)
    customer = params.get("customer")
    if customer is not None:
        store.customer(customer)
    method = chosen_method(store, params, customer)
    intent = store.add(_blank(store, params))
    if method is not None:
        intent["payment_method"] = method["id"]
        intent["status"] = "requires_confirmation"
    store.emit("setup_intent.created", intent)
    if params.get("confirm"):
        _attempt(store, intent, params)
    return intent


def _blank(store: Store, params: JSON) -> JSON:
    name = store.ids.new("seti", 24)
    allowed = params.get("allowed_payment_method_types")
    return {
        "id": name,
        "object": "setup_intent",
        "allowed_payment_method_types": allowed,
        "application": None,
        "attach_to_self": False,
        "automatic_payment_methods": automatic_methods(params),
        "cancellation_reason": None,
        "client_secret": f"{name}_secret_{store.ids.letters(25)}",
        "created": store.now(),
        "customer": params.get("customer"),
        "customer_account": None,
        "description": params.get("description"),
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "managed_payments": None,
        "mandate": None,
        "metadata": merge_metadata({}, params.get("metadata")),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": card_options({}, params.get("payment_method_options"), payment=False),
        "payment_method_types": allowed or ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": params.get("usage", "off_session"),
    }


def retrieve(store: Store, intent: str) -> JSON:
    return store.get("setup_intent", intent)


def update(store: Store, params: JSON, intent: str) -> JSON:
    found = store.get("setup_intent", intent)
    expect_status(found, OPEN, "update")
    _take_method(store, found, params)
    if "description" in params:
        found["description"] = params["description"] or None
    found["metadata"] = merge_metadata(found["metadata"], params.get("metadata"))
    return found


def _take_method(store: Store, intent: JSON, params: JSON) -> None:
    if "customer" in params:
        store.customer(params["customer"])
    customer = params.get("customer", intent["customer"])
    method = chosen_method(store, params, customer)
    intent["customer"] = customer
    intent["payment_method_options"] = card_options(
        intent["payment_method_options"], params.get("payment_method_options"), payment=False
    )
    if method is not None:
        intent["payment_method"] = method["id"]
        intent["status"] = "requires_confirmation"


def confirm(store: Store, params: JSON, intent: str) -> JSON:
    found = store.get("setup_intent", intent)
    expect_status(found, OPEN, "confirm")
    _take_method(store, found, params)
    _attempt(store, found, params)
    return found


def cancel(store: Store, params: JSON, intent: str) -> JSON:
    found = store.get("setup_intent", intent)
    expect_status(found, OPEN, "cancel")
    found |= {
        "status": "canceled",
        "cancellation_reason": params.get("cancellation_reason"),
        "next_action": None,
    }
    store.emit("setup_intent.canceled", found)
    return found


def listed(store: Store, params: JSON) -> JSON:
    customer, method = params.get("customer"), params.get("payment_method")
    return store.page(
        "setup_intent",
        params,
        lambda row: customer in (None, row["customer"]) and method in (None, row["payment_method"]),
    )


def _attempt(store: Store, intent: JSON, params: JSON) -> None:
    if intent["payment_method"] is None:
        raise refused("You cannot confirm this SetupIntent because it is missing a payment method.",
                      code="setup_intent_unexpected_state", setup_intent=intent)  # fmt: skip
    method = store.objects[intent["payment_method"]]
    check_owner(method, intent["customer"])
    outcome = store.cards[method["id"]].card.save
    forced = intent["payment_method_options"]["card"]["request_three_d_secure"] in ("any", "challenge")
    if outcome == THREE_D_SECURE or (outcome == OK and forced):
        intent["status"] = "requires_action"
        intent["next_action"] = next_action(intent["id"], intent["client_secret"], params.get("return_url"))
        setup_attempts.record(store, intent, method, "requires_action", None)
        store.emit("setup_intent.requires_action", intent)
        return
    if outcome != OK:
        raise _fail(store, intent, method, decline_fields(outcome))
    setup_attempts.record(store, intent, method, "succeeded", None)
    _succeed(store, intent, method)


def _succeed(store: Store, intent: JSON, method: JSON) -> None:
    if intent["customer"] is not None:
        attach_to(store, method, intent["customer"])
    store.cards[method["id"]].prepared = True
    intent |= {"status": "succeeded", "next_action": None, "last_setup_error": None}
    store.emit("setup_intent.succeeded", intent)


def _fail(store: Store, intent: JSON, method: JSON, error: JSON) -> StripeError:
    """Record a failed attempt and return the 402 that tells of it."""
    intent |= {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    intent["last_setup_error"] = {"type": "card_error", **error, "payment_method": method}
    setup_attempts.record(store, intent, method, "failed", intent["last_setup_error"])
    store.emit("setup_intent.setup_failed", intent)
    return StripeError(402, kind="card_error", **error, setup_intent=intent, payment_method=method)


def authenticate(store: Store, intent: str, *, success: bool) -> JSON:
    """Finish 3D Secure in the customer's place. A failed one ends in `requires_payment_method`."""
    found = store.get("setup_intent", intent)
    expect_status(found, ("requires_action",), "authenticate")
    method = store.objects[found["payment_method"]]
    result = three_d_secure("authenticated" if success else "failed")
    store.objects[found["latest_attempt"]]["payment_method_details"]["card"]["three_d_secure"] = result
    if success:
        store.objects[found["latest_attempt"]]["status"] = "succeeded"
        _succeed(store, found, method)
    else:
        _fail(
            store,
            found,
            method,
            {
                "code": "setup_intent_authentication_failure",
                "message": "The customer could not be authenticated with this payment method.",
            },
        )
    return found
