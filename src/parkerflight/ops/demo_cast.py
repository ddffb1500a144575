"""The demo's traveller, card and campaign; made through the same operations the pages use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from parkerflight.accounts.operations import open_account
from parkerflight.campaigns import operations as campaigns
from parkerflight.campaigns.models import CampaignCell, Cell, Look, Match
from parkerflight.campaigns.rules.criteria import Criteria, cells, query_of
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.flights.operations import provider
from parkerflight.notifications.models import Message
from parkerflight.ops.demo_stage import post
from parkerflight.payments import cards
from parkerflight.payments import operations as payments
from parkerflight.payments import queries as payment_queries
from parkerflight.settings.config import load
from parkerflight.travelers.operations import add_document, add_traveler
from parkerflight.travelers.values import Document, DocumentKind, Profile

if TYPE_CHECKING:
    from uuid import UUID

ROUTE = ("LHR", "LIS")
HOLDS = "BA"  # keeps seats unpaid for a day on fares with a bag
AHEAD = timedelta(days=62)  # outside the steep last weeks: fares fall about as often as they rise


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays, and what was said on the way."""

    owner_id: UUID
    campaign_id: UUID
    lines: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the traveller brings and wants."""

    share: Decimal
    """The limit as a share of today's lowest fare; below one it is rounded to whole pounds, as people do."""
    card: str = "pm_card_visa"
    """One of Stripe's public test cards."""
    second_card: str = ""
    holdable: bool = False
    """A fare with a bag on an airline that keeps seats unpaid for a while."""

    def cap(self, today: Money) -> Money:
        """The limit, given today's lowest fare."""
        wanted = today.decimal * self.share
        return Money.rounded(wanted.quantize(Decimal(1)) if self.share < 1 else wanted, today.currency)


def prepare(*, now: datetime, wish: Wish, stripe: str) -> Cast:
    """Open the account, seal the traveller, save the cards, sign the mandates, start the campaign.

    `stripe` is the sandbox's address: cards whose bank wants their holder are confirmed there.
    """
    owner_id = open_account(email="amelia.hart@example.org", now=now)
    traveler_id = add_traveler(owner_id=owner_id, profile=_amelia(), now=now, actor=f"account:{owner_id}")
    card_id = _save(owner_id, wish.card, stripe, now)
    card = payment_queries.card(owner_id, card_id)
    add_document(
        owner_id=owner_id, traveler_id=traveler_id, document=_passport(now.date()), now=now, actor=f"account:{owner_id}"
    )
    criteria = _criteria(now.date(), wish)
    today = _lowest(criteria, wish)
    cap = wish.cap(today)
    campaign_id = campaigns.create_campaign(
        owner_id=owner_id, criteria=criteria, traveler_ids=[traveler_id], cap=cap, card_id=card_id, now=now
    )
    second = _sign(owner_id, _save(owner_id, wish.second_card, stripe, now), cap, now) if wish.second_card else None
    campaigns.activate(
        owner_id=owner_id, campaign_id=campaign_id, mandate_id=_sign(owner_id, card_id, cap, now),
        second_mandate_id=second, now=now,
    )  # fmt: skip
    also = "; a second card stands by" if second else ""
    lines = [
        ("traveller", "Amelia Hart; name, birthday, contact and passport are sealed under her own key"),
        ("card", f"{card.brand} •••• {card.last4}, saved at Stripe; we never see its number{also}"),
        (
            "trip",
            f"{ROUTE[0]} → {ROUTE[1]} and back, {len(cells(criteria))} date pairs around {now.date() + AHEAD:%d %B %Y}",
        ),
        ("today", f"the cheapest such fare costs {today}"),
        ("mandate", f"buy at or under [bold]{cap}[/bold], all in, once; signed for 90 days"),
    ]
    return Cast(owner_id, campaign_id, lines)


def _amelia() -> Profile:
    return Profile(
        given_name="Amelia", family_name="Hart", title="ms", gender="f", born_on=date(1991, 7, 24),
        email="amelia.hart@example.org", phone="+442079460018",
    )  # fmt: skip


def _passport(today: date) -> Document:
    """A made-up passport, good for eight years."""
    return Document(DocumentKind.PASSPORT, "533401372", "GB", today.replace(year=today.year + 8, day=1))


def _save(owner_id: UUID, token: str, stripe: str, now: datetime) -> UUID:
    """Save a test card; a bank that wants the cardholder gets its confirmation, as in the person's browser."""
    view = cards.start_setup(owner_id=owner_id, token=token, now=now)
    if view.needs_customer:
        post(f"{stripe}/_sandbox/setup_intents/{view.reference}/authenticate", {"outcome": "success"})
    return cards.finish_card(owner_id=owner_id, setup=view.reference, now=now)


def _sign(owner_id: UUID, card_id: UUID, cap: Money, now: datetime) -> UUID:
    return payments.sign_mandate(
        owner_id=owner_id, card_id=card_id, cap=cap, includes="fare, taxes and the bags asked for, for all travellers",
        valid_until=now + timedelta(days=90), ip="203.0.113.7", user_agent="parker demo", now=now,
    )  # fmt: skip


def _lowest(criteria: Criteria, wish: Wish) -> Money:
    """The lowest fare on sale now that the traveller would take."""
    offers = [offer for cell in cells(criteria) for offer in provider().search(query_of(cell.to_json()))]
    fits = [one for one in offers if not wish.holdable or (one.owner == HOLDS and not one.requires_instant_payment)]
    return min((one.total for one in fits), key=lambda total: total.minor)


def _criteria(today: date, wish: Wish) -> Criteria:
    first = today + AHEAD
    return Criteria(
        origins=(ROUTE[0],), destinations=(ROUTE[1],), departure_from=first, departure_to=first + timedelta(days=2),
        nights_min=6, nights_max=7, adults=1, max_connections=0, min_checked_bags=1 if wish.holdable else 0,
        airlines_in=(HOLDS,) if wish.holdable else (),
    )  # fmt: skip


def looks_outstanding(owner_id: UUID, campaign_id: UUID, now: datetime) -> bool:
    """Whether a cell of the campaign still waits for its look at this moment, or a match for its claim."""
    due = now - timedelta(hours=load().search_interval_hours)
    with scope(owner_id):
        keys = CampaignCell.objects.filter(campaign_id=campaign_id, active=True).values("cell_id")
        wanted = Cell.objects.filter(key__in=keys)
        if Match.objects.filter(campaign_id=campaign_id, state=Match.State.FOUND).exists():
            return True
        return wanted.filter(last_look_at__isnull=True).exists() or wanted.filter(last_look_at__lte=due).exists()


def lowest_seen(owner_id: UUID, campaign_id: UUID) -> Money | None:
    """The lowest fare among the newest looks at the campaign's cells."""
    with scope(owner_id):
        keys = list(CampaignCell.objects.filter(campaign_id=campaign_id).values_list("cell_id", flat=True))
        newest = (
            Look.objects.filter(cell_id__in=keys, lowest_minor__isnull=False)
            .order_by("cell_id", "-id")
            .distinct("cell_id")
        )
        return min(
            (Money(look.lowest_minor or 0, look.currency) for look in newest),
            default=None,
            key=lambda money: money.minor,
        )


def letters_under_way(owner_id: UUID, *, booked: bool) -> bool:
    """Whether a letter is still to be written or sent; a booking has its confirmation."""
    with scope(owner_id):
        mine = Message.objects.all()
        missing = booked and not mine.filter(event_key__startswith="booking.confirmed").exists()
        return missing or not mine.exists() or mine.filter(state__in=("queued", "sending")).exists()
