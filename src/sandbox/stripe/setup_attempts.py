"""SetupAttempts: what happened each time a card was to be saved."""

from sandbox.stripe.errors import JSON
from sandbox.stripe.params import listing
from sandbox.stripe.store import Store

LIST = listing("setup_intent")
_ATTEMPT_CARD = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4")


def record(store: Store, intent: JSON, method: JSON, status: str, error: JSON | None) -> None:
    """Write a SetupAttempt, whose 3D Secure result is evidence that the customer took part."""
    shown = {name: method["card"][name] for name in _ATTEMPT_CARD}
    attempt = {
        "id": store.ids.new("setatt", 24),
        "object": "setup_attempt",
        "application": None,
        "attach_to_self": False,
        "created": store.now(),
        "customer": intent["customer"],
        "customer_account": None,
        "flow_directions": None,
        "livemode": False,
        "on_behalf_of": None,
        "payment_method": method["id"],
        "payment_method_details": {
            "type": "card",
            "card": {**shown, "network": method["card"]["brand"], "three_d_secure": None, "wallet": None},
        },
        "setup_error": error,
        "setup_intent": intent["id"],
        "status": status,
        "usage": intent["usage"],
    }
    intent["latest_attempt"] = store.add(attempt)["id"]


def listed(store: Store, params: JSON) -> JSON:
    wanted = params.get("setup_intent")
    return store.page("setup_attempt", params, lambda row: row["setup_intent"] == wanted)
