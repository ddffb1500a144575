"""Events, the endpoints they are sent to, and Stripe's signature."""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

from sandbox.kit.webhooks import WebhookTarget
from sandbox.stripe.errors import JSON, invalid
from sandbox.stripe.params import fields, listing, merge_metadata
from sandbox.stripe.store import Store

CREATE_ENDPOINT = fields(
    "url api_version description", required="url enabled_events", lists="enabled_events", maps="metadata",
    bools="connect",
)  # fmt: skip
UPDATE_ENDPOINT = fields("url description", lists="enabled_events", maps="metadata", bools="disabled")
ENDPOINTS = listing(dated=False)
LIST = listing("type", lists="types", bools="delivery_success")


def sign(body: bytes, target: WebhookTarget, now: int) -> Mapping[str, str]:
    """Return the header `Stripe-Signature` for these exact bytes."""
    mac = hmac.new(target.secret.encode(), f"{now}.".encode() + body, hashlib.sha256)
    return {"Stripe-Signature": f"t={now},v1={mac.hexdigest()}", "User-Agent": "Stripe/1.0 (sandbox)"}


def create_endpoint(store: Store, params: JSON) -> JSON:
    """Add an endpoint. The answer is the only one that holds the secret."""
    _check_url(params["url"])
    endpoint = store.add(
        {
            "id": store.ids.new("we", 24),
            "object": "webhook_endpoint",
            "api_version": params.get("api_version"),
            "application": None,
            "created": store.now(),
            "description": params.get("description"),
            "enabled_events": params["enabled_events"],
            "livemode": False,
            "metadata": merge_metadata({}, params.get("metadata")),
            "status": "enabled",
            "url": params["url"],
        }
    )
    store.secrets[endpoint["id"]] = store.ids.new("whsec", 32)
    return {**endpoint, "secret": store.secrets[endpoint["id"]]}


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise invalid("Invalid URL: an explicit scheme (such as https) must be given.", param="url", code="url_invalid")


def retrieve_endpoint(store: Store, webhook_endpoint: str) -> JSON:
    return store.get("webhook_endpoint", webhook_endpoint)


def update_endpoint(store: Store, params: JSON, webhook_endpoint: str) -> JSON:
    found = store.get("webhook_endpoint", webhook_endpoint)
    if "url" in params:
        _check_url(params["url"])
    for name in ("url", "description", "enabled_events"):
        if name in params:
            found[name] = params[name]
    if "disabled" in params:
        found["status"] = "disabled" if params["disabled"] else "enabled"
    found["metadata"] = merge_metadata(found["metadata"], params.get("metadata"))
    return found


def delete_endpoint(store: Store, webhook_endpoint: str) -> JSON:
    store.get("webhook_endpoint", webhook_endpoint)
    del store.tables["webhook_endpoint"][webhook_endpoint]
    del store.objects[webhook_endpoint]
    return {"id": webhook_endpoint, "object": "webhook_endpoint", "deleted": True}


def endpoints(store: Store, params: JSON) -> JSON:
    return store.page("webhook_endpoint", params, lambda _: True)


def retrieve(store: Store, event: str) -> JSON:
    return store.get("event", event)


def listed(store: Store, params: JSON) -> JSON:
    types = params.get("types") or ([params["type"]] if "type" in params else None)
    delivered = params.get("delivery_success")
    return store.page(
        "event",
        params,
        lambda row: (
            (types is None or _matches(row["type"], types))
            and (delivered is None or delivered == (row["pending_webhooks"] == 0))
        ),
    )


def _matches(kind: str, types: list[str]) -> bool:
    return any(kind == one or (one.endswith(".*") and kind.startswith(one[:-1])) for one in types)
