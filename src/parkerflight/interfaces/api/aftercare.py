"""What a person does about a fare that is being bought and a trip that is: confirm, say no, give back, answer the airline.

Quotes and the page of a confirmation change nothing that binds anybody, so they need no key; every yes does.
"""

import json
from datetime import datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from parkerflight.bookings import cancelling, changes, customer
from parkerflight.bookings import queries as bookings
from parkerflight.campaigns import operations as campaigns
from parkerflight.core import clock
from parkerflight.core.idempotency import Answer
from parkerflight.core.switches import require_writable
from parkerflight.interfaces.api.access import owner_of, router
from parkerflight.interfaces.api.schemas import (
    ChangeOut,
    ConfirmationOut,
    MoneyOut,
    ProblemOut,
    QuoteOut,
    WrittenOut,
)
from parkerflight.interfaces.api.writes import EXTRA, PROBLEMS, write


@router.post("/bookings/{uuid:booking_id}/cancellation", response={200: QuoteOut, **PROBLEMS})
def quote(request: HttpRequest, booking_id: UUID) -> QuoteOut:
    """Ask the airline what giving the trip back brings. Nothing is cancelled until the quote is confirmed."""
    require_writable()
    found = cancelling.quote(owner_id=owner_of(request), booking_id=booking_id, now=clock.now())
    return QuoteOut(
        id=found.cancellation_id,
        paid=MoneyOut.of(found.paid),
        to_card=MoneyOut.of(found.to_card),
        penalty=MoneyOut.of(found.penalty),
        credits=found.credits,
        known=found.known,
        expires_at=found.expires_at,
        free_until=found.free_until,
        within_a_day=found.within_a_day,
    )


@router.post(
    "/cancellations/{uuid:cancellation_id}/confirm", response={202: WrittenOut, **PROBLEMS}, openapi_extra=EXTRA
)
def confirm_cancellation(request: HttpRequest, cancellation_id: UUID) -> HttpResponse:
    """Say yes to a quote. The airline is told and the card refunded in the background; a mail says when it is done."""

    def effect(owner_id: UUID, now: datetime) -> Answer:
        cancelling.confirm(owner_id=owner_id, cancellation_id=cancellation_id, now=now)
        return _accepted(cancellation_id, "confirming")

    return write(request, effect)


@router.post("/campaigns/{uuid:campaign_id}/skip", response={202: WrittenOut, **PROBLEMS}, openapi_extra=EXTRA)
def skip(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    """Say no to the fare that is being bought; the search goes on. It may come too late."""

    def effect(owner_id: UUID, now: datetime) -> Answer:
        campaigns.skip_fare(owner_id=owner_id, campaign_id=campaign_id, now=now)
        return _accepted(campaign_id, "booking", wish="skip")

    return write(request, effect)


@router.post("/attempts/{uuid:attempt_id}/confirmation", response={200: ConfirmationOut, **PROBLEMS})
def confirmation(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Price the held fare once more for the page on which its holder confirms the payment with the bank.

    The client secret is for that page alone; the answer must not be stored.
    """
    require_writable()
    found = customer.to_confirm(owner_id=owner_of(request), attempt_id=attempt_id, now=clock.now())
    body = {
        "charge": MoneyOut.of(found.charge).dict(),
        "cap": MoneyOut.of(found.cap).dict(),
        "deadline": found.deadline.isoformat() if found.deadline else None,
        "client_secret": found.client_secret,
    }
    response = HttpResponse(json.dumps(body), content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response


@router.post("/attempts/{uuid:attempt_id}/confirmed", response={202: WrittenOut, **PROBLEMS}, openapi_extra=EXTRA)
def confirmed(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """The bank was asked: look at once. What the bank says decides, not this call."""

    def effect(owner_id: UUID, now: datetime) -> Answer:
        customer.confirmed(owner_id=owner_id, attempt_id=attempt_id, now=now)
        return _accepted(attempt_id, "looking")

    return write(request, effect)


@router.get("/changes", response={200: list[ChangeOut], 401: ProblemOut})
def list_changes(request: HttpRequest) -> list[ChangeOut]:
    """What airlines changed on your trips, newest first."""
    return [ChangeOut(**one) for one in bookings.changes_of(owner_of(request))]


@router.post("/changes/{uuid:change_id}/accept", response={202: WrittenOut, **PROBLEMS}, openapi_extra=EXTRA)
def accept_change(request: HttpRequest, change_id: UUID) -> HttpResponse:
    """Accept the airline's new flights. Nothing is ever accepted without this."""

    def effect(owner_id: UUID, now: datetime) -> Answer:
        changes.accept(owner_id=owner_id, change_row_id=change_id, now=now)
        return _accepted(change_id, "accepting")

    return write(request, effect)


@router.post("/changes/{uuid:change_id}/contact", response={202: WrittenOut, **PROBLEMS}, openapi_extra=EXTRA)
def contact_about_change(request: HttpRequest, change_id: UUID) -> HttpResponse:
    """The new flights do not work: one of us talks to the airline."""

    def effect(owner_id: UUID, now: datetime) -> Answer:
        changes.contact(owner_id=owner_id, change_row_id=change_id, now=now)
        return _accepted(change_id, "contact")

    return write(request, effect)


def _accepted(subject_id: UUID, status: str, *, wish: str = "") -> Answer:
    return Answer(202, {"id": str(subject_id), "status": status, "wish": wish})
