"""Disputes and early fraud warnings, which some test cards bring on right after the money was taken."""

from functools import partial

from sandbox.stripe import balance
from sandbox.stripe.errors import JSON, invalid, refused
from sandbox.stripe.params import fields, listing, merge_metadata
from sandbox.stripe.store import Store

UPDATE = fields("intended_submission_method", maps="evidence metadata", bools="submit")
LIST = listing("charge payment_intent")
WARNINGS = listing("charge payment_intent")
ANSWER_SECONDS = 7 * 86_400
# how long the bank thinks about submitted evidence; virtual seconds
VERDICT_SECONDS = 60
OPEN = ("needs_response", "warning_needs_response")
EVIDENCE = (
    *("access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure"),
    *("cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name"),
    *("customer_purchase_ip", "customer_signature", "duplicate_charge_documentation"),
    *("duplicate_charge_explanation", "duplicate_charge_id", "product_description", "receipt", "refund_policy"),
    *("refund_policy_disclosure", "refund_refusal_explanation", "service_date", "service_documentation"),
    *("shipping_address", "shipping_carrier", "shipping_date", "shipping_documentation"),
    *("shipping_tracking_number", "uncategorized_file", "uncategorized_text"),
)
REASON_CODES = {"fraudulent": "10.4", "product_not_received": "13.1"}


def aftermath(store: Store, charge: JSON) -> None:
    """Do what the test card is for, once its money has been captured."""
    match store.cards[charge["payment_method"]].card.aftermath:
        case "":
            return
        case "early_fraud_warning":
            warn(store, charge)
        case "inquiry":
            start(store, charge, "fraudulent", charge["amount_captured"], inquiry=True)
        case "several":
            half = charge["amount_captured"] // 2
            start(store, charge, "fraudulent", half)
            start(store, charge, "product_not_received", charge["amount_captured"] - half)
        case reason:
            start(store, charge, reason, charge["amount_captured"])


def warn(store: Store, charge: JSON) -> JSON:
    """The card network believes that the charge was fraud."""
    warning = store.add(
        {
            "id": store.ids.new("issfr", 24),
            "object": "radar.early_fraud_warning",
            "actionable": True,
            "charge": charge["id"],
            "created": store.now(),
            "fraud_type": "made_with_stolen_card",
            "livemode": False,
            "payment_intent": charge["payment_intent"],
        }
    )
    store.emit("radar.early_fraud_warning.created", warning)
    return warning


def start(store: Store, charge: JSON, reason: str, amount: int, *, inquiry: bool = False, lost: bool = False) -> JSON:
    """Open a dispute of `amount` (minor units); an inquiry takes no money yet, one born `lost` takes no answer."""
    dispute = store.add(_blank(store, charge, reason, amount, inquiry=inquiry))
    if lost:
        dispute |= {"status": "lost", "evidence_details": {**dispute["evidence_details"], "due_by": 0}}
    if not inquiry:
        charge["disputed"] = True
        dispute["balance_transactions"].append(balance.book_dispute(store, dispute))
    store.emit("charge.dispute.created", dispute)
    if not inquiry:
        store.emit("charge.dispute.funds_withdrawn", dispute)
    if lost:
        store.emit("charge.dispute.closed", dispute)
    return dispute


def _blank(store: Store, charge: JSON, reason: str, amount: int, *, inquiry: bool) -> JSON:
    brand = charge["payment_method_details"]["card"]["brand"]
    return {
        "id": store.ids.new("du", 24),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": store.now(),
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": store.now() + ANSWER_SECONDS,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "intended_submission_method": None,
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": brand,
                "case_type": "inquiry" if inquiry else "chargeback",
                "network_reason_code": REASON_CODES.get(reason),
            },
            "type": "card",
        },
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }


def retrieve(store: Store, dispute: str) -> JSON:
    return store.get("dispute", dispute)


def update(store: Store, params: JSON, dispute: str) -> JSON:
    """Stage or (unless `submit` is false) hand in evidence, which the bank takes once."""
    found = store.get("dispute", dispute)
    evidence = params.get("evidence", {})
    for name in evidence:
        if name not in (*EVIDENCE, "enhanced_evidence"):
            raise invalid(f"Received unknown parameter: evidence[{name}]", param=name, code="parameter_unknown")
    if evidence and found["status"] not in OPEN:
        raise refused("Evidence can no longer be given for this dispute.", param="evidence")
    found["evidence"] = {**found["evidence"], **evidence}
    found["evidence_details"]["has_evidence"] |= bool(evidence)
    found["metadata"] = merge_metadata(found["metadata"], params.get("metadata"))
    if evidence and params.get("submit", True):
        _submit(store, found)
    store.emit("charge.dispute.updated", found)
    return found


def _submit(store: Store, dispute: JSON) -> None:
    inquiry = dispute["status"].startswith("warning")
    dispute["status"] = "warning_under_review" if inquiry else "under_review"
    dispute["evidence_details"]["submission_count"] += 1
    text = dispute["evidence"]["uncategorized_text"]
    if text in ("winning_evidence", "losing_evidence"):
        store.later(VERDICT_SECONDS, partial(decide, store, dispute, won=text == "winning_evidence"))


def decide(store: Store, dispute: JSON, *, won: bool) -> JSON:
    """The bank's verdict; a lost dispute may be won late, one that is won stays won."""
    if dispute["status"] in ("won", "warning_closed", "prevented"):
        raise refused("This dispute is decided already.")
    if dispute["status"].startswith("warning"):
        dispute["status"] = "warning_closed"
    else:
        dispute["status"] = "won" if won else "lost"
        if won:
            dispute["balance_transactions"].append(balance.book_won_dispute(store, dispute))
            store.emit("charge.dispute.funds_reinstated", dispute)
    store.emit("charge.dispute.closed", dispute)
    return dispute


def close(store: Store, dispute: str) -> JSON:
    """Accept the dispute: it is lost."""
    found = store.get("dispute", dispute)
    if found["status"] not in OPEN:
        raise refused("This dispute is already closed or under review.")
    found["status"] = "warning_closed" if found["status"].startswith("warning") else "lost"
    store.emit("charge.dispute.closed", found)
    return found


def listed(store: Store, params: JSON) -> JSON:
    return _of_charge(store, "dispute", params)


def warning(store: Store, early_fraud_warning: str) -> JSON:
    return store.get("radar.early_fraud_warning", early_fraud_warning)


def warnings(store: Store, params: JSON) -> JSON:
    return _of_charge(store, "radar.early_fraud_warning", params)


def _of_charge(store: Store, kind: str, params: JSON) -> JSON:
    charge, intent = params.get("charge"), params.get("payment_intent")
    return store.page(
        kind, params, lambda row: charge in (None, row["charge"]) and intent in (None, row["payment_intent"])
    )
