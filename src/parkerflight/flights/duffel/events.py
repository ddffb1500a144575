"""Duffel's webhooks: `X-Duffel-Signature: t=<unix seconds>,v1=<hex>`, HMAC-SHA256 over `t.body` (duffel.com/docs/api/webhooks)."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from parkerflight.core.errors import BadInput, Terminal
from parkerflight.flights.duffel import parse
from parkerflight.flights.provider import BadSignature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from parkerflight.flights.types import ProviderEvent

# Clocks differ by seconds; minutes ahead is a forgery kept for later. Old ones are taken: a delivery may be repeated for
# 72 hours, whether signed anew is not documented, and the inbox knows each event already.
FUTURE = timedelta(minutes=5)


def read(body: bytes, headers: Mapping[str, str], *, secret: str, now: datetime) -> ProviderEvent:
    """Verify and read one webhook. The secret is used as written, it is not decoded. Raises BadSignature, BadInput."""
    if not secret.strip():
        raise BadSignature("no_webhook_secret", "DUFFEL_WEBHOOK_SECRET is not set; no webhook can be trusted.")
    fields = dict(part.partition("=")[::2] for part in headers.get("x-duffel-signature", "").split(","))
    moment, given = fields.get("t", ""), fields.get("v1", "")
    wanted = hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
    if not moment.isascii() or not moment.isdigit() or not hmac.compare_digest(wanted.encode(), given.encode()):
        raise BadSignature("bad_signature", "This webhook is not signed by the provider.")
    if int(moment) > (now + FUTURE).timestamp():
        raise BadSignature(
            "signed_in_the_future", f"This webhook is signed for {_shown(int(moment))}, which is to come."
        )
    try:
        return parse.event(json.loads(body))
    except (ValueError, RecursionError, Terminal) as error:
        raise BadInput("unreadable_event", "This webhook's content cannot be read.") from error


def _shown(moment: int) -> str:
    try:
        return datetime.fromtimestamp(moment, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return "no moment at all"
