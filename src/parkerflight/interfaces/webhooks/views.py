"""The two doors for vendors. What comes in is a hint to look, and is believed only as far as its signature goes."""

import hashlib
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from parkerflight.core import clock
from parkerflight.core.errors import BadInput
from parkerflight.flights import operations as flights
from parkerflight.inbox import operations as inbox
from parkerflight.inbox.models import Vendor
from parkerflight.interfaces.limits import Bucket
from parkerflight.interfaces.problems import OURS, problem
from parkerflight.payments import operations as payments
from parkerflight.settings.config import ConfigurationError

log = logging.getLogger(__name__)
MOST_BYTES = 2**20  # events are a few kilobytes
RETRY_SECONDS = 30.0
# Far above what either vendor sends a small seller, far below what would keep this process from its pages. Vendors come again.
BUCKETS = {vendor: Bucket(size=300, a_second=60) for vendor in Vendor}


def _from_stripe(body: bytes, headers: Mapping[str, str], now: datetime) -> dict[str, Any]:
    event = payments.gateway().read_event(body, headers, now=now)
    subject = {
        "owner_id": str(event.owner_id or ""),
        "payment_id": str(event.payment_id or ""),
        "intent": event.intent,
        "customer": event.customer,
    }
    return {"event_id": event.id, "kind": event.kind, "object_id": event.object_id, "subject": subject}


def _from_duffel(body: bytes, headers: Mapping[str, str], now: datetime) -> dict[str, Any]:
    event = flights.provider().read_event(body, headers, now=now)
    subject = {"order_id": event.order_id, "offer_id": event.offer_id}
    return {"event_id": event.id, "kind": event.kind, "object_id": event.object_id, "subject": subject}


READERS = {Vendor.STRIPE: _from_stripe, Vendor.DUFFEL: _from_duffel}


@csrf_exempt
def receive(request: HttpRequest, vendor: Vendor) -> HttpResponse:
    """200 once stored, also for a repetition; 400 for what the vendor did not sign; 503 asks to come again."""
    if refused := _refused(request, vendor):
        return refused
    body = request.body
    headers = {name.lower(): value for name, value in request.headers.items()}
    now = clock.now()
    try:
        event = READERS[vendor](body, headers, now)
        inbox.receive(vendor=vendor, body_sha256=hashlib.sha256(body).hexdigest(), now=now, **event)
    except BadInput as error:
        log.warning("webhook refused: vendor=%s code=%s bytes=%d", vendor, error.code, len(body))
        return problem(400, error.code, str(error))
    except ConfigurationError as error:
        log.error("webhook cannot be read: vendor=%s: %s", vendor, error)  # noqa: TRY400 - the sentence says all
        return problem(503, "not_set_up", OURS, after=RETRY_SECONDS)
    except (OperationalError, InterfaceError) as error:
        log.error("webhook cannot be stored: vendor=%s: %s", vendor, type(error).__name__)  # noqa: TRY400 - no values
        return problem(503, "try_again", OURS, after=RETRY_SECONDS)
    return JsonResponse({"received": True})


def _refused(request: HttpRequest, vendor: Vendor) -> HttpResponse | None:
    """Judge before the body is read."""
    if request.method != "POST":
        response = problem(405, "method_not_allowed", "Webhooks are sent with POST.")
        response["Allow"] = "POST"
        return response
    if not BUCKETS[vendor].take():
        log.warning("webhook put off: vendor=%s code=too_many", vendor)
        return problem(429, "too_many", "Too many webhooks at once.", after=1.0)
    # A length is given with every body that reaches a WSGI application; without one it reads as empty.
    length = request.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) > MOST_BYTES:
        log.warning("webhook refused: vendor=%s code=too_large", vendor)
        return problem(413, "too_large", "Events are smaller than a megabyte.")
    return None
