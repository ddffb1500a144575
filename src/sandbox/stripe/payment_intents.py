"""PaymentIntents as objects: creating, reading, updating. Confirming and capturing live beside it in `payments`."""

from typing import Any

from sandbox.stripe import money, payments
from sandbox.stripe.errors import JSON, invalid, refused
from sandbox.stripe.intents import automatic_methods, card_options, check_types, chosen_method, expect_status
from sandbox.stripe.params import fields, listing, merge_metadata
from sandbox.stripe.store import Store

STRINGS = """currency customer description payment_method payment_method_configuration receipt_email
    setup_future_usage capture_method statement_descriptor statement_descriptor_suffix transfer_group"""
MAPS = "metadata payment_method_options payment_method_data shipping payment_details hooks amount_details"
LISTS = "allowed_payment_method_types excluded_payment_method_types"
CREATE = fields(
    f"{STRINGS} confirmation_method confirmation_token mandate on_behalf_of return_url",
    required="amount currency",
    ints="amount",
    bools="confirm error_on_requires_action use_stripe_sdk",
    maps=f"{MAPS} automatic_payment_methods mandate_data radar_options",
    lists=LISTS,
    anys="off_session",
)
UPDATE = fields(STRINGS, ints="amount", maps=MAPS, lists=LISTS)
CONFIRM = fields(
    """capture_method client_secret confirmation_token mandate payment_method receipt_email return_url
    setup_future_usage""",
    bools="error_on_requires_action use_stripe_sdk",
    ints="amount_to_confirm",
    maps=f"{MAPS.removeprefix('metadata ')} mandate_data radar_options",
    lists=LISTS,
    anys="off_session",
)
CAPTURE = fields(
    "statement_descriptor statement_descriptor_suffix",
    ints="amount_to_capture",
    bools="final_capture",
    maps="metadata payment_details amount_details hooks",
)
CANCEL = fields("cancellation_reason")
LIST = listing("customer")
CAPTURE_METHODS = ("automatic", "automatic_async", "manual")
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
# what may no longer change once a bank has promised money
FROZEN_AFTER_HOLD = ("amount", "currency", "customer", "payment_method", "capture_method", "payment_method_data")


def create(store: Store, params: JSON) -> JSON:
    params["currency"] = params["currency"].lower()
    _check(params)
    money.check(params["amount"], params["currency"])
    if "off_session" in params and not params.get("confirm"):
        raise invalid("You can only set off_session when confirm is true.", param="off_session")
    customer = params.get("customer")
    if customer is not None:
        store.customer(customer)
    method = chosen_method(store, params, customer)
    if method is not None:
        payments.check_usable(store, method, None)
    intent = store.add(_blank(store, params))
    if method is not None:
        intent["payment_method"] = method["id"]
        intent["status"] = "requires_confirmation"
    store.emit("payment_intent.created", intent)
    if params.get("confirm"):
        payments.attempt(store, intent, params)
    return intent


def _check(params: JSON) -> None:
    check_types(params)
    if params.get("off_session", "false") not in ("true", "false", "one_off", "recurring"):
        raise invalid("Invalid off_session.", param="off_session")
    if params.get("capture_method", "automatic") not in CAPTURE_METHODS:
        raise invalid("Invalid capture_method.", param="capture_method")
    if "statement_descriptor" in params:
        raise invalid(
            "statement_descriptor is not supported for card charges; use statement_descriptor_suffix.",
            param="statement_descriptor",
        )


def _blank(store: Store, params: JSON) -> JSON:
    name = store.ids.new("pi", 24)
    allowed = params.get("allowed_payment_method_types")
    empty: JSON = dict.fromkeys(_ALWAYS_NULL)
    return {
        **empty,
        "id": name,
        "object": "payment_intent",
        "allowed_payment_method_types": allowed,
        "amount": params["amount"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "automatic_payment_methods": automatic_methods(params),
        "capture_method": params.get("capture_method", "automatic_async"),
        "client_secret": f"{name}_secret_{store.ids.letters(25)}",
        "confirmation_method": params.get("confirmation_method", "automatic"),
        "created": store.now(),
        "currency": params["currency"],
        "customer": params.get("customer"),
        "description": params.get("description"),
        "livemode": False,
        "metadata": merge_metadata({}, params.get("metadata")),
        "payment_method_options": card_options({}, params.get("payment_method_options"), payment=True),
        "payment_method_types": allowed or ["card"],
        "receipt_email": params.get("receipt_email"),
        "setup_future_usage": params.get("setup_future_usage"),
        "shipping": params.get("shipping"),
        "statement_descriptor_suffix": params.get("statement_descriptor_suffix"),
        "status": "requires_payment_method",
    }


_ALWAYS_NULL = (
    *("application", "application_fee_amount", "canceled_at", "cancellation_reason", "customer_account"),
    *("excluded_payment_method_types", "last_payment_error", "latest_charge", "managed_payments", "next_action"),
    *("on_behalf_of", "payment_method", "payment_method_configuration_details", "processing", "review"),
    *("payment_record", "statement_descriptor", "transfer_data", "transfer_group"),
)


def retrieve(store: Store, intent: str) -> JSON:
    return store.get("payment_intent", intent)


def update(store: Store, params: JSON, intent: str) -> JSON:
    found = store.get("payment_intent", intent)
    _check(params)
    if any(name in params for name in FROZEN_AFTER_HOLD):
        expect_status(found, OPEN, "update")
    wanted = {**found, **params}
    amount, currency = wanted["amount"], wanted["currency"].lower()
    money.check(amount, currency)
    take_choices(store, found, params)
    found |= {"amount": amount, "currency": currency}
    found["metadata"] = merge_metadata(found["metadata"], params.get("metadata"))
    return found


def take_choices(store: Store, intent: JSON, params: JSON) -> None:
    """Put customer, card and texts from an update or a confirmation on the intent."""
    if params.get("customer"):
        store.customer(params["customer"])
    customer = params.get("customer") or intent["customer"]
    method = chosen_method(store, params, customer)
    if method is not None:
        payments.check_usable(store, method, intent["id"])
        intent |= {"payment_method": method["id"], "status": "requires_confirmation", "next_action": None}
    intent["customer"] = customer
    for name in _TEXTS:
        if name in params:
            intent[name] = _unset(params[name])
    intent["payment_method_options"] = card_options(
        intent["payment_method_options"], params.get("payment_method_options"), payment=True
    )


_TEXTS = ("description", "receipt_email", "setup_future_usage", "shipping", "capture_method",
          "statement_descriptor_suffix", "transfer_group")  # fmt: skip


def _unset(value: Any) -> Any:
    return None if value in ("", {}) else value


def confirm(store: Store, params: JSON, intent: str) -> JSON:
    found = store.get("payment_intent", intent)
    _check(params)
    expect_status(found, OPEN, "confirm")
    take_choices(store, found, params)
    payments.attempt(store, found, params)
    return found


def capture(store: Store, params: JSON, intent: str) -> JSON:
    found = store.get("payment_intent", intent)
    payments.check_capturable(store, found)
    amount: int = {"amount_to_capture": found["amount_capturable"], **params}["amount_to_capture"]
    if params.get("final_capture") is False:
        raise refused("This card does not support capturing several times.", param="final_capture")
    if not 1 <= amount <= found["amount_capturable"]:
        raise refused(
            f"The amount you want to capture ({amount}) is not within what is capturable"
            f" ({found['amount_capturable']}).",
            param="amount_to_capture",
            code="amount_too_large" if amount > 0 else "parameter_invalid_integer",
        )
    found["metadata"] = merge_metadata(found["metadata"], params.get("metadata"))
    payments.capture(store, found, amount)
    return found


def cancel(store: Store, params: JSON, intent: str) -> JSON:
    found = store.get("payment_intent", intent)
    reason = params.get("cancellation_reason")
    if reason not in (None, "abandoned", "duplicate", "fraudulent", "requested_by_customer"):
        raise invalid("Invalid cancellation_reason.", param="cancellation_reason")
    expect_status(found, (*OPEN, "requires_capture"), "cancel")
    payments.cancel(store, found, reason)
    return found


def listed(store: Store, params: JSON) -> JSON:
    customer = params.get("customer")
    return store.page("payment_intent", params, lambda row: customer in (None, row["customer"]))
