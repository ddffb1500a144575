"""Disputes, early fraud warnings and reviews: heard from the gateway, kept beside the payment, answered once."""

import hashlib
import json
import logging
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from parkerflight.core.errors import NotFound, OutcomeUnknown, Terminal
from parkerflight.core.fault_points import fault_point
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.payments import calls
from parkerflight.payments.books import locked, move, note
from parkerflight.payments.door import gateway
from parkerflight.payments.gateway import DisputeKind, DisputeView, StoredCall
from parkerflight.payments.models import Dispute, Payment, VendorCall

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DisputeState:
    """Where a dispute, warning or review stands in our books. Moments are aware, UTC."""

    id: UUID
    owner_id: UUID
    payment_id: UUID
    attempt_id: UUID
    reference: str
    kind: DisputeKind
    status: str
    """The gateway's word: `needs_response`, `lost`, `open`, `approved`, …"""
    reason: str
    amount: Money
    due_by: datetime | None
    """Until when evidence is taken; None when none is."""
    opened_at: datetime
    closed_at: datetime | None
    evidence_submitted_at: datetime | None


def dispute_state_of(row: Dispute) -> DisputeState:
    return DisputeState(
        id=row.id,
        owner_id=row.owner_id,
        payment_id=row.payment_id,
        attempt_id=row.payment.attempt_id,
        reference=row.reference,
        kind=DisputeKind(row.kind),
        status=row.status,
        reason=row.reason,
        amount=Money(row.amount_minor, row.currency),
        due_by=row.due_by,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        evidence_submitted_at=row.evidence_submitted_at,
    )


def hear_dispute(*, reference: str, kind: DisputeKind, now: datetime) -> DisputeState | None:
    """Read it at the gateway and write down how it stands, in whatever order its notices arrive.

    None when the gateway does not know it or it is about no payment of ours.
    """
    try:
        view = gateway().dispute(reference, kind)
        metadata = gateway().view_of(view.intent).metadata if view.intent else {}
    except NotFound:
        return None
    fault_point("payments.dispute.after_call")
    if "owner_id" not in metadata or "payment_id" not in metadata:
        return None
    owner_id, payment_id = UUID(metadata["owner_id"]), UUID(metadata["payment_id"])
    with scope(owner_id):
        if not Payment.objects.filter(id=payment_id).exists():
            return None
        row = _written(locked(payment_id), view, now)
        state = dispute_state_of(row)
    fault_point("payments.dispute.after_record")
    return state


def _written(payment: Payment, view: DisputeView, now: datetime) -> Dispute:
    """The row as the look at `now` shows it, unless it shows a later one. The payment is locked, so one at a time."""
    amount = view.amount or Money(0, payment.currency)
    row, created = Dispute.objects.get_or_create(
        reference=view.reference,
        defaults={
            "id": uuid4(),
            "owner_id": payment.owner_id,
            "payment": payment,
            "kind": view.kind,
            "currency": amount.currency,
            "opened_at": view.opened_at,
            "heard_at": now,
        },
    )
    if not created and row.heard_at > now:
        return row
    before = "" if created else row.status
    row.status, row.reason = view.status[:30], view.reason[:60]
    row.amount_minor, row.currency = amount.minor, amount.currency
    row.due_by, row.heard_at = view.due_by, now
    row.closed_at = (row.closed_at or now) if view.closed else None
    row.evidence_submitted_at = row.evidence_submitted_at or (now if view.submitted else None)
    row.save()
    if before != row.status:
        _flag(payment, view, now)
        _alert(row)
        note(payment, f"payment.{row.kind}_{row.status}", now)
    return row


def _alert(row: Dispute) -> None:
    """Tell the team: only a person answers a bank, and only until the deadline."""
    if row.closed_at is None:
        due = f"{row.due_by:%Y-%m-%d %H:%M} UTC" if row.due_by else "no answer is taken"
        log.warning("%s %s is %s (%s), due by: %s", row.kind, row.id, row.status, row.reason or "no reason given", due)
    else:
        log.info("%s %s ended: %s", row.kind, row.id, row.status)


def _flag(payment: Payment, view: DisputeView, now: datetime) -> None:
    if view.kind is DisputeKind.REVIEW:
        move(payment, payment.state, now, review_open=not view.closed)
    elif view.kind is DisputeKind.DISPUTE:
        move(payment, payment.state, now, disputed=True)


def stage_evidence(
    *, owner_id: UUID, dispute_id: UUID, evidence: dict[str, str], submit: bool, now: datetime
) -> DisputeState:
    """Leave evidence (the gateway's field: text) with a dispute; `submit` hands it in, which the bank takes once.

    The texts are personal and are not stored here; a repetition must bring the same ones. Raises NotFound, Terminal when
    none is taken (any more), Retryable or OutcomeUnknown: run it again.
    """
    with scope(owner_id):
        row = Dispute.objects.select_related("payment").filter(id=dispute_id).first()
        if row is None:
            raise NotFound("no_dispute", "There is no such dispute.")
        if row.evidence_submitted_at:
            return dispute_state_of(row)
        if row.kind != Dispute.Kind.DISPUTE or row.due_by is None or now >= row.due_by:
            raise Terminal("no_evidence_taken", "No evidence is taken for this any more.")
        call = _evidence_call(row, evidence, now, submit=submit)
    fault_point("payments.evidence.after_commit")
    view = _handed_over(row, call, evidence, now, submit=submit)
    fault_point("payments.evidence.after_call")
    with scope(owner_id):
        payment = locked(row.payment_id)
        row = _written(payment, view, now)
        calls.settle(payment, "evidence", str(row.id))
        note(payment, "payment.evidence_submitted" if submit else "payment.evidence_staged", now)
        state = dispute_state_of(row)
    fault_point("payments.evidence.after_record")
    return state


def _evidence_call(row: Dispute, evidence: dict[str, str], now: datetime, *, submit: bool) -> VendorCall:
    """The stored call: the texts' digest stands for them."""
    digest = hashlib.sha256(json.dumps(evidence, sort_keys=True).encode()).hexdigest()
    wanted = {"sha256": digest, "submit": submit}
    call = calls.opened(row.payment, row.owner_id, "evidence", wanted, now, subject=str(row.id))
    if call.parameters == wanted and not calls.must_look(call, now):
        return call
    # Other texts, or an error that may be kept under the old key: leaving evidence twice leaves the last one.
    return calls.replaced(call, wanted, now)


def _handed_over(
    row: Dispute, call: VendorCall, evidence: dict[str, str], now: datetime, *, submit: bool
) -> DisputeView:
    if call.try_no > 1:
        seen = gateway().dispute(row.reference, DisputeKind.DISPUTE)
        if seen.submitted:
            return seen
    try:
        sent = StoredCall(calls.stored(call, now).key, dict(evidence))
        return gateway().submit_evidence(row.reference, sent, submit=submit)
    except OutcomeUnknown:
        calls.unanswered(call)
        raise
