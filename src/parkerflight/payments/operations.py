"""The room's writes, in one place for callers: cards, mandates, payments, refunds, disputes."""

from parkerflight.payments.authorising import authorise
from parkerflight.payments.books import PaymentState
from parkerflight.payments.card_watch import card_gone, mark_needs_customer
from parkerflight.payments.cards import begin_card, ensure_customer, finish_card, remove_card, save_test_card
from parkerflight.payments.confirming import await_customer, confirmation
from parkerflight.payments.disputes import DisputeState, hear_dispute, stage_evidence
from parkerflight.payments.door import gateway, savings_fee
from parkerflight.payments.mandate_documents import MandateDocument, Signature, mandate_document, mandate_signature
from parkerflight.payments.mandates import mandate_allows, revoke_mandate, sign_mandate
from parkerflight.payments.preparing import prepare_payment, supersede_payment
from parkerflight.payments.refreshing import refresh
from parkerflight.payments.refund_rows import RefundState
from parkerflight.payments.refunding import refresh_refund, refund
from parkerflight.payments.releasing import release, release_superseded
from parkerflight.payments.settling import capture

__all__ = [
    "DisputeState",
    "MandateDocument",
    "PaymentState",
    "RefundState",
    "Signature",
    "authorise",
    "await_customer",
    "begin_card",
    "capture",
    "card_gone",
    "confirmation",
    "ensure_customer",
    "finish_card",
    "gateway",
    "hear_dispute",
    "mandate_allows",
    "mandate_document",
    "mandate_signature",
    "mark_needs_customer",
    "prepare_payment",
    "refresh",
    "refresh_refund",
    "refund",
    "release",
    "release_superseded",
    "remove_card",
    "revoke_mandate",
    "save_test_card",
    "savings_fee",
    "sign_mandate",
    "stage_evidence",
    "supersede_payment",
]
