"""What PaymentIntents and SetupIntents share: 3D Secure, option echoes, choosing the card."""

from sandbox.stripe.card_making import from_data
from sandbox.stripe.errors import JSON, invalid, refused
from sandbox.stripe.payment_methods import check_owner, resolve
from sandbox.stripe.store import Store

CARD_OPTION_DEFAULTS = {
    "installments": None,
    "mandate_options": None,
    "network": None,
    "request_three_d_secure": "automatic",
}


def card_options(present: JSON, change: JSON | None, *, payment: bool) -> JSON:
    """Return `payment_method_options` as Stripe shows them after an update."""
    blank = dict(CARD_OPTION_DEFAULTS)
    if not payment:
        del blank["installments"]
    card = {**blank, **present.get("card", {}), **(change or {}).get("card", {})}
    return {**present, "card": card}


def chosen_method(store: Store, params: JSON, customer: str | None) -> JSON | None:
    """Return the card the parameters name, or None. Raises a 400 when it is another customer's."""
    if "payment_method_data" in params:
        return from_data(store, params["payment_method_data"])
    if not params.get("payment_method"):
        return None
    method = resolve(store, params["payment_method"])
    check_owner(method, customer)
    return method


def next_action(intent_id: str, client_secret: str, return_url: str | None) -> JSON:
    """Return what a browser would have to do; offline, `/_sandbox/.../authenticate` does it."""
    if return_url:
        url = f"https://hooks.stripe.com/redirect/authenticate/{intent_id}?client_secret={client_secret}"
        return {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": url}}
    return {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "stripe_3ds2_fingerprint"}}


def three_d_secure(outcome: str = "authenticated") -> JSON:
    passed = outcome == "authenticated"
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05" if passed else "07",
        "result": outcome,
        "result_reason": None if passed else "rejected",
        "transaction_id": None,
        "version": "2.2.0",
    }


def automatic_methods(params: JSON) -> JSON | None:
    wish = params.get("automatic_payment_methods")
    if wish is None:
        return None
    return {"enabled": wish.get("enabled") == "true", "allow_redirects": wish.get("allow_redirects", "always")}


def check_types(params: JSON) -> None:
    """Raise a 400 unless cards are among the allowed types, since the sandbox has nothing else."""
    types = params.get("allowed_payment_method_types")
    if types is not None and "card" not in types:
        raise invalid("The sandbox only has cards.", param="allowed_payment_method_types")
    if types is not None and params.get("automatic_payment_methods"):
        raise invalid(
            "Send either allowed_payment_method_types or automatic_payment_methods.",
            param="automatic_payment_methods",
            code="parameters_exclusive",
        )


def expect_status(intent: JSON, allowed: tuple[str, ...], verb: str) -> None:
    """Raise `payment_intent_unexpected_state` (or its SetupIntent twin) unless the intent is in an allowed status."""
    if intent["status"] not in allowed:
        kind = intent["object"]
        embedded: JSON = {kind: intent}
        raise refused(
            f"You cannot {verb} this {kind} because it has a status of {intent['status']}.",
            code=f"{kind}_unexpected_state",
            **embedded,
        )
