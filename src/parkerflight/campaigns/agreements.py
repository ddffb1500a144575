"""What a person does with a campaign, together with what they agree to: no campaign runs without a mandate of its own.

The mandate's words end the permission with every pause, so going on needs a new one. Each function is one transaction,
or joins the caller's.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from parkerflight.campaigns import operations
from parkerflight.campaigns.models import Campaign
from parkerflight.campaigns.rules.criteria import Criteria
from parkerflight.core.errors import BadInput, NotFound
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.payments import operations as payments
from parkerflight.payments.mandate_texts import CURRENT

INCLUDES = "fare, taxes and the bags asked for, for all travellers"
Status = Campaign.Status


@dataclass(frozen=True, slots=True)
class Agreement:
    """That the person agreed to the mandate's words: to which, and from where."""

    version: str
    ip: str
    user_agent: str


def start(
    *,
    owner_id: UUID,
    criteria: Criteria,
    traveler_ids: list[UUID],
    cap: Money,
    card_id: UUID,
    agreement: Agreement,
    now: datetime,
    second_card_id: UUID | None = None,
    veto_hours: int = 0,
) -> UUID:
    """Write the campaign, sign its mandates, start watching fares. Returns the campaign; refusals write nothing.

    Raises BadInput and NotFound as `operations.create_campaign`, `sign_mandate` and `activate` do.
    """
    with scope(owner_id):
        campaign_id = operations.create_campaign(
            owner_id=owner_id,
            criteria=criteria,
            traveler_ids=traveler_ids,
            cap=cap,
            card_id=card_id,
            second_card_id=second_card_id,
            veto_hours=veto_hours,
            now=now,
        )
        _sign_and_activate(owner_id, campaign_id, agreement, now)
    return campaign_id


def resume(
    *, owner_id: UUID, campaign_id: UUID, agreement: Agreement, now: datetime, card_id: UUID | None = None
) -> None:
    """Go on with a paused campaign, or one that waited for the person; `card_id` pays from now on when given.

    Raises Conflict from another status, BadInput, NotFound.
    """
    with scope(owner_id):
        _sign_and_activate(owner_id, campaign_id, agreement, now, card_id=card_id)


def _sign_and_activate(
    owner_id: UUID, campaign_id: UUID, agreement: Agreement, now: datetime, *, card_id: UUID | None = None
) -> None:
    campaign = _mine(campaign_id)
    cap = Money(campaign.cap_minor, campaign.currency)
    first = card_id or campaign.card_id
    second = campaign.second_card_id if campaign.second_card_id != first else None
    mandate_id = _sign(owner_id, campaign, first, cap, agreement, now)
    second_mandate_id = _sign(owner_id, campaign, second, cap, agreement, now) if second else None
    operations.activate(
        owner_id=owner_id,
        campaign_id=campaign_id,
        mandate_id=mandate_id,
        second_mandate_id=second_mandate_id,
        now=now,
    )


def _sign(owner_id: UUID, campaign: Campaign, card_id: UUID, cap: Money, agreement: Agreement, now: datetime) -> UUID:
    if agreement.version != CURRENT:
        message = f"The wording has changed: show version {CURRENT} and ask for agreement again."
        raise BadInput("agreement_outdated", message, field="agreement")
    return payments.sign_mandate(
        owner_id=owner_id,
        card_id=card_id,
        cap=cap,
        includes=INCLUDES,
        valid_until=campaign.expires_at,
        ip=agreement.ip,
        user_agent=agreement.user_agent,
        now=now,
    )


def stop(*, owner_id: UUID, campaign_id: UUID, status: str, now: datetime) -> bool:
    """Pause or cancel, as the person wishes; the permission to charge ends with it, as its words say.

    False when a fare is being booked just now: then the wish is kept (see `operations.stop`). Raises Conflict.
    """
    with scope(owner_id):
        still = operations.stop(owner_id=owner_id, campaign_id=campaign_id, status=status, reason="", now=now)
        if still:
            _revoke(owner_id, _mine(campaign_id), now)
    return still


def change_cap(
    *, owner_id: UUID, campaign_id: UUID, cap: Money, now: datetime, agreement: Agreement | None = None
) -> None:
    """Change what the trip may cost at most; above what was signed it needs a new agreement.

    Raises BadInput `mandate_needed` without one, Conflict while a fare is being booked.
    """
    with scope(owner_id):
        mandate_id = None
        campaign = _mine(campaign_id)
        if agreement is not None:
            mandate_id = _sign(owner_id, campaign, campaign.card_id, cap, agreement, now)
        operations.change_cap(owner_id=owner_id, campaign_id=campaign_id, cap=cap, mandate_id=mandate_id, now=now)
        if mandate_id is not None:
            _revoke(owner_id, campaign, now)


def _revoke(owner_id: UUID, campaign: Campaign, now: datetime) -> None:
    for mandate_id in (campaign.mandate_id, campaign.second_mandate_id):
        if mandate_id is not None:
            payments.revoke_mandate(owner_id=owner_id, mandate_id=mandate_id, now=now)


def _mine(campaign_id: UUID) -> Campaign:
    campaign = Campaign.objects.filter(id=campaign_id).first()
    if campaign is None:
        raise NotFound("no_campaign", "There is no such campaign.")
    return campaign
