"""A campaign's life: draft, active, paused, booking, completed; and what becomes of its matches."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4

from django.db.models import F, Q

from parkerflight.audit import operations as audit
from parkerflight.campaigns.models import Campaign, CampaignCell, Cell, Match
from parkerflight.campaigns.rules.criteria import Criteria, cells, from_json, to_json, validate
from parkerflight.core.errors import BadInput, Conflict, NotFound, Terminal
from parkerflight.core.money import Money
from parkerflight.core.switches import require_writable
from parkerflight.core.tenancy import scope
from parkerflight.payments import operations as payments
from parkerflight.travelers import queries as travelers

LONGEST = timedelta(days=365)  # twelve months: what the mandate's text promises at most
LATER = timedelta(hours=6)  # a bank or a wallet that asks for patience is asked again with the next look, not at once
MOST_VETO_HOURS = 24  # a fare held longer on somebody's behalf is speculation, which providers forbid
Status = Campaign.Status


class After(StrEnum):
    """What a campaign does once a try to book for it is let go."""

    SEARCH = "search"
    LATER = "later"
    """Search on, but book nothing for a while."""
    PERSON = "person"
    """Wait for the person."""
    END = "end"


def create_campaign(
    *,
    owner_id: UUID,
    criteria: Criteria,
    traveler_ids: list[UUID],
    cap: Money,
    card_id: UUID,
    now: datetime,
    second_card_id: UUID | None = None,
    veto_hours: int = 0,
) -> UUID:
    """Write a draft campaign. Raises BadInput for what cannot be searched, paid or flown; then nothing is written.

    Raises Retryable while the system is read-only. `veto_hours`: how long the person can say no to a fare that the
    airline holds; others are bought at once.
    """
    require_writable()
    validate(criteria, cap, now.date())
    if not 0 <= veto_hours <= MOST_VETO_HOURS:
        message = f"The time to say no is 0 to {MOST_VETO_HOURS} hours."
        raise BadInput("bad_veto_hours", message, field="veto_hours")
    if second_card_id == card_id:
        raise BadInput("same_card", "The second card is the same as the first; choose another.", field="second_card")
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
            second_card_id=second_card_id,
            veto_hours=veto_hours,
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


def activate(
    *, owner_id: UUID, campaign_id: UUID, mandate_id: UUID, now: datetime, second_mandate_id: UUID | None = None
) -> None:
    """Start watching fares. Raises Terminal when a mandate does not cover the cap, BadInput from a wrong status.

    The campaign's cards become those of its mandates.
    """
    require_writable()
    with scope(owner_id):
        campaign = _mine(campaign_id)
        cap = Money(campaign.cap_minor, campaign.currency)
        mandate = payments.mandate_allows(owner_id=owner_id, mandate_id=mandate_id, amount=cap, now=now)
        second = None
        if second_mandate_id is not None:
            second = payments.mandate_allows(owner_id=owner_id, mandate_id=second_mandate_id, amount=cap, now=now)
        moved = Campaign.objects.filter(
            id=campaign_id, status__in=[Status.DRAFT, Status.PAUSED, Status.ACTION_REQUIRED]
        )
        changes = {
            "status": Status.ACTIVE,
            "card_id": mandate.card_id,
            "mandate_id": mandate_id,
            "second_card_id": second.card_id if second else None,
            "second_mandate_id": second_mandate_id,
            "reason": "",
            "wish": "",
            "retry_at": None,
            "updated_at": now,
        }
        _moved(moved.update(**changes), campaign)
        CampaignCell.objects.filter(campaign_id=campaign_id).update(active=True)
        _audit(owner_id, campaign_id, "campaign.activated", now, {"mandate": str(mandate_id)})


def stop(*, owner_id: UUID, campaign_id: UUID, status: str, reason: str, now: datetime) -> bool:
    """Pause, cancel or expire a campaign. True when it stands still now; False when a fare is being booked just now.

    Then the wish is kept: it stops the booking unless its order has gone out already, and holds afterwards. Raises
    BadInput from a status that cannot be stopped.
    """
    with scope(owner_id):
        campaign = _mine(campaign_id)
        booking = Campaign.objects.filter(id=campaign_id, status=Status.BOOKING)
        if status in WISHES and booking.update(wish=status, updated_at=now):
            _audit(owner_id, campaign_id, f"campaign.wish_{status}", now, {})
            return False
        moved = Campaign.objects.filter(
            id=campaign_id, status__in=[Status.DRAFT, Status.ACTIVE, Status.PAUSED, Status.ACTION_REQUIRED]
        )
        _moved(moved.update(status=status, reason=reason, updated_at=now), campaign)
        CampaignCell.objects.filter(campaign_id=campaign_id).update(active=False)
        _audit(owner_id, campaign_id, f"campaign.{status}", now, {})
    return True


WISHES = frozenset({Status.PAUSED.value, Status.CANCELLED.value})
SKIP = "skip"


def skip_fare(*, owner_id: UUID, campaign_id: UUID, now: datetime) -> None:
    """Say no to the fare that is being booked; the search goes on. Raises BadInput when none is."""
    with scope(owner_id):
        campaign = _mine(campaign_id)
        booking = Campaign.objects.filter(id=campaign_id, status=Status.BOOKING, wish="")
        _moved(booking.update(wish=SKIP, updated_at=now), campaign)
        _audit(owner_id, campaign_id, "campaign.wish_skip", now, {})


def change_cap(*, owner_id: UUID, campaign_id: UUID, cap: Money, now: datetime, mandate_id: UUID | None = None) -> None:
    """Change what the trip may cost at most. A cap above what was signed needs a new mandate.

    Raises BadInput for another currency, while a fare is being booked, and when the mandate is missing; Terminal when
    the new mandate does not cover it.
    """
    with scope(owner_id):
        campaign = _mine(campaign_id)
        if cap.currency != campaign.currency or cap.minor <= 0:
            raise BadInput("bad_cap", f"The limit must be above zero and in {campaign.currency}.", field="cap")
        signed = mandate_id or campaign.mandate_id
        mandates = [one for one in (signed, campaign.second_mandate_id if mandate_id is None else None) if one]
        try:
            allowed = [
                payments.mandate_allows(owner_id=owner_id, mandate_id=one, amount=cap, now=now) for one in mandates
            ]
        except Terminal as error:
            message = "A higher limit needs your agreement again: sign a new mandate for it."
            raise BadInput("mandate_needed", message, field="mandate") from error
        changes: dict[str, object] = {"cap_minor": cap.minor, "updated_at": now}
        if mandate_id is not None:
            # The second card's old mandate is for the old limit: it goes with it.
            changes |= {"mandate_id": mandate_id, "card_id": allowed[0].card_id}
            changes |= {"second_card_id": None, "second_mandate_id": None}
        still = Campaign.objects.filter(
            id=campaign_id, status__in=[Status.DRAFT, Status.ACTIVE, Status.PAUSED, Status.ACTION_REQUIRED]
        )
        _moved(still.update(**changes), campaign)
        _audit(owner_id, campaign_id, "campaign.cap_changed", now, {"cap": cap.amount(), "currency": cap.currency})


def remove_card(*, owner_id: UUID, card_id: UUID, now: datetime) -> None:
    """Never charge this card again; campaigns that would have used it wait for the person. Raises NotFound."""
    payments.remove_card(owner_id=owner_id, card_id=card_id, now=now)
    _without_card(owner_id, card_id, now)


def card_gone(*, owner_id: UUID, reference: str, now: datetime) -> None:
    """The payment gateway says that a card is detached; as if its holder had removed it here."""
    card_id = payments.card_gone(owner_id=owner_id, reference=reference, now=now)
    if card_id:
        _without_card(owner_id, card_id, now)


def _without_card(owner_id: UUID, card_id: UUID, now: datetime) -> None:
    """Campaigns on this card go on with their second one, or wait for the person."""
    with scope(owner_id):
        Campaign.objects.filter(second_card_id=card_id).update(
            second_card_id=None, second_mandate_id=None, updated_at=now
        )
        mine = Campaign.objects.filter(card_id=card_id)
        spare = mine.filter(second_card_id__isnull=False).exclude(status=Status.BOOKING)
        spare.update(
            card_id=F("second_card_id"), mandate_id=F("second_mandate_id"), second_card_id=None, second_mandate_id=None,
            updated_at=now,
        )  # fmt: skip
        mine.filter(status=Status.BOOKING, wish="").update(wish=Status.PAUSED, updated_at=now)
        stopped = mine.filter(status__in=[Status.ACTIVE, Status.PAUSED])
        ids = list(stopped.values_list("id", flat=True))
        reason = "The card was removed; choose another."
        stopped.update(status=Status.ACTION_REQUIRED, reason=reason, updated_at=now)
        CampaignCell.objects.filter(campaign_id__in=ids).update(active=False)
        for campaign_id in ids:
            _audit(owner_id, campaign_id, "campaign.card_removed", now, {})


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
        raise Conflict("wrong_status", f"The campaign is {campaign.status}; that cannot be done now.")


@dataclass(frozen=True, slots=True)
class ClaimedMatch:
    """A match that is ours to book. `total` is what the search showed, for the whole party; moments are aware, UTC."""

    id: UUID
    owner_id: UUID
    campaign_id: UUID
    offer_id: str
    offer_request_id: str
    total: Money
    offer_expires_at: datetime | None


def claim_match(*, owner_id: UUID, match_id: UUID, now: datetime) -> ClaimedMatch | None:
    """Take a match for booking: the campaign stops searching in the same commit. None when somebody was faster.

    Joins the caller's transaction.
    """
    with scope(owner_id):
        match = Match.objects.filter(id=match_id).first()
        if match is None or match.state != Match.State.FOUND:
            return None
        patient = Q(retry_at__isnull=True) | Q(retry_at__lte=now)
        taken = Campaign.objects.filter(patient, id=match.campaign_id, status=Status.ACTIVE).update(
            status=Status.BOOKING, wish="", updated_at=now
        )
        if not taken:
            Match.objects.filter(id=match_id, state=Match.State.FOUND).update(
                state=Match.State.RELEASED, settled_at=now
            )
            return None
        Match.objects.filter(id=match_id).update(state=Match.State.CLAIMED)
        CampaignCell.objects.filter(campaign_id=match.campaign_id).update(active=False)
        total = Money(match.total_minor, match.currency)
        return ClaimedMatch(
            match.id, owner_id, match.campaign_id, match.offer_id, match.offer_request_id, total, match.offer_expires_at
        )


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
            status=Status.COMPLETED, reason="", wish="", updated_at=now
        )
        Match.objects.filter(campaign_id=match.campaign_id, state=Match.State.FOUND).update(
            state=Match.State.RELEASED, settled_at=now
        )
        _audit(owner_id, match.campaign_id, "campaign.completed", now, {})


def release(*, owner_id: UUID, match_id: UUID, now: datetime, reason: str, after: After) -> None:
    """Nothing was bought: the campaign does what follows, unless the person wished otherwise meanwhile.

    Joins the caller's transaction.
    """
    with scope(owner_id):
        match = _settle(match_id, Match.State.RELEASED, now)
        campaign = Campaign.objects.select_for_update().get(id=match.campaign_id)
        status = _status_after(campaign.wish, after)
        # A wish that arrived too late for this try is fulfilled now; its reason is the person's own.
        kept = "" if campaign.wish in WISHES else reason
        Campaign.objects.filter(id=match.campaign_id, status=Status.BOOKING).update(
            status=status,
            reason=kept,
            wish="",
            retry_at=now + LATER if after is After.LATER else None,
            updated_at=now,
        )
        CampaignCell.objects.filter(campaign_id=match.campaign_id).update(active=status == Status.ACTIVE)
        _audit(owner_id, match.campaign_id, "campaign.released", now, {"reason": reason, "after": after.value})


def _status_after(wish: str, after: After) -> str:
    if wish in WISHES:
        return wish
    return {After.PERSON: Status.ACTION_REQUIRED, After.END: Status.CANCELLED}.get(after, Status.ACTIVE)


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
