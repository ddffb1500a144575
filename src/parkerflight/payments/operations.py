"""The room's writes, in one place for callers: cards, mandates, charging."""

from parkerflight.payments.cards import begin_card, ensure_customer, finish_card, remove_card, save_test_card
from parkerflight.payments.charging import PaymentState, authorise, capture, prepare_payment, refund, release
from parkerflight.payments.door import gateway
from parkerflight.payments.mandates import mandate_allows, sign_mandate

__all__ = [
    "PaymentState",
    "authorise",
    "begin_card",
    "capture",
    "ensure_customer",
    "finish_card",
    "gateway",
    "mandate_allows",
    "prepare_payment",
    "refund",
    "release",
    "remove_card",
    "save_test_card",
    "sign_mandate",
]
