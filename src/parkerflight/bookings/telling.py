"""Composing the letters that the saga asked for, from what the rows say now."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from parkerflight.accounts.operations import email_of
from parkerflight.bookings.attempts import charge
from parkerflight.bookings.letter_texts import Facts, write
from parkerflight.bookings.letters import Kind
from parkerflight.bookings.models import BookingAttempt, Cancellation, Change
from parkerflight.campaigns import queries as campaigns
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.notifications import operations as notifications
from parkerflight.settings.config import load
from parkerflight.vault.operations import Purpose

ABOUT_CANCELLATIONS = frozenset({Kind.CANCELLED, Kind.REFUND_FAILED})


def tell(*, owner_id: UUID, subject_id: UUID, kind: Kind, now: datetime) -> None:
    """Write one letter and queue it for delivery, once however often this runs."""
    with scope(owner_id):
        facts = _facts(owner_id, subject_id, kind)
        letter = write(kind, facts)
        notifications.enqueue(
            owner_id=owner_id,
            event_key=f"{kind}:{subject_id}",
            recipient=email_of(owner_id, purpose=Purpose.NOTIFY),
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
            attachments=(),
            now=now,
        )


def _facts(owner_id: UUID, subject_id: UUID, kind: Kind) -> Facts:
    if kind in ABOUT_CANCELLATIONS:
        return _of_cancellation(owner_id, subject_id)
    if kind is Kind.CHANGED:
        change = Change.objects.select_related("booking__attempt").get(id=subject_id)
        return replace(_of_attempt(owner_id, change.booking.attempt), link=_link("changes", subject_id), itinerary=())
    attempt = BookingAttempt.objects.get(id=subject_id)
    facts = _of_attempt(owner_id, attempt)
    page = {Kind.CONFIRM: "confirm", Kind.VETO: "confirm", Kind.TICKETS: "bookings"}.get(kind)
    return replace(facts, link=_link(page, attempt.id)) if page else facts


def _of_attempt(owner_id: UUID, attempt: BookingAttempt) -> Facts:
    campaign = campaigns.campaign(owner_id, attempt.campaign_id)
    verdict = campaigns.match_verdict(owner_id, attempt.match_id)
    criteria = campaign.criteria
    return Facts(
        trip=f"{'/'.join(criteria['origins'])}–{'/'.join(criteria['destinations'])}",
        total=charge(attempt),
        cap=campaign.cap,
        link=_link("campaigns", attempt.campaign_id),
        deadline=attempt.decide_until,
        sentence=attempt.sentence,
        itinerary=tuple(verdict.get("itinerary", ())),
    )


def _of_cancellation(owner_id: UUID, cancellation_id: UUID) -> Facts:
    row = Cancellation.objects.select_related("booking__attempt").get(id=cancellation_id)
    facts = _of_attempt(owner_id, row.booking.attempt)
    paid = row.booking.currency
    return replace(
        facts,
        link=_link("bookings", row.booking.attempt_id),
        itinerary=(),
        back=Money(row.to_card_minor, paid) if row.to_card_minor else None,
        kept=Money(row.penalty_minor, paid),
        credits=row.refund_to in {"airline_credits", "voucher"},
    )


def _link(page: str, subject_id: UUID) -> str:
    return f"{load().public_base}/{page}/{subject_id}"
