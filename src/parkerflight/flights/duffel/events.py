"""Webhooks: only what the provider signed is read, and only ids are believed."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from parkerflight.core.errors import BadInput, Terminal
from parkerflight.flights.duffel.wire import Node
from parkerflight.flights.provider import BadSignature
from parkerflight.flights.types import ProviderEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER = "x-duffel-signature"
# Clocks differ by seconds; minutes ahead is a time nobody can have signed at. There is no limit on age: a failed delivery
# is repeated for 72 hours, and nothing says that it is signed anew.
AHEAD = timedelta(minutes=5)
_MOMENT = re.compile(r"[0-9]{1,11}")  # unix seconds up to the year 5138, far inside what a datetime can hold


def read_event(body: bytes, headers: Mapping[str, str], *, secret: str, now: datetime) -> ProviderEvent:
    """Verify and read a raw body; `headers` have lower-case names. Raises BadSignature, BadInput."""
    if not secret.strip():
        raise BadSignature("no_webhook_secret", "No webhook secret is set, so no webhook can be believed.")
    _verify(body, headers.get(HEADER, ""), secret=secret, now=now)
    try:
        return _event(Node.of(json.loads(body), ""))
    except (ValueError, RecursionError, Terminal) as error:
        raise BadInput("malformed_event", f"The webhook is signed, but cannot be read: {error}") from None


def sign(body: bytes, *, secret: str, moment: str) -> str:
    """The lower-case hex HMAC-SHA256 over «moment.body»; the key is the secret as it is written, not decoded."""
    return hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()


def _verify(body: bytes, header: str, *, secret: str, now: datetime) -> None:
    pairs = [part.strip().partition("=") for part in header.split(",")]
    moments = [value for name, _, value in pairs if name == "t"]
    signatures = [value for name, _, value in pairs if name == "v1"]
    if len(moments) != 1 or not signatures or not _MOMENT.fullmatch(moments[0]):
        raise BadSignature("no_signature", "The webhook carries no signature of the form t=…,v1=….")
    expected = sign(body, secret=secret, moment=moments[0]).encode()
    # Compared as bytes: a signature with other than ASCII letters is wrong, not an error.
    if not any([hmac.compare_digest(expected, one.encode(errors="replace")) for one in signatures]):  # noqa: C419 - all, always
        raise BadSignature("wrong_signature", "The webhook's signature does not fit its body.")
    if datetime.fromtimestamp(int(moments[0]), UTC) > now + AHEAD:
        raise BadSignature("signed_ahead", "The webhook is signed for a moment that is still to come.")


def _event(node: Node) -> ProviderEvent:
    kind = node.text("type")
    about = (node.node_or_none("data") or Node({})).node_or_none("object") or Node({})
    # In events about orders the object is the order; in the others it names its order. A failed creation has none.
    order_id = about.text_or_empty("order_id") or (about.text_or_empty("id") if kind.startswith("order.") else "")
    return ProviderEvent(
        id=node.text("id"),
        kind=kind,
        object_id=node.text_or_empty("idempotency_key") or about.text_or_empty("aic_id") or about.text_or_empty("id"),
        order_id=order_id,
        offer_id=about.text_or_empty("offer_id"),
    )
