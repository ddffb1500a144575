"""Evidence for a disputed payment: gathered from our books, looked at by one of us, handed to the bank once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from parkerflight.accounts.operations import email_of
from parkerflight.audit import operations as audit
from parkerflight.audit import queries as audit_queries
from parkerflight.bookings import evidence_texts
from parkerflight.bookings.evidence_texts import Facts, GivenBack
from parkerflight.bookings.models import Booking, BookingAttempt, Cancellation
from parkerflight.bookings.sealing import open_order
from parkerflight.core.errors import BadInput, NotFound
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.notifications import queries as notifications
from parkerflight.payments import operations as payments
from parkerflight.payments import queries as payment_queries
from parkerflight.payments.disputes import DisputeState
from parkerflight.travelers import queries as travelers
from parkerflight.vault.operations import Purpose


@dataclass(frozen=True, slots=True)
class Pack:
    """Everything about one dispute. The texts are personal: its repr shows none of them."""

    dispute: DisputeState
    evidence: dict[str, str] = field(repr=False)
    """Stripe's fields and our texts."""
    timeline: tuple[str, ...] = field(repr=False)
    letters: str = field(repr=False)
    mandate_html: str = field(repr=False)


def pack(*, owner_id: UUID, dispute_id: UUID, actor: str, now: datetime) -> Pack:
    """Gather the evidence; the same texts each time, because only what was so when the dispute opened counts.

    Opens the person's data for the dispute, which the audit keeps with `actor`. Raises NotFound when there is no such
    dispute or no booking was made with the payment.
    """
    dispute = payment_queries.dispute(owner_id, dispute_id)
    facts = _facts(dispute, actor, now)
    return Pack(
        dispute=dispute,
        evidence=evidence_texts.evidence(facts),
        timeline=tuple(evidence_texts.timeline(facts)),
        letters=evidence_texts.letters_text(facts.letters),
        mandate_html=facts.mandate.html,
    )


def hand_in(
    *,
    owner_id: UUID,
    dispute_id: UUID,
    actor: str,
    now: datetime,
    submit: bool,
    edited: Mapping[str, str] | None = None,
) -> DisputeState:
    """Leave the evidence with the dispute; `submit` hands it to the bank, which takes it once. `edited` replaces our texts.

    Raises BadInput for texts above Stripe's limits, NotFound, and Terminal when no evidence is taken any more;
    Retryable or OutcomeUnknown: run it again.
    """
    texts = dict(edited or pack(owner_id=owner_id, dispute_id=dispute_id, actor=actor, now=now).evidence)
    if evidence_texts.fitted(texts) != texts:
        raise BadInput(
            "evidence_too_long", "Stripe takes 20,000 characters a text and 150,000 in all.", field="evidence"
        )
    with scope(owner_id):
        _written_down(owner_id, dispute_id, "dispute.evidence_sent" if submit else "dispute.evidence_left", actor, now)
    return payments.stage_evidence(owner_id=owner_id, dispute_id=dispute_id, evidence=texts, submit=submit, now=now)


def _facts(dispute: DisputeState, actor: str, now: datetime) -> Facts:
    """Read and open what the evidence tells; one transaction, with the audit entry of the opening."""
    owner_id, until = dispute.owner_id, dispute.opened_at + WHOLE_SECOND
    with scope(owner_id):
        attempt, booking = _bought(dispute.attempt_id)
        payment = payment_queries.payment(owner_id, dispute.payment_id)
        _written_down(owner_id, dispute.id, "dispute.evidence_opened", actor, now)
        signed = payments.mandate_signature(owner_id=owner_id, mandate_id=payment.mandate_id, purpose=Purpose.DISPUTE)
        gone = Cancellation.objects.filter(booking=booking, state__in=GIVEN_BACK, created_at__lte=until)
        cancellations = list(gone.order_by("created_at"))
        ids = [attempt.id, attempt.campaign_id, payment.id, payment.mandate_id, payment.card_id, booking.id]
        ids += [one.id for one in cancellations]
        return Facts(
            charged=payment.captured,
            reason=dispute.reason,
            order=open_order(booking, purpose=Purpose.DISPUTE),
            travellers=_names(owner_id, attempt),
            email=email_of(owner_id, purpose=Purpose.DISPUTE),
            ip=signed.ip,
            device=signed.user_agent,
            mandate=payments.mandate_document(owner_id=owner_id, mandate_id=payment.mandate_id),
            record=audit_queries.about(owner_id, ids, until=until),
            letters=notifications.letters_about(owner_id, ids, until=until, purpose=Purpose.DISPUTE),
            given_back=[_given_back(one) for one in cancellations],
            captured_at=booking.captured_at,
        )


WHOLE_SECOND = timedelta(seconds=1)  # the gateway tells when a dispute opened in whole seconds
GIVEN_BACK = (Cancellation.State.CONFIRMED, Cancellation.State.REFUNDED, Cancellation.State.SETTLED)


def _bought(attempt_id: UUID) -> tuple[BookingAttempt, Booking]:
    booking = Booking.objects.select_related("attempt").filter(attempt_id=attempt_id).first()
    if booking is None:
        raise NotFound("no_booking", "Nothing was booked with this payment: refund it instead of disputing.")
    return booking.attempt, booking


def _names(owner_id: UUID, attempt: BookingAttempt) -> list[str]:
    """Who flies; nobody once a traveller was erased: what was forgotten is no evidence."""
    seated = [UUID(one) for one in dict.fromkeys(attempt.seats.values())]
    try:
        return travelers.names(owner_id, seated)
    except NotFound:
        return []


def _given_back(row: Cancellation) -> GivenBack:
    currency = row.booking.currency
    return GivenBack(row.state, Money(row.to_card_minor, currency), Money(row.penalty_minor, currency), row.created_at)


def _written_down(owner_id: UUID, dispute_id: UUID, action: str, actor: str, now: datetime) -> None:
    audit.record(
        at=now,
        owner_id=owner_id,
        actor=actor,
        action=action,
        object_type="dispute",
        object_id=dispute_id,
        details={"purpose": Purpose.DISPUTE.value},
    )
