"""Payments: the gateway's list against ours, both ways."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from parkerflight.bookings.machine import SETTLED
from parkerflight.bookings.models import Booking, BookingAttempt
from parkerflight.core.errors import NotFound
from parkerflight.core.money import Money
from parkerflight.ops.findings import Finding, Severity
from parkerflight.ops.reconcile_orders import GRACE, MOST_LOOKUPS
from parkerflight.payments.gateway import PaymentStatus, PaymentView
from parkerflight.payments.models import Payment
from parkerflight.payments.operations import gateway

ROW = ("id", "attempt_id", "intent", "state", "amount_minor", "captured_minor", "refunded_minor", "currency", "disputed",
       "updated_at")  # fmt: skip
# Payments that wait for someone at the gateway hold nothing, but could once somebody confirms them.
OPEN = frozenset({PaymentStatus.NEEDS_CUSTOMER, PaymentStatus.NEEDS_CARD, PaymentStatus.PROCESSING})


@dataclass(frozen=True, slots=True)
class Ours:
    """What our books say about one payment."""

    id: UUID
    attempt_id: UUID
    intent: str
    state: str
    amount: Money
    captured: Money
    refunded: Money
    disputed: bool
    updated_at: datetime
    attempt_over: bool
    booked: bool
    """There is a booking, and this is its payment."""


def compare(since: datetime, now: datetime, counts: dict[str, int]) -> Iterator[Finding]:
    """Every difference between the gateway's payments and ours since then. Each is looked at twice before it is told."""
    seen = set()
    for view in gateway().payments_since(since):
        seen.add(view.intent)
        if found := judge(view, ours_of(view), now):
            yield from _again(view.intent, found, now)
    rows = Payment.objects.filter(created_at__gte=since).exclude(intent="").values_list("intent", "id", "attempt_id")
    expected = list(rows.order_by("-created_at")[:MOST_LOOKUPS])
    counts |= {"gateway's payments": len(seen), "our payments": len(expected)}
    for intent, payment_id, attempt_id in expected:
        if intent not in seen:
            missing = Finding(
                "payment_unknown_to_the_gateway", Severity.PERSON, str(payment_id), intent, "not found", str(attempt_id)
            )
            yield from _again(intent, missing, now)


def _again(intent: str, first: Finding, now: datetime) -> Iterator[Finding]:
    """While the list was read the saga went on: only what both books still say at this moment is told."""
    try:
        view = gateway().view_of(intent)
    except NotFound:
        yield first
        return
    if found := judge(view, ours_of(view), now):
        yield found


def ours_of(view: PaymentView) -> Ours | None:
    """Our books on this payment: by its own id, or by our id on it."""
    rows = Payment.objects.values(*ROW)
    row = rows.filter(intent=view.intent).first()
    if row is None:
        try:
            row = rows.filter(id=UUID(view.metadata.get("payment_id", ""))).first()
        except ValueError:
            row = None
    if row is None:
        return None
    attempt = BookingAttempt.objects.filter(id=row["attempt_id"]).values("id", "state", "payment_id").first()
    booked = Booking.objects.filter(attempt_id=row["attempt_id"]).exists()
    currency = row["currency"]
    return Ours(
        id=row["id"],
        attempt_id=row["attempt_id"],
        intent=row["intent"],
        state=row["state"],
        amount=Money(row["amount_minor"], currency),
        captured=Money(row["captured_minor"], currency),
        refunded=Money(row["refunded_minor"], currency),
        disputed=row["disputed"],
        updated_at=row["updated_at"],
        attempt_over=attempt is None or attempt["state"] in SETTLED,
        booked=booked and attempt is not None and attempt["payment_id"] == row["id"],
    )


def judge(view: PaymentView, ours: Ours | None, now: datetime) -> Finding | None:
    """The worst difference between the gateway's payment and ours, or None."""
    if ours is None or (ours.intent and ours.intent != view.intent):
        return _orphan(view, ours)
    if view.status is PaymentStatus.CAPTURED or ours.captured.minor:
        return _taken(view, ours, now)
    if view.status is PaymentStatus.HELD:
        return _held(view, ours, now)
    if view.status in OPEN and ours.attempt_over:
        return _finding("open_intent_left_behind", Severity.WATCH, ours, view, str(view.status))
    if view.status is PaymentStatus.RELEASED and not ours.attempt_over and ours.state == Payment.State.HELD:
        return _behind(view, ours, now)
    return None


def _orphan(view: PaymentView, ours: Ours | None) -> Finding | None:
    """A payment that no row of ours names; or a second one for the same row."""
    left = view.captured.minor - view.refunded.minor
    if view.status in OPEN:
        kind, severity = "open_intent_left_behind", Severity.WATCH
    elif view.status is PaymentStatus.HELD:
        kind, severity = "hold_without_a_payment", Severity.PERSON
    elif left > 0:
        kind, severity = "captured_without_a_payment", Severity.PERSON
    else:
        return None
    details = f"{view.status}, {view.amount}"
    if ours is None:
        return Finding(kind, severity, "", view.intent, details)
    return _finding("second_intent_of_a_payment", severity, ours, view, f"{details}; our row names {ours.intent}")


def _held(view: PaymentView, ours: Ours, now: datetime) -> Finding | None:
    if ours.attempt_over:
        details = f"{view.amount} held, {ours.state} here"
        return _finding("hold_of_an_attempt_that_is_over", Severity.PERSON, ours, view, details)
    if view.amount != ours.amount:
        details = f"gateway {view.amount}, we {ours.amount}"
        return _finding("held_amount_differs", Severity.PERSON, ours, view, details)
    return _behind(view, ours, now) if ours.state != Payment.State.HELD else None


def _taken(view: PaymentView, ours: Ours, now: datetime) -> Finding | None:
    """Money that one of both says was taken. What a capture or a webhook may still bring is left for the next run."""
    fresh = now - ours.updated_at < GRACE
    if view.captured != ours.captured:
        if not ours.attempt_over and ours.state == Payment.State.CAPTURING:
            return _behind(view, ours, now)
        details = f"gateway {view.captured}, we {ours.captured}"
        return _finding("captured_amount_differs", Severity.PERSON, ours, view, details)
    if view.refunded != ours.refunded and not fresh:
        details = f"gateway {view.refunded}, we {ours.refunded}"
        return _finding("refunded_amount_differs", Severity.PERSON, ours, view, details)
    if not ours.booked and view.captured > view.refunded and ours.attempt_over:
        return _finding("captured_without_a_booking", Severity.PERSON, ours, view, f"{view.captured} taken")
    if view.disputed and not ours.disputed and not fresh:
        return _finding("dispute_not_heard", Severity.PERSON, ours, view, f"{view.captured} disputed")
    return None


def _behind(view: PaymentView, ours: Ours, now: datetime) -> Finding | None:
    if now - ours.updated_at < GRACE:
        return None
    details = f"{view.status} at the gateway, {ours.state} here"
    return _finding("attempt_behind", Severity.WOKEN, ours, view, details)


def _finding(kind: str, severity: Severity, ours: Ours, view: PaymentView, details: str) -> Finding:
    return Finding(kind, severity, str(ours.id), view.intent, details, attempt_id=str(ours.attempt_id))
