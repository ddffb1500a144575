"""Reads of the person's own things. A bearer token names the account; its rows are all that can be seen."""

from uuid import UUID

from django.http import HttpRequest

from parkerflight.bookings import queries as bookings
from parkerflight.campaigns import queries as campaigns
from parkerflight.campaigns.agreements import INCLUDES
from parkerflight.interfaces.api.access import owner_of, router
from parkerflight.interfaces.api.schemas import AgreementOut, BookingOut, CampaignOut, MoneyOut, TravelerOut
from parkerflight.payments.mandate_texts import CURRENT, TEXTS
from parkerflight.travelers import queries as travelers


@router.get("/profile", response=list[TravelerOut])
def profile(request: HttpRequest) -> list[TravelerOut]:
    """The account's travellers."""
    return [
        TravelerOut(id=one.id, name=one.name, relationship=one.relationship)
        for one in travelers.summaries(owner_of(request))
    ]


@router.get("/campaigns", response=list[CampaignOut])
def list_campaigns(request: HttpRequest) -> list[CampaignOut]:
    """The person's campaigns, newest first."""
    return [_campaign(view) for view in campaigns.campaigns(owner_of(request))]


@router.get("/campaigns/{uuid:campaign_id}", response=CampaignOut)
def one_campaign(request: HttpRequest, campaign_id: UUID) -> CampaignOut:
    """One campaign; 404 also for another person's."""
    return _campaign(campaigns.campaign(owner_of(request), campaign_id))


@router.get("/bookings", response=list[BookingOut])
def list_bookings(request: HttpRequest) -> list[BookingOut]:
    """The person's booked trips, newest first."""
    return [
        BookingOut(
            id=trip.booking_id,
            campaign_id=trip.campaign_id,
            booking_reference=trip.order["booking_reference"],
            tickets=[ticket["number"] for ticket in trip.order["tickets"]],
            total=MoneyOut.of(trip.total),
            booked_at=trip.booked_at,
        )
        for trip in bookings.trips(owner_of(request))
    ]


@router.get("/agreement", response=AgreementOut)
def agreement(request: HttpRequest) -> AgreementOut:  # noqa: ARG001 - the words are the same for everybody
    """The words a person agrees to when a campaign starts, goes on, or may cost more."""
    return AgreementOut(version=CURRENT, text=TEXTS[CURRENT], includes=INCLUDES)


def _campaign(view: campaigns.CampaignView) -> CampaignOut:
    return CampaignOut(
        id=view.id,
        status=view.status,
        reason=view.reason,
        cap=MoneyOut.of(view.cap),
        expires_at=view.expires_at,
        searches=view.looks,
    )
