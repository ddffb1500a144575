"""Refunds: whole or in parts, never more than was taken; some fail or finish later."""

from functools import partial

from sandbox.stripe import balance
from sandbox.stripe.errors import JSON, invalid, missing, refused
from sandbox.stripe.params import fields, listing, merge_metadata
from sandbox.stripe.store import Store

CREATE = fields(
    "charge payment_intent reason instructions_email customer origin currency",
    ints="amount",
    bools="refund_application_fee reverse_transfer",
    maps="metadata",
)
UPDATE = fields(maps="metadata")
LIST = listing("charge payment_intent")
REASONS = ("duplicate", "fraudulent", "requested_by_customer")
# when a refund that fails later fails, and when a pending one is through; virtual seconds
SETTLE_SECONDS = 60


def create(store: Store, params: JSON) -> JSON:
    charge = _charge_of(store, params)
    if params.get("reason") not in (None, *REASONS):
        raise invalid("Invalid reason.", param="reason")
    amount = _check_amount(charge, params.get("amount"))
    behaviour = store.cards[charge["payment_method"]].card.refund
    refund = store.add(_blank(store, charge, amount, params.get("reason")))
    refund["metadata"] = merge_metadata({}, params.get("metadata"))
    refund["status"] = "pending" if behaviour == "async" else "succeeded"
    refund["balance_transaction"] = balance.book_refund(store, refund)
    _count(charge, amount)
    store.emit("refund.created", refund)
    store.emit("charge.refunded", charge, {"amount_refunded": charge["amount_refunded"] - amount})
    if behaviour == "async":
        store.later(SETTLE_SECONDS, partial(_succeed, store, refund))
    if behaviour == "fail":
        store.later(SETTLE_SECONDS, partial(_fail, store, refund, charge))
    return refund


def _charge_of(store: Store, params: JSON) -> JSON:
    if ("charge" in params) == ("payment_intent" in params):
        raise invalid("Name one of charge and payment_intent.", param="charge", code="parameter_missing")
    if "charge" in params:
        return store.get("charge", params["charge"], param="charge", status=400)
    intent = store.get("payment_intent", params["payment_intent"], param="payment_intent", status=400)
    if intent["latest_charge"] is None:
        raise missing("charge", "", "payment_intent", status=400)
    return store.objects[intent["latest_charge"]]


def _check_amount(charge: JSON, wish: int | None) -> int:
    name = charge["id"]
    if charge["disputed"]:
        raise refused(f"Charge {name} has been charged back.", code="charge_disputed", charge=name)
    if charge["refunded"]:
        raise refused(f"Charge {name} has already been refunded.", code="charge_already_refunded", charge=name)
    if charge["status"] != "succeeded" or not charge["captured"]:
        raise refused(f"Charge {name} was not captured.", code="charge_not_refundable", charge=name)
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = left if wish is None else wish
    if amount < 1:
        raise invalid("Refunds are of at least 1.", param="amount", code="parameter_invalid_integer")
    if amount > left:
        raise refused(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).", param="amount")
    return amount


def _blank(store: Store, charge: JSON, amount: int, reason: str | None) -> JSON:
    return {
        "id": store.ids.new("re", 24),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": store.now(),
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": {
            "card": {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"},
            "type": "card",
        },
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


def release(store: Store, charge: JSON, reason: str | None) -> None:
    """Write down that a hold went back to the cardholder; no money of ours moves."""
    refund = store.add(_blank(store, charge, charge["amount"], reason))
    refund["destination_details"]["card"] = {"type": "reversal"}
    charge |= {"amount_refunded": charge["amount"], "refunded": True}
    store.emit("refund.created", refund)


def _count(charge: JSON, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] >= charge["amount_captured"]


def _succeed(store: Store, refund: JSON) -> None:
    refund["status"] = "succeeded"
    _tell(store, refund, "refund.updated", "charge.refund.updated")


def _fail(store: Store, refund: JSON, charge: JSON) -> None:
    if refund["status"] == "failed":
        return
    refund |= {"status": "failed", "failure_reason": refund.get("failure_reason") or "expired_or_canceled_card"}
    refund["failure_balance_transaction"] = balance.book_failed_refund(store, refund)
    _count(charge, -refund["amount"])
    _tell(store, refund, "refund.updated", "refund.failed", "charge.refund.updated")


def fail(store: Store, refund: JSON, reason: str) -> JSON:
    """Let a refund of captured money fail now, as banks do weeks later."""
    if refund["status"] not in ("pending", "succeeded") or refund["balance_transaction"] is None:
        raise refused("This refund cannot fail any more.")
    refund["failure_reason"] = reason
    _fail(store, refund, store.objects[refund["charge"]])
    return refund


def _tell(store: Store, refund: JSON, *kinds: str) -> None:
    for kind in kinds:
        store.emit(kind, refund)


def retrieve(store: Store, refund: str) -> JSON:
    return store.get("refund", refund)


def update(store: Store, params: JSON, refund: str) -> JSON:
    found = store.get("refund", refund)
    before = {"metadata": found["metadata"]}
    found["metadata"] = merge_metadata(found["metadata"], params.get("metadata"))
    store.emit("refund.updated", found, before)
    return found


def listed(store: Store, params: JSON) -> JSON:
    charge, intent = params.get("charge"), params.get("payment_intent")
    return store.page(
        "refund", params, lambda row: charge in (None, row["charge"]) and intent in (None, row["payment_intent"])
    )
