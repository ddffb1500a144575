"""What a decline means, by Stripe's decline code; the bank's advice code outranks it (docs.stripe.com/declines/codes)."""

from parkerflight.payments.gateway import DeclineClass

_ADVICE = {
    "confirm_card_data": DeclineClass.OTHER_CARD,
    "do_not_try_again": DeclineClass.GENERIC,
    "try_again_later": DeclineClass.RETRY_LATER,
}
_CODES: dict[DeclineClass, tuple[str, ...]] = {
    DeclineClass.AUTHENTICATE: ("authentication_required", "authentication_not_handled"),
    DeclineClass.OTHER_CARD: (
        "insufficient_funds", "withdrawal_count_limit_exceeded", "expired_card", "card_not_supported",
        "currency_not_supported", "invalid_account", "incorrect_number", "incorrect_cvc", "invalid_cvc",
        "invalid_expiry_month", "invalid_expiry_year", "incorrect_zip", "new_account_information_available",
    ),
    DeclineClass.CALL_BANK: (
        "do_not_honor", "generic_decline", "call_issuer", "card_velocity_exceeded", "restricted_card", "pickup_card",
        "transaction_not_allowed", "not_permitted", "security_violation", "no_action_taken", "service_not_allowed",
    ),
    DeclineClass.GENERIC: ("fraudulent", "lost_card", "stolen_card", "merchant_blacklist", "do_not_try_again"),
    DeclineClass.RETRY_LATER: ("processing_error", "issuer_not_available", "reenter_transaction", "try_again_later", "approve_with_id"),
    DeclineClass.STOP: ("revocation_of_authorization", "revocation_of_all_authorizations", "stop_payment_order"),
    DeclineClass.CHECK_OURSELVES: ("duplicate_transaction",),
}  # fmt: skip
CLASSES = {code: kind for kind, codes in _CODES.items() for code in codes}


def classify(decline_code: str, advice_code: str = "") -> DeclineClass:
    """The class of a decline; unknown codes are shown as generic and not retried."""
    kind = CLASSES.get(decline_code, DeclineClass.GENERIC)
    if kind in {DeclineClass.AUTHENTICATE, DeclineClass.STOP}:
        return kind
    return _ADVICE.get(advice_code, kind)
