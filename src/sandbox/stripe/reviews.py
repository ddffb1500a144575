"""Reviews: a charge that waits for a person's verdict. They open and close by `/_sandbox` or by approving."""

from sandbox.stripe.errors import JSON, refused
from sandbox.stripe.params import listing
from sandbox.stripe.store import Store

LIST = listing()
CLOSED = (
    *("acknowledged", "approved", "canceled", "disputed", "payment_never_settled", "redacted", "refunded"),
    "refunded_as_fraud",
)


def start(store: Store, intent_id: str) -> JSON:
    """Open a review of the intent's charge, as a rule of the account would."""
    intent = store.get("payment_intent", intent_id)
    charge = store.objects.get(intent["latest_charge"] or "")
    if charge is None:
        raise refused("There is no charge to review.")
    review = store.add(
        {
            "id": store.ids.new("prv", 24),
            "object": "review",
            "billing_zip": None,
            "charge": charge["id"],
            "closed_reason": None,
            "created": store.now(),
            "ip_address": None,
            "ip_address_location": None,
            "livemode": False,
            "open": True,
            "opened_reason": "rule",
            "payment_intent": intent["id"],
            "reason": "rule",
            "session": None,
        }
    )
    charge["review"] = intent["review"] = review["id"]
    charge["outcome"] = {**charge["outcome"], "type": "manual_review", "rule": "review_if_elevated"}
    store.emit("review.opened", review)
    return review


def end(store: Store, review: JSON, reason: str) -> JSON:
    """Close a review for one of Stripe's reasons."""
    if not review["open"]:
        raise refused("This review is closed already.")
    if reason not in CLOSED:
        raise refused(f"A review is closed for one of {', '.join(CLOSED)}.", param="closed_reason")
    review |= {"open": False, "closed_reason": reason, "reason": reason}
    store.emit("review.closed", review)
    return review


def retrieve(store: Store, review: str) -> JSON:
    return store.get("review", review)


def listed(store: Store, params: JSON) -> JSON:
    return store.page("review", params, lambda row: bool(row["open"]))


def approve(store: Store, review: str) -> JSON:
    return end(store, store.get("review", review), "approved")
