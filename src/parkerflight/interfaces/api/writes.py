"""Writes. Each carries an Idempotency-Key: the effect and the stored answer are one commit, so sending again is safe."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from parkerflight.campaigns import agreements
from parkerflight.campaigns import queries as campaigns
from parkerflight.campaigns.rules.criteria import from_json
from parkerflight.core import clock
from parkerflight.core.idempotency import Answer, check, fingerprint, once
from parkerflight.core.switches import require_writable
from parkerflight.interfaces.api.access import owner_of, router
from parkerflight.interfaces.api.schemas import (
    AgreementIn,
    CampaignIn,
    CampaignPatch,
    ProblemOut,
    ResumeIn,
    WrittenOut,
)

KEY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Your own value, such as a random UUID: new for each new wish, the same when you send a request again. "
    "Kept for 24 hours at least.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "title": "Idempotency-Key"},
}
EXTRA = {"parameters": [KEY_HEADER]}
PROBLEMS = dict.fromkeys((400, 401, 404, 409, 422, 503), ProblemOut)
MOST_AGENT = 300  # characters of a browser's name that are worth keeping as evidence


@router.post("/campaigns", response={201: WrittenOut, **PROBLEMS}, openapi_extra=EXTRA)
def start_campaign(request: HttpRequest, body: CampaignIn) -> HttpResponse:
    """Describe the trip, agree to the mandate and start watching fares, all in one."""

    def effect(owner_id: UUID, now: datetime) -> Answer:
        campaign_id = agreements.start(
            owner_id=owner_id,
            criteria=from_json(body.criteria.model_dump(mode="json", exclude_none=True)),
            traveler_ids=body.traveler_ids,
            cap=body.cap.money(),
            card_id=body.card_id,
            second_card_id=body.second_card_id,
            veto_hours=body.veto_hours,
            agreement=_agreement(request, body.agreement),
            now=now,
        )
        return _written(owner_id, campaign_id, 201)

    return write(request, effect)


@router.patch("/campaigns/{uuid:campaign_id}", response={200: WrittenOut, **PROBLEMS}, openapi_extra=EXTRA)
def change_campaign(request: HttpRequest, campaign_id: UUID, body: CampaignPatch) -> HttpResponse:
    """Change the cap. A cap above what was agreed needs `agreement`."""

    def effect(owner_id: UUID, now: datetime) -> Answer:
        agreements.change_cap(
            owner_id=owner_id,
            campaign_id=campaign_id,
            cap=body.cap.money(),
            agreement=_agreement(request, body.agreement) if body.agreement else None,
            now=now,
        )
        return _written(owner_id, campaign_id)

    return write(request, effect)


@router.post("/campaigns/{uuid:campaign_id}/resume", response={200: WrittenOut, **PROBLEMS}, openapi_extra=EXTRA)
def resume(request: HttpRequest, campaign_id: UUID, body: ResumeIn) -> HttpResponse:
    """Watch fares again. Pausing ended the permission to charge, so this needs a new one."""

    def effect(owner_id: UUID, now: datetime) -> Answer:
        agreements.resume(
            owner_id=owner_id,
            campaign_id=campaign_id,
            card_id=body.card_id,
            agreement=_agreement(request, body.agreement),
            now=now,
        )
        return _written(owner_id, campaign_id)

    return write(request, effect)


@router.post(
    "/campaigns/{uuid:campaign_id}/pause", response={200: WrittenOut, 202: WrittenOut, **PROBLEMS}, openapi_extra=EXTRA
)
def pause(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    """Stop watching. 202 when a fare is being booked just now: `wish` holds unless its order has gone out already."""
    return _stop(request, campaign_id, "paused")


@router.post(
    "/campaigns/{uuid:campaign_id}/cancel", response={200: WrittenOut, 202: WrittenOut, **PROBLEMS}, openapi_extra=EXTRA
)
def cancel(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    """End the campaign for good. 202 as with pause."""
    return _stop(request, campaign_id, "cancelled")


def _stop(request: HttpRequest, campaign_id: UUID, status: str) -> HttpResponse:
    def effect(owner_id: UUID, now: datetime) -> Answer:
        still = agreements.stop(owner_id=owner_id, campaign_id=campaign_id, status=status, now=now)
        return _written(owner_id, campaign_id, 200 if still else 202, wish="" if still else status)

    return write(request, effect)


def write(request: HttpRequest, effect: Callable[[UUID, datetime], Answer]) -> HttpResponse:
    """Carry out a write once for its Idempotency-Key and answer it, or give the stored answer again."""
    owner_id, now = owner_of(request), clock.now()

    def carried_out() -> Answer:
        require_writable()
        return effect(owner_id, now)

    answer = once(
        owner_id=owner_id,
        key=check(request.headers.get("Idempotency-Key", "")),
        fingerprint=fingerprint(method=request.method or "", path=request.path, content=_content(request.body)),
        now=now,
        effect=carried_out,
    )
    response = HttpResponse(
        json.dumps(answer.body, sort_keys=True), status=answer.status, content_type="application/json"
    )
    if answer.replayed:
        response["Idempotent-Replayed"] = "true"
    return response


def _content(body: bytes) -> Any:
    """The request as JSON; an endpoint that takes no body takes any bytes, which count as they are."""
    try:
        return json.loads(body) if body.strip() else None
    except ValueError:
        return body.hex()


def _agreement(request: HttpRequest, given: AgreementIn) -> agreements.Agreement:
    return agreements.Agreement(
        version=given.version,
        ip=request.META.get("REMOTE_ADDR", ""),
        user_agent=request.headers.get("User-Agent", "")[:MOST_AGENT],
    )


def _written(owner_id: UUID, campaign_id: UUID, status: int = 200, *, wish: str = "") -> Answer:
    view = campaigns.campaign(owner_id, campaign_id)
    return Answer(status, {"id": str(campaign_id), "status": view.status, "wish": wish})
