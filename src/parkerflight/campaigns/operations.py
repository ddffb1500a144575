"""A campaign's life: draft, active, paused, booking, completed; and what becomes of its matches."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from parkerflight.audit import operations as audit
from parkerflight.campaigns.models import Campaign, CampaignCell, Cell, Match
from parkerflight.campaigns.rules.criteria import Criteria, cells, from_json, to_json, validate
from parkerflight.core.errors import BadInput, NotFound
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.payments import operations as payments
from parkerflight.travelers import queries as travelers

LONGEST = timedelta(days=365)  # twelve months: what the mandate's text promises at most
Status = Campaign.Status


def create_campaign(
    *, owner_id: UUID, criteria: Criteria, traveler_ids: list[UUID], cap: Money, card_id: UUID, now: datetime
) -> UUID:
    """Write a draft campaign. Raises BadInput for what cannot be searched, paid or flown; then nothing is written."""
    validate(criteria, cap, now.date())
    _check_party(owner_id, criteria, traveler_ids)
    campaign_id = uuid4()
    with scope(owner_id):
        Campaign.objects.create(
            id=campaign_id,
            owner_id=owner_id,
            criteria=to_json(criteria),
            traveler_ids=[str(one) for one in traveler_ids],
            cap_minor=cap.minor,
            currency=cap.currency,
            card_id=card_id,
            expires_at=min(now + LONGEST, _last_day(criteria, now)),
            created_at=now,
            updated_at=now,
        )
        _want_cells(owner_id, campaign_id, criteria)
        _audit(owner_id, campaign_id, "campaign.created", now, {"cap": cap.amount(), "currency": cap.currency})
    return campaign_id


def _last_day(criteria: Criteria, now: datetime) -> datetime:
    last = criteria.departure_to
    return datetime(last.year, last.month, last.day, 23, 59, tzinfo=now.tzinfo)


def _check_party(owner_id: UUID, criteria: Criteria, traveler_ids: list[UUID]) -> None:
    """The travellers must be the party that is searched for: a seat each, minors with the age they have on the last flight."""
    if len(set(traveler_ids)) != len(traveler_ids):
        raise BadInput("traveler_twice", "A traveller is named twice; name each once.", field="travelers")
    minors = sorted(criteria.minor_ages)
    ages = travelers.ages_on(owner_id, traveler_ids, criteria.last_flight_day)
    found = sorted(age for age in ages if age < ADULT)
    if len(ages) != criteria.adults + len(minors) or found != minors:
        message = f"The trip is for {criteria.adults} adults and minors aged {minors}, the travellers have ages {sorted(ages)}."
        raise BadInput("party_mismatch", f"{message} Change the travellers or the trip.", field="travelers")


ADULT = 18  # Duffel: under 18 by age, from 18 as an adult


def _want_cells(owner_id: UUID, campaign_id: UUID, criteria: Criteria) -> None:
    wanted = cells(criteria)
    Cell.objects.bulk_create([Cell(key=cell.key, query=cell.to_json()) for cell in wanted], ignore_conflicts=True)
    CampaignCell.objects.bulk_create(
        [CampaignCell(owner_id=owner_id, campaign_id=campaign_id, cell_id=cell.key, active=False) for cell in wanted]
    )


def activate(*, owner_id: UUID, campaign_id: UUID, mandate_id: UUID, now: datetime) -> None:
    """Start watching fares. Raises Terminal when the mandate does not cover the cap, BadInput from a wrong status."""
    with scope(owner_id):
        campaign = _mine(campaign_id)
        payments.mandate_allows(
            owner_id=owner_id, mandate_id=mandate_id, amount=Money(campaign.cap_minor, campaign.currency), now=now
        )
        moved = Campaign.objects.filter(
            id=campaign_id, status__in=[Status.DRAFT, Status.PAUSED, Status.ACTION_REQUIRED]
        )
        _moved(moved.update(status=Status.ACTIVE, mandate_id=mandate_id, reason="", updated_at=now), campaign)
        CampaignCell.objects.filter(campaign_id=campaign_id).update(active=True)
        _audit(owner_id, campaign_id, "campaign.activated", now, {"mandate": str(mandate_id)})


def stop(*, owner_id: UUID, campaign_id: UUID, status: str, reason: str, now: datetime) -> None:
    """Pause, cancel or expire a campaign that is not booking just now. Raises BadInput when it is."""
    with scope(owner_id):
        campaign = _mine(campaign_id)
        moved = Campaign.objects.filter(
            id=campaign_id, status__in=[Status.DRAFT, Status.ACTIVE, Status.PAUSED, Status.ACTION_REQUIRED]
        )
        _moved(moved.update(status=status, reason=reason, updated_at=now), campaign)
        CampaignCell.objects.filter(campaign_id=campaign_id).update(active=False)
        _audit(owner_id, campaign_id, f"campaign.{status}", now, {})


def expire_due(*, now: datetime, limit: int = 100) -> int:
    """End active campaigns whose last day is over; their cells are searched no more. Returns how many."""
    over = list(Campaign.objects.filter(status=Status.ACTIVE, expires_at__lte=now)[:limit])
    for campaign in over:
        stop(
            owner_id=campaign.owner_id,
            campaign_id=campaign.id,
            status=Status.EXPIRED,
            reason="The last day of the search is over; nothing was bought.",
            now=now,
        )
    return len(over)


def _moved(rows: int, campaign: Campaign) -> None:
    if not rows:
        raise BadInput("wrong_status", f"The campaign is {campaign.status}; that cannot be done now.")


@dataclass(frozen=True, slots=True)
class ClaimedMatch:
    """A match that is ours to book. `total` is what the search showed, for the whole party."""

    id: UUID
    owner_id: UUID
    campaign_id: UUID
    offer_id: str
    offer_request_id: str
    total: Money


def claim_match(*, owner_id: UUID, match_id: UUID, now: datetime) -> ClaimedMatch | None:
    """Take a match for booking: the campaign stops searching in the same commit. None when somebody was faster.

    Joins the caller's transaction.
    """
    with scope(owner_id):
        match = Match.objects.filter(id=match_id).first()
        if match is None or match.state != Match.State.FOUND:
            return None
        taken = Campaign.objects.filter(id=match.campaign_id, status=Status.ACTIVE).update(
            status=Status.BOOKING, updated_at=now
        )
        if not taken:
            Match.objects.filter(id=match_id, state=Match.State.FOUND).update(
                state=Match.State.RELEASED, settled_at=now
            )
            return None
        Match.objects.filter(id=match_id).update(state=Match.State.CLAIMED)
        CampaignCell.objects.filter(campaign_id=match.campaign_id).update(active=False)
        total = Money(match.total_minor, match.currency)
        return ClaimedMatch(match.id, owner_id, match.campaign_id, match.offer_id, match.offer_request_id, total)


def drop_match(*, owner_id: UUID, match_id: UUID, now: datetime) -> None:
    """Let go of a match whose offer another attempt has taken; its campaign searches again at once."""
    with scope(owner_id):
        match = Match.objects.get(id=match_id)
        if not Match.objects.filter(id=match_id, state=Match.State.FOUND).update(
            state=Match.State.RELEASED, settled_at=now
        ):
            return
        keys = CampaignCell.objects.filter(campaign_id=match.campaign_id).values("cell_id")
        # Only what was looked at in that moment: the match came from there.
        Cell.objects.filter(key__in=keys, last_look_at=match.found_at).update(last_look_at=None)


def fulfil(*, owner_id: UUID, match_id: UUID, now: datetime) -> None:
    """The ticket is bought and paid: the campaign is complete. Joins the caller's transaction."""
    with scope(owner_id):
        match = _settle(match_id, Match.State.FULFILLED, now)
        Campaign.objects.filter(id=match.campaign_id, status=Status.BOOKING).update(
            status=Status.COMPLETED, reason="", updated_at=now
        )
        Match.objects.filter(campaign_id=match.campaign_id, state=Match.State.FOUND).update(
            state=Match.State.RELEASED, settled_at=now
        )
        _audit(owner_id, match.campaign_id, "campaign.completed", now, {})


def release(*, owner_id: UUID, match_id: UUID, now: datetime, reason: str, person_must_act: bool) -> None:
    """Nothing was bought: the campaign searches again, or waits for the person. Joins the caller's transaction."""
    with scope(owner_id):
        match = _settle(match_id, Match.State.RELEASED, now)
        status = Status.ACTION_REQUIRED if person_must_act else Status.ACTIVE
        Campaign.objects.filter(id=match.campaign_id, status=Status.BOOKING).update(
            status=status, reason=reason, updated_at=now
        )
        CampaignCell.objects.filter(campaign_id=match.campaign_id).update(active=not person_must_act)
        _audit(owner_id, match.campaign_id, "campaign.released", now, {"reason": reason})


def _settle(match_id: UUID, state: str, now: datetime) -> Match:
    Match.objects.filter(id=match_id, state=Match.State.CLAIMED).update(state=state, settled_at=now)
    return Match.objects.get(id=match_id)


def criteria_of(campaign: Campaign) -> Criteria:
    """The stored criteria as a value."""
    return from_json(campaign.criteria)


def _mine(campaign_id: UUID) -> Campaign:
    campaign = Campaign.objects.filter(id=campaign_id).first()
    if campaign is None:
        raise NotFound("no_campaign", "There is no such campaign.")
    return campaign


def _audit(
    owner_id: UUID, campaign_id: UUID, action: str, now: datetime, details: dict[str, str | int | bool | list[str]]
) -> None:
    audit.record(
        at=now,
        owner_id=owner_id,
        actor=audit.account(owner_id),
        action=action,
        object_type="campaign",
        object_id=campaign_id,
        details=details,
    )
