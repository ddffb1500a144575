"""Reads of the person's own things. A bearer token names the account; its rows are all that can be seen."""

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.security import HttpBearer

from parkerflight.accounts import operations as accounts
from parkerflight.bookings import queries as bookings
from parkerflight.campaigns import queries as campaigns
from parkerflight.core.errors import BadInput, NotFound, ParkerError
from parkerflight.travelers import queries as travelers


class Bearer(HttpBearer):
    """`Authorization: Bearer …` with a token from `accounts.operations.issue_token`."""

    def authenticate(self, request: HttpRequest, token: str) -> UUID | None:  # noqa: ARG002 - ninja's signature
        return accounts.owner_of_token(token)


api = NinjaAPI(title="Parker Flight", version="1", auth=Bearer(), docs_url=None)


class TravelerOut(Schema):
    """A traveller, named."""

    id: UUID
    name: str
    relationship: str


class MoneyOut(Schema):
    """A decimal string in major units."""

    amount: str
    currency: str


class CampaignOut(Schema):
    """A campaign and why it is where it is."""

    id: UUID
    status: str
    reason: str
    cap: MoneyOut
    expires_at: datetime
    searches: int


class BookingOut(Schema):
    """A booked trip."""

    id: UUID
    campaign_id: UUID
    booking_reference: str
    tickets: list[str]
    total: MoneyOut
    booked_at: datetime


def _owner(request: HttpRequest) -> UUID:
    owner: UUID = request.auth  # type: ignore[attr-defined]  # ninja puts what `authenticate` returned here
    return owner


@api.get("/profile", response=list[TravelerOut])
def profile(request: HttpRequest) -> list[TravelerOut]:
    """The account's travellers."""
    return [
        TravelerOut(id=one.id, name=one.name, relationship=one.relationship)
        for one in travelers.summaries(_owner(request))
    ]


@api.get("/campaigns", response=list[CampaignOut])
def list_campaigns(request: HttpRequest) -> list[CampaignOut]:
    """The person's campaigns, newest first."""
    return [_campaign(view) for view in campaigns.campaigns(_owner(request))]


@api.get("/campaigns/{campaign_id}", response=CampaignOut)
def one_campaign(request: HttpRequest, campaign_id: UUID) -> CampaignOut:
    """One campaign; 404 also for another person's."""
    return _campaign(campaigns.campaign(_owner(request), campaign_id))


@api.get("/bookings", response=list[BookingOut])
def list_bookings(request: HttpRequest) -> list[BookingOut]:
    """The person's booked trips, newest first."""
    return [
        BookingOut(
            id=trip.booking_id,
            campaign_id=trip.campaign_id,
            booking_reference=trip.order["booking_reference"],
            tickets=[ticket["number"] for ticket in trip.order["tickets"]],
            total=MoneyOut(amount=trip.total.amount(), currency=trip.total.currency),
            booked_at=trip.booked_at,
        )
        for trip in bookings.trips(_owner(request))
    ]


def _campaign(view: campaigns.CampaignView) -> CampaignOut:
    return CampaignOut(
        id=view.id,
        status=view.status,
        reason=view.reason,
        cap=MoneyOut(amount=view.cap.amount(), currency=view.cap.currency),
        expires_at=view.expires_at,
        searches=view.looks,
    )


@api.exception_handler(ParkerError)
def problem(request: HttpRequest, error: ParkerError) -> HttpResponse:
    """Our errors as problem details (RFC 9457)."""
    known = isinstance(error, NotFound | BadInput)
    status = 404 if isinstance(error, NotFound) else 422 if known else 500
    title = str(error) if known else "Something went wrong on our side."
    body = {"type": f"urn:parkerflight:{error.code}", "title": title, "status": status, "code": error.code}
    response = api.create_response(request, body, status=status)
    response["Content-Type"] = "application/problem+json"
    return response
