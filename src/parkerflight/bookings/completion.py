"""The last commit: ticket and money agree, the campaign is complete; then the person is told."""

from datetime import datetime
from uuid import UUID

from parkerflight.accounts.operations import email_of
from parkerflight.bookings import jobs
from parkerflight.bookings.attempts import charge, move
from parkerflight.bookings.confirmation import ConfirmationMail, confirmation
from parkerflight.bookings.machine import State
from parkerflight.bookings.models import Booking, BookingAttempt
from parkerflight.campaigns import operations as campaigns
from parkerflight.campaigns import queries as campaign_queries
from parkerflight.core.fault_points import fault_point
from parkerflight.core.tenancy import scope
from parkerflight.flights.operations import provider
from parkerflight.flights.types import Order
from parkerflight.notifications import operations as notifications
from parkerflight.payments import queries as payment_queries
from parkerflight.travelers import queries as travelers
from parkerflight.vault.operations import Purpose


def complete(attempt: BookingAttempt, now: datetime) -> bool:
    """Record that the money is taken, finish the campaign, queue the job that tells the person; one commit.

    The mail is composed by its own job: what is wrong with a mail must not keep a paid booking from being complete.
    """
    with scope(attempt.owner_id):
        move(attempt, State.COMPLETED, now=now)
        Booking.objects.filter(attempt=attempt).update(captured_at=now)
        campaigns.fulfil(owner_id=attempt.owner_id, match_id=attempt.match_id, now=now)
        jobs.confirm_soon(attempt.owner_id, attempt.id)
    return True


def confirm(*, owner_id: UUID, attempt_id: UUID, now: datetime) -> None:
    """Compose the confirmation and queue it, once however often this runs."""
    with scope(owner_id):
        attempt = BookingAttempt.objects.get(id=attempt_id)
    order = provider().order(attempt.order_id)
    fault_point("bookings.after_order_read")
    mail = _compose(attempt, order, now)
    address = email_of(owner_id, purpose=Purpose.NOTIFY)
    notifications.enqueue(
        owner_id=owner_id,
        event_key=f"booking.confirmed:{attempt.id}",
        recipient=address,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        attachments=mail.attachments,
        now=now,
    )


def _compose(attempt: BookingAttempt, order: Order, now: datetime) -> ConfirmationMail:
    campaign = campaign_queries.terms(attempt.owner_id, attempt.campaign_id)
    seated = [UUID(attempt.seats[passenger]) for passenger in order.passenger_ids]
    card = payment_queries.card(attempt.owner_id, attempt.card_id or campaign.card_id)
    return confirmation(
        order,
        charged=charge(attempt),
        card_brand=card.brand,
        card_last4=card.last4,
        travellers=travelers.names(attempt.owner_id, seated),
        cap=campaign.cap,
        now=now,
    )
