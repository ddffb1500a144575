"""Watching fares: which cells to look at now, looking, and matching what was seen. One search serves every campaign."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from parkerflight.campaigns.models import Campaign, CampaignCell, Cell, Look, Match
from parkerflight.campaigns.operations import criteria_of
from parkerflight.campaigns.rules.criteria import query_of
from parkerflight.campaigns.rules.matcher import Verdict, match
from parkerflight.campaigns.rules.planner import CellState, due
from parkerflight.core import clock
from parkerflight.core.errors import ParkerError, Retryable
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.flights.operations import provider
from parkerflight.flights.types import Offer
from parkerflight.settings.config import load
from parkerflight.travelers import queries as travelers

log = logging.getLogger(__name__)
LOOK_LEASE = timedelta(seconds=90)  # a search may take 65 s on the wire; after this the worker is taken for dead


def claim_due_cells(*, now: datetime, budget: int) -> list[str]:
    """Keys of the cells to look at now, at most `budget`, claimed for the caller so that nobody else looks too."""
    interval = timedelta(hours=load().search_interval_hours)
    candidates = _wanted(now, interval)
    keys = due([CellState(key, at) for key, at in candidates], now=now, interval=interval, budget=budget)
    until = now + clock.lease(LOOK_LEASE)
    return [key for key in keys if _free(now).filter(key=key).update(claimed_until=until)]


def _free(now: datetime) -> "QuerySet[Cell]":
    return Cell.objects.filter(Q(claimed_until__isnull=True) | Q(claimed_until__lte=now))


def _wanted(now: datetime, interval: timedelta) -> Sequence[tuple[str, datetime | None]]:
    wanted = CampaignCell.objects.filter(cell=OuterRef("pk"), active=True)
    ripe = Q(last_look_at__isnull=True) | Q(last_look_at__lte=now - interval)
    # ISO dates sort as text; a day that has begun everywhere on Earth cannot be departed on any more.
    still_ahead = Q(query__depart__gte=(now - timedelta(hours=12)).date().isoformat())
    rows = _free(now).filter(ripe, still_ahead).filter(Exists(wanted))
    return list(rows.order_by(F("last_look_at").asc(nulls_first=True)).values_list("key", "last_look_at")[:500])


def look(*, cell_key: str, now: datetime) -> list[tuple[UUID, UUID]]:
    """Search one cell and match what it shows. Returns (owner, match) of the new matches.

    A refused search is recorded as a look with its error and tried again after the interval; one that may be repeated
    frees the cell for the next round.
    """
    cell = Cell.objects.get(key=cell_key)
    try:
        offers = provider().search(query_of(cell.query))
    except Retryable as error:
        log.info("look postponed: %s", error.code)
        Cell.objects.filter(key=cell_key).update(claimed_until=now + timedelta(seconds=error.after))
        return []
    except ParkerError as error:
        log.warning("look failed: %s", error.code)
        _record(cell_key, now, (), 0, error.code)
        return []
    found = [hit for campaign in _campaigns(cell_key) if (hit := _match_one(campaign, offers, now))]
    _record(cell_key, now, offers, len(found), "")
    return found


def _campaigns(cell_key: str) -> list[CampaignCell]:
    return list(CampaignCell.objects.filter(cell_id=cell_key, active=True).only("owner_id", "campaign_id"))


def _match_one(wish: CampaignCell, offers: Sequence[Offer], now: datetime) -> tuple[UUID, UUID] | None:
    with scope(wish.owner_id):
        campaign = Campaign.objects.filter(id=wish.campaign_id, status=Campaign.Status.ACTIVE).first()
        if campaign is None or campaign.expires_at <= now:
            return None
        if campaign.retry_at is not None and campaign.retry_at > now:
            return None
        verdict = judge(campaign, offers, now)
        if verdict.best is None:
            return None
        return _keep(campaign, verdict.best, verdict, now)


def judge(campaign: Campaign, offers: Sequence[Offer], now: datetime) -> Verdict:
    """Which of `offers` satisfies the campaign best, and why not the others. Call in the owner's scope."""
    ids = [UUID(one) for one in campaign.traveler_ids]
    has_documents = travelers.all_have_documents(campaign.owner_id, ids)
    cap = Money(campaign.cap_minor, campaign.currency)
    return match(offers, criteria_of(campaign), cap, now=now, has_documents=has_documents)


def _keep(campaign: Campaign, best: Offer, verdict: Verdict, now: datetime) -> tuple[UUID, UUID] | None:
    row, created = Match.objects.get_or_create(
        campaign=campaign,
        offer_id=best.id,
        defaults={
            "id": uuid4(),
            "owner_id": campaign.owner_id,
            "offer_request_id": best.offer_request_id,
            "total_minor": best.total.minor,
            "currency": best.total.currency,
            "offer_expires_at": best.expires_at,
            "verdict": verdict.to_json(),
            "found_at": now,
        },
    )
    return (campaign.owner_id, row.id) if created else None


def _record(cell_key: str, now: datetime, offers: Sequence[Offer], matches: int, error: str) -> None:
    lowest = min((offer.total for offer in offers), default=None, key=lambda total: total.minor)
    with transaction.atomic():
        Look.objects.create(
            cell_id=cell_key,
            at=now,
            offers=len(offers),
            lowest_minor=lowest.minor if lowest else None,
            currency=lowest.currency if lowest else "",
            matches=matches,
            error=error,
        )
        Cell.objects.filter(key=cell_key).update(last_look_at=now, claimed_until=None)


def waiting_matches(limit: int = 50) -> list[tuple[UUID, UUID]]:
    """(owner, match) of matches nobody has claimed yet, oldest first: what a crash between look and claim left."""
    rows = Match.objects.filter(state=Match.State.FOUND).order_by("found_at")[:limit]
    return [(row.owner_id, row.id) for row in rows]
