"""Customers."""

from sandbox.stripe.errors import JSON, missing
from sandbox.stripe.params import fields, listing, merge_metadata
from sandbox.stripe.payment_methods import attach_to, detach_quietly, resolve
from sandbox.stripe.store import Store

PLAIN = "email name phone description tax_exempt"
MAPS = "address shipping metadata invoice_settings tax cash_balance"
OTHERS = "business_name individual_name invoice_prefix source"
CREATE = fields(
    f"{PLAIN} {OTHERS} payment_method test_clock", maps=MAPS, ints="balance next_invoice_sequence",
    lists="preferred_locales tax_id_data",
)  # fmt: skip
UPDATE = fields(
    f"{PLAIN} {OTHERS} default_source", maps=MAPS, ints="balance next_invoice_sequence", lists="preferred_locales"
)
LIST = listing("email test_clock")


def create(store: Store, params: JSON) -> JSON:
    customer = {
        "id": store.ids.new("cus", 14),
        "object": "customer",
        "address": params.get("address"),
        "balance": params.get("balance", 0),
        "created": store.now(),
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": params.get("description"),
        "discount": None,
        "email": params.get("email"),
        "invoice_prefix": store.ids.letters(8).upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": merge_metadata({}, params.get("metadata")),
        "name": params.get("name"),
        "next_invoice_sequence": 1,
        "phone": params.get("phone"),
        "preferred_locales": params.get("preferred_locales", []),
        "shipping": params.get("shipping"),
        "tax_exempt": params.get("tax_exempt", "none"),
        "test_clock": None,
    }
    # the card first: when it is refused, no customer may be left behind
    method = resolve(store, params["payment_method"]) if "payment_method" in params else None
    if method is not None:
        attach_to(store, method, customer["id"])
    store.add(customer)
    store.emit("customer.created", customer)
    return customer


def retrieve(store: Store, customer: str) -> JSON:
    return store.get("customer", customer)


def update(store: Store, params: JSON, customer: str) -> JSON:
    found = alive(store, customer)
    settings = params.get("invoice_settings", {})
    if default := settings.get("default_payment_method"):
        store.get("payment_method", default, param="invoice_settings[default_payment_method]", status=400)
    before = {name: found[name] for name in params if name in found}
    for name in (*PLAIN.split(), "address", "shipping", "balance", "preferred_locales"):
        if name in params:
            found[name] = None if params[name] in ("", {}) else params[name]
    found["invoice_settings"] = {**found["invoice_settings"], **settings}
    found["metadata"] = merge_metadata(found["metadata"], params.get("metadata"))
    store.emit("customer.updated", found, before)
    return found


def delete(store: Store, customer: str) -> JSON:
    """Replace the customer by its tombstone; its cards can never be charged again, its payments stay."""
    found = alive(store, customer)
    for method in store.all("payment_method"):
        if method["customer"] == customer:
            detach_quietly(store, method)
    store.emit("customer.deleted", found)
    return store.add({"id": customer, "object": "customer", "deleted": True})


def listed(store: Store, params: JSON) -> JSON:
    email = params.get("email")
    return store.page(
        "customer", params, lambda row: not row.get("deleted") and (email is None or row["email"] == email)
    )


def alive(store: Store, customer: str) -> JSON:
    found = store.get("customer", customer)
    if found.get("deleted"):
        raise missing("customer", customer)
    return found
