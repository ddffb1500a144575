"""The demo's traveller, card and campaign; made through the same operations the pages use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from parkerflight.accounts.operations import open_account
from parkerflight.campaigns import operations as campaigns
from parkerflight.campaigns.models import CampaignCell, Cell, Look
from parkerflight.campaigns.rules.criteria import Criteria, cells, query_of
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.flights.operations import provider
from parkerflight.payments import operations as payments
from parkerflight.payments import queries as payment_queries
from parkerflight.settings.config import load
from parkerflight.travelers.operations import add_document, add_traveler
from parkerflight.travelers.values import Document, DocumentKind, Profile

if TYPE_CHECKING:
    from uuid import UUID

ROUTE = ("LHR", "LIS")
AHEAD = timedelta(days=62)  # outside the steep last weeks: fares fall about as often as they rise


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays, and what was said on the way."""

    owner_id: UUID
    campaign_id: UUID
    lines: list[tuple[str, str]]


def prepare(*, now: datetime, discount: Decimal) -> Cast:
    """Open the account, seal the traveller, save the card, sign the mandate, start the campaign."""
    owner_id = open_account(email="amelia.hart@example.org", now=now)
    traveler_id = add_traveler(owner_id=owner_id, profile=_amelia(), now=now, actor=f"account:{owner_id}")
    card_id = payments.save_test_card(owner_id=owner_id, token="pm_card_visa", now=now)  # noqa: S106 - a public test card
    card = payment_queries.card(owner_id, card_id)
    add_document(
        owner_id=owner_id, traveler_id=traveler_id, document=_passport(now.date()), now=now, actor=f"account:{owner_id}"
    )
    criteria = _criteria(now.date())
    today = min(
        (offer.total for cell in cells(criteria) for offer in provider().search(query_of(cell.to_json()))),
        key=lambda m: m.minor,
    )
    cap = Money.rounded((today.decimal * discount).quantize(Decimal(1)), today.currency)
    campaign_id = campaigns.create_campaign(
        owner_id=owner_id, criteria=criteria, traveler_ids=[traveler_id], cap=cap, card_id=card_id, now=now
    )
    mandate_id = payments.sign_mandate(
        owner_id=owner_id, card_id=card_id, cap=cap, includes="fare, taxes and the bags asked for, for all travellers",
        valid_until=now + timedelta(days=90), ip="203.0.113.7", user_agent="parker demo", now=now,
    )  # fmt: skip
    campaigns.activate(owner_id=owner_id, campaign_id=campaign_id, mandate_id=mandate_id, now=now)
    lines = [
        ("traveller", "Amelia Hart; name, birthday, contact and passport are sealed under her own key"),
        ("card", f"{card.brand} •••• {card.last4}, saved at Stripe; we never see its number"),
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


def _criteria(today: date) -> Criteria:
    first = today + AHEAD
    return Criteria(
        origins=(ROUTE[0],), destinations=(ROUTE[1],), departure_from=first, departure_to=first + timedelta(days=2),
        nights_min=6, nights_max=7, adults=1, max_connections=0,
    )  # fmt: skip


def looks_outstanding(owner_id: UUID, campaign_id: UUID, now: datetime) -> bool:
    """Whether a cell of the campaign still waits for its look at this moment."""
    due = now - timedelta(hours=load().search_interval_hours)
    with scope(owner_id):
        keys = CampaignCell.objects.filter(campaign_id=campaign_id, active=True).values("cell_id")
        wanted = Cell.objects.filter(key__in=keys)
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
