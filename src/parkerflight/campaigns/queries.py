"""Reads for other rooms: plain values, in the owner's scope."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from parkerflight.campaigns.models import Campaign, CampaignCell, Look, Match
from parkerflight.campaigns.watching import judge
from parkerflight.core.errors import NotFound
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.flights.types import Offer


@dataclass(frozen=True, slots=True)
class CampaignView:
    """A campaign as others may see it. `looks` counts the searches made of its cells."""

    id: UUID
    owner_id: UUID
    status: str
    reason: str
    cap: Money
    card_id: UUID
    mandate_id: UUID | None
    traveler_ids: tuple[UUID, ...]
    criteria: dict[str, Any]
    expires_at: datetime
    looks: int
    wish: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What booking needs to know of a campaign."""

    cap: Money
    card_id: UUID
    mandate_id: UUID | None
    traveler_ids: tuple[UUID, ...]
    second_card_id: UUID | None
    second_mandate_id: UUID | None
    veto_hours: int
    wish: str
    """What the person asked for since booking began: paused, cancelled, skip, or nothing."""


def terms(owner_id: UUID, campaign_id: UUID, *, lock: bool = False) -> Terms:
    """The campaign's cap, cards, mandates and travellers; one query. `lock` keeps it as it is until the caller's commit.

    Raises NotFound.
    """
    with scope(owner_id):
        rows = Campaign.objects.select_for_update() if lock else Campaign.objects.all()
        row = rows.filter(id=campaign_id).first()
    if row is None:
        raise NotFound("no_campaign", "There is no such campaign.")
    return Terms(
        cap=Money(row.cap_minor, row.currency),
        card_id=row.card_id,
        mandate_id=row.mandate_id,
        traveler_ids=tuple(UUID(one) for one in row.traveler_ids),
        second_card_id=row.second_card_id,
        second_mandate_id=row.second_mandate_id,
        veto_hours=row.veto_hours,
        wish=row.wish,
    )


def campaign(owner_id: UUID, campaign_id: UUID) -> CampaignView:
    """One campaign. Raises NotFound, also for another person's."""
    with scope(owner_id):
        row = Campaign.objects.filter(id=campaign_id).first()
        if row is None:
            raise NotFound("no_campaign", "There is no such campaign.")
        return _view(row)


def campaigns(owner_id: UUID) -> list[CampaignView]:
    """All campaigns of a person, newest first."""
    with scope(owner_id):
        return [_view(row) for row in Campaign.objects.order_by("-created_at")[:200]]


def verdict_now(owner_id: UUID, campaign_id: UUID, offers: Sequence[Offer], now: datetime) -> str:
    """Empty when the first of `offers` still satisfies the campaign, else the reason as one sentence."""
    with scope(owner_id):
        verdict = judge(Campaign.objects.get(id=campaign_id), offers, now)
        return "" if verdict.best else verdict.refusals[0].sentence


def match_verdict(owner_id: UUID, match_id: UUID) -> dict[str, Any]:
    """Why this offer and not the others."""
    with scope(owner_id):
        return dict(Match.objects.get(id=match_id).verdict)


def _view(row: Campaign) -> CampaignView:
    cells = CampaignCell.objects.filter(campaign_id=row.id).values("cell_id")
    return CampaignView(
        id=row.id,
        owner_id=row.owner_id,
        status=row.status,
        reason=row.reason,
        cap=Money(row.cap_minor, row.currency),
        card_id=row.card_id,
        mandate_id=row.mandate_id,
        traveler_ids=tuple(UUID(one) for one in row.traveler_ids),
        criteria=row.criteria,
        expires_at=row.expires_at,
        looks=Look.objects.filter(cell_id__in=cells, at__gte=row.created_at).count(),
        wish=row.wish,
    )
