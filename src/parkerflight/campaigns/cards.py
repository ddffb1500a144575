"""Cards that end while a campaign may still run: their people are told 30 and 7 days ahead, once each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from parkerflight.accounts.operations import email_of
from parkerflight.campaigns.models import Campaign
from parkerflight.core.tenancy import scope
from parkerflight.notifications import operations as notifications
from parkerflight.notifications.letters import Letter, compose
from parkerflight.payments import queries as payments
from parkerflight.payments.queries import ExpiringCard
from parkerflight.settings.config import load
from parkerflight.vault.operations import Purpose

# A month is enough for a bank to send the new card; a week is the last call.
FIRST, LAST = timedelta(days=30), timedelta(days=7)
MOST_TRIPS = 20  # named in one letter; nobody runs more on one card


@dataclass(frozen=True, slots=True)
class Trip:
    """A campaign that may outlive the card."""

    campaign_id: UUID
    route: str
    runs_until: date
    second: bool
    """The ending card is the campaign's second one."""
    spare_last4: str
    """The campaign's other card, when it works on after this one; empty when none does."""


def foresee(*, now: datetime) -> int:
    """Write to everybody whose card ends while a campaign of theirs may still run. Returns how many letters were queued.

    Run once a day, for the worker; running it again the same day, or after days of standing still, tells nobody twice.
    """
    return sum(_tell(card, now) for card in payments.cards_expiring(within=FIRST, now=now))


def _tell(card: ExpiringCard, now: datetime) -> bool:
    ahead = LAST if card.expires - now.date() <= LAST else FIRST
    with scope(card.owner_id):
        trips = _outliving(card)
        if not trips:
            return False
        letter = write(card.last4, card.expires, trips)
        queued = notifications.enqueue(
            owner_id=card.owner_id,
            event_key=f"card.expires:{card.card_id}:{ahead.days}",
            recipient=email_of(card.owner_id, purpose=Purpose.NOTIFY),
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
            attachments=(),
            now=now,
        )
    return queued is not None


def _outliving(card: ExpiringCard) -> list[Trip]:
    """The searching campaigns that would charge this card and may still run after its last day."""
    rows = Campaign.objects.filter(
        status__in=[Campaign.Status.ACTIVE, Campaign.Status.BOOKING], expires_at__date__gt=card.expires
    )
    mine = [row for row in rows.order_by("created_at") if card.card_id in {row.card_id, row.second_card_id}]
    return [_trip(row, card) for row in mine[:MOST_TRIPS]]


def _trip(row: Campaign, card: ExpiringCard) -> Trip:
    second = row.second_card_id == card.card_id
    other = row.card_id if second else row.second_card_id
    spare = payments.card_state(card.owner_id, other) if other else None
    works = spare is not None and spare.active and spare.expires > card.expires
    return Trip(
        campaign_id=row.id,
        route=f"{'/'.join(row.criteria['origins'])}–{'/'.join(row.criteria['destinations'])}",
        runs_until=row.expires_at.date(),
        second=second,
        spare_last4=spare.last4 if spare and works else "",
    )


def write(last4: str, expires: date, trips: Sequence[Trip]) -> Letter:
    """The letter about one card that ends on `expires`. Pure."""
    stranded = any(not trip.spare_last4 for trip in trips)
    return compose(
        f"Your card ending in {last4} runs out on {expires:%d %B %Y}",
        (
            f"The card ending in {last4} can be charged until {expires:%d %B %Y}. You have searches that may still run after that day:",
            *(_sentence(trip) for trip in trips),
            "A fare that fits after that day could not be paid for. Please choose another card before then."
            if stranded
            else "",
            "For another card we ask for your permission again: nothing is charged without it.",
        ),
        action="Choose another card",
        link=f"{load().public_base}/campaigns/{trips[0].campaign_id}",
    )


def _sentence(trip: Trip) -> str:
    runs = f"{trip.route}, until {trip.runs_until:%d %B %Y}"
    if trip.second and trip.spare_last4:
        return f"{runs}: this is its second card. The search goes on with the card ending in {trip.spare_last4} alone."
    if trip.spare_last4:
        return f"{runs}: your second card ending in {trip.spare_last4} is charged instead."
    return f"{runs}: there is no other card that works then."
