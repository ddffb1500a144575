"""Stripe's objects in our words."""

from datetime import UTC, datetime
from typing import Any

from parkerflight.payments.gateway import (
    DeclineClass,
    DisputeKind,
    DisputeView,
    PaymentStatus,
    PaymentView,
    RefundStatus,
    RefundView,
    SetupView,
)
from parkerflight.payments.stripe.amounts import from_stripe
from parkerflight.payments.stripe.declines import classify

STATUS = {
    "requires_capture": PaymentStatus.HELD,
    "succeeded": PaymentStatus.CAPTURED,
    "canceled": PaymentStatus.RELEASED,
    "requires_action": PaymentStatus.NEEDS_CUSTOMER,
    "requires_payment_method": PaymentStatus.NEEDS_CARD,
    "requires_confirmation": PaymentStatus.NEEDS_CUSTOMER,
    "processing": PaymentStatus.PROCESSING,
}
# `lost` may still become `won`; all of these are over as far as an answer from us goes.
DISPUTE_OVER = frozenset({"won", "lost", "prevented", "warning_closed"})
DISPUTE_ANSWERABLE = frozenset({"needs_response", "warning_needs_response"})


def setup_view(setup: Any) -> SetupView:
    return SetupView(
        reference=str(setup.id),
        succeeded=setup.status == "succeeded",
        needs_customer=setup.status == "requires_action",
        card=name_of(setup.payment_method),
        client_secret=str(setup.client_secret or ""),
    )


def payment_view(intent: Any) -> PaymentView:
    charge = intent.latest_charge
    expanded = charge if charge is not None and not isinstance(charge, str) else None
    # Letting a hold go shows as a reversal on the charge; only what was taken can be given back.
    taken = intent.amount_received or 0
    return PaymentView(
        intent=str(intent.id),
        status=STATUS.get(intent.status, PaymentStatus.PROCESSING),
        amount=from_stripe(intent.amount, intent.currency),
        captured=from_stripe(taken, intent.currency),
        refunded=from_stripe(expanded.amount_refunded if expanded and taken else 0, intent.currency),
        capture_before=_capture_before(expanded),
        metadata=plain(intent.metadata),
        charge=name_of(charge),
        failure=_failure(intent.last_payment_error),
        failure_kind=_failure_kind(intent.last_payment_error),
        review_open=_review_open(expanded),
        disputed=bool(expanded.disputed) if expanded else False,
    )


def refund_view(refund: Any) -> RefundView:
    return RefundView(
        reference=str(refund.id),
        intent=name_of(refund.payment_intent),
        status=RefundStatus(refund.status),
        amount=from_stripe(refund.amount, refund.currency),
        failure=str(getattr(refund, "failure_reason", None) or ""),
        metadata=plain(refund.metadata),
        created_at=_moment(refund.created),
    )


def is_release(refund: Any) -> bool:
    """A hold let go shows as a refund without a movement of our money."""
    return refund.balance_transaction is None and refund.status == "succeeded"


def dispute_view(dispute: Any) -> DisputeView:
    details = dispute.evidence_details
    due = details.due_by if dispute.status in DISPUTE_ANSWERABLE else None
    return DisputeView(
        reference=str(dispute.id),
        kind=DisputeKind.DISPUTE,
        intent=name_of(dispute.payment_intent),
        status=str(dispute.status),
        closed=dispute.status in DISPUTE_OVER,
        reason=str(dispute.reason or ""),
        amount=from_stripe(dispute.amount, dispute.currency),
        due_by=_moment(due) if due else None,
        submitted=bool(details.submission_count),
        opened_at=_moment(dispute.created),
    )


def warning_view(warning: Any) -> DisputeView:
    return DisputeView(
        reference=str(warning.id),
        kind=DisputeKind.EARLY_FRAUD_WARNING,
        intent=name_of(getattr(warning, "payment_intent", None)),
        status="actionable" if warning.actionable else "not_actionable",
        closed=not warning.actionable,
        reason=str(warning.fraud_type or ""),
        amount=None,
        due_by=None,
        submitted=False,
        opened_at=_moment(warning.created),
    )


def review_view(review: Any) -> DisputeView:
    return DisputeView(
        reference=str(review.id),
        kind=DisputeKind.REVIEW,
        intent=name_of(getattr(review, "payment_intent", None)),
        status="open" if review.open else str(review.closed_reason or "closed"),
        closed=not review.open,
        reason=str(review.opened_reason or ""),
        amount=None,
        due_by=None,
        submitted=False,
        opened_at=_moment(review.created),
    )


def name_of(thing: Any) -> str:
    """The id of an object that may be expanded, or absent."""
    return str(getattr(thing, "id", thing) or "")


def plain(metadata: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in metadata.to_dict().items()} if metadata else {}


def _failure(error: Any) -> str:
    """The code to show and to classify: the bank's decline code where there is one."""
    if error is None:
        return ""
    code = str(getattr(error, "code", None) or "")
    decline = str(getattr(error, "decline_code", None) or "")
    return decline if code in {"", "card_declined"} and decline else code


def _failure_kind(error: Any) -> DeclineClass:
    return classify(_failure(error), str(getattr(error, "advice_code", None) or ""))


def _review_open(charge: Any) -> bool:
    review = getattr(charge, "review", None)
    if review is not None and not isinstance(review, str):
        return bool(review.open)
    return getattr(getattr(charge, "outcome", None), "type", "") == "manual_review"


def _capture_before(charge: Any) -> datetime | None:
    card = getattr(getattr(charge, "payment_method_details", None), "card", None)
    moment = getattr(card, "capture_before", None)
    return _moment(moment) if moment else None


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
