"""Everything the account holds: objects by id, listing and expanding them, work due later, events."""

import heapq
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.kit.clock import VirtualClock
from sandbox.kit.ids import IdSource
from sandbox.kit.webhooks import Delivery, WebhookQueue, WebhookTarget
from sandbox.stripe import API_VERSION
from sandbox.stripe.cards import TestCard
from sandbox.stripe.errors import JSON, invalid, missing, refused
from sandbox.stripe.paging import created_filter, cut

MAX_PAGE = 100
DEFAULT_PAGE = 10
MAX_EXPAND_DEPTH = 4
PATHS = {"radar.early_fraud_warning": "radar/early_fraud_warnings"}


@dataclass
class CardState:
    """What Stripe knows about a PaymentMethod but does not show."""

    card: TestCard
    prepared: bool = False
    spent: bool = False
    # the PaymentIntent that used it without a customer; no other one may
    used_by: str = ""


@dataclass
class Call:
    """The API call being served, as events name it."""

    request_id: str | None = None
    idempotency_key: str | None = None


@dataclass
class Store:
    """The account. Handlers are synchronous and run one at a time, so each is atomic."""

    clock: VirtualClock
    ids: IdSource
    webhooks: WebhookQueue | None = None
    objects: dict[str, JSON] = field(default_factory=dict)
    tables: dict[str, dict[str, JSON]] = field(default_factory=dict)
    cards: dict[str, CardState] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    call: Call = field(default_factory=Call)
    _due: list[tuple[float, int, Callable[[], object]]] = field(default_factory=list)
    _order: Any = field(default_factory=itertools.count)
    _moment: float | None = None

    def now(self) -> int:
        """Return virtual unix seconds; inside scheduled work, the second at which it was due."""
        return int(self.clock.now() if self._moment is None else self._moment)

    def add(self, thing: JSON) -> JSON:
        self.objects[thing["id"]] = thing
        self.tables.setdefault(thing["object"], {})[thing["id"]] = thing
        return thing

    def get(self, kind: str, wanted: str, *, param: str = "id", status: int = 404) -> JSON:
        """Return the object. Raises StripeError (`resource_missing`) when there is none."""
        found = self.tables.get(kind, {}).get(wanted)
        if found is None:
            raise missing(kind, wanted, param, status=status)
        return found

    def customer(self, wanted: str) -> JSON:
        """Return a living customer named among the parameters."""
        found = self.get("customer", wanted, param="customer", status=400)
        if found.get("deleted"):
            raise missing("customer", wanted, "customer", status=400)
        return found

    def all(self, kind: str) -> list[JSON]:
        return list(self.tables.get(kind, {}).values())

    def page(self, kind: str, params: JSON, keep: Callable[[JSON], bool], url: str | None = None) -> JSON:
        """Return a list object, newest first, of what `keep` lets through."""
        limit = params.get("limit", DEFAULT_PAGE)
        if not 1 <= limit <= MAX_PAGE:
            raise invalid(f"limit must be between 1 and {MAX_PAGE}.", param="limit")
        born = created_filter(params.get("created"))
        rows = [row for row in reversed(self.tables.get(kind, {}).values()) if keep(row) and born(row)]
        rows, has_more = cut(rows, params, limit)
        path = url or f"/v1/{PATHS.get(kind, kind + 's')}"
        return {"object": "list", "data": rows, "has_more": has_more, "url": path}

    def later(self, seconds: float, work: Callable[[], object]) -> None:
        """Run work once this many virtual seconds have passed."""
        heapq.heappush(self._due, (self.now() + seconds, next(self._order), work))

    def tick(self) -> None:
        """Run what has become due, each at its own second."""
        while self._due and self._due[0][0] <= self.clock.now():
            self._moment, _, work = heapq.heappop(self._due)
            self.call = Call()
            try:
                work()
            finally:
                self._moment = None

    def emit(self, kind: str, thing: JSON, previous: JSON | None = None) -> None:
        """Record an event with a snapshot of the object and send it to the endpoints that want it."""
        data: JSON = {"object": json.loads(json.dumps(thing))}
        if previous is not None:
            data["previous_attributes"] = previous
        targets = [one for one in self.all("webhook_endpoint") if _wants(one, kind)]
        event = self.add(
            {
                "id": self.ids.new("evt", 24),
                "object": "event",
                "api_version": API_VERSION,
                "created": self.now(),
                "data": data,
                "livemode": False,
                "pending_webhooks": len(targets),
                "request": {"id": self.call.request_id, "idempotency_key": self.call.idempotency_key},
                "type": kind,
            }
        )
        for target in targets:
            self._send(event, target)

    def _send(self, event: JSON, endpoint: JSON) -> None:
        if self.webhooks is None:
            return
        target = WebhookTarget(endpoint["id"], endpoint["url"], self.secrets[endpoint["id"]])
        body = json.dumps(event, indent=2).encode()
        self.webhooks.publish(event_id=event["id"], event_type=event["type"], body=body, target=target)

    def delivered(self, delivery: Delivery) -> None:
        event = self.objects.get(delivery.event_id)
        if event is not None and delivery.state == "delivered":
            event["pending_webhooks"] = max(0, event["pending_webhooks"] - 1)

    def clear(self) -> None:
        for holder in (self.objects, self.tables, self.cards, self.secrets, self._due):
            holder.clear()

    def render(self, thing: JSON, expand: list[str]) -> JSON:
        """Return the object with references replaced by what they refer to. Raises StripeError for other fields."""
        for path in expand:
            keys = path.split(".")
            if len(keys) > MAX_EXPAND_DEPTH + 1:
                raise invalid(f"You cannot expand more than {MAX_EXPAND_DEPTH} levels.", param="expand")
            thing = self._expanded(thing, keys, path)
        return thing

    def _expanded(self, thing: JSON, keys: list[str], path: str) -> JSON:
        first, rest = keys[0], keys[1:]
        if thing.get("object") == "list" and first == "data" and rest:
            return {**thing, "data": [self._expanded(row, rest, path) for row in thing["data"]]}
        value = self._refunds(thing) if (thing.get("object"), first) == ("charge", "refunds") else thing.get(first, "")
        if isinstance(value, str):
            value = self.objects.get(value)
            if value is None:
                # the work is done by now, so a repetition under the same key must not do it again
                raise refused(f"This property cannot be expanded ({path}).", param="expand")
        if isinstance(value, dict) and rest:
            value = self._expanded(value, rest, path)
        return {**thing, first: value}

    def _refunds(self, charge: JSON) -> JSON:
        url = f"/v1/charges/{charge['id']}/refunds"
        return self.page("refund", {}, lambda row: bool(row["charge"] == charge["id"]), url)


def _wants(endpoint: JSON, kind: str) -> bool:
    names = endpoint["enabled_events"]
    return endpoint["status"] == "enabled" and ("*" in names or kind in names)
