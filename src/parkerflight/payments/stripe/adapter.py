"""The gateway port spoken to Stripe through its official client, API version pinned.

No retry layer inside: our own stored call is the retry, so that what was sent is always what was committed.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

import stripe

from parkerflight.core.errors import OutcomeUnknown, Terminal
from parkerflight.core.fault_points import fault_point
from parkerflight.core.money import Money
from parkerflight.core.tenancy import assert_no_transaction
from parkerflight.payments.gateway import (
    CardView,
    DisputeKind,
    DisputeView,
    GatewayEvent,
    PaymentView,
    RefundView,
    SetupView,
    StoredCall,
)
from parkerflight.payments.stripe import notices, reading
from parkerflight.payments.stripe.amounts import to_stripe
from parkerflight.payments.stripe.errors import translated
from parkerflight.settings.config import load

API_VERSION = "2026-10-28.endive"
# Connect fast, then wait: a card network may take many seconds. A worker that waits longer is better used elsewhere.
TIMEOUT = (3.05, 25.0)
EXPAND = ["latest_charge.review"]
PAGE = 100  # the most Stripe gives at once
MOST_OF_ONE = 500  # far more than one person's attempts in a day, or refunds of one payment
MOST_EVIDENCE = 150_000  # characters in all, Stripe's limit on a dispute's texts
SLOWEST_CLOCK = 60  # seconds: their clock and ours need not agree to the second


class StripeGateway:
    """Implements `payments.gateway.PaymentGateway`."""

    def __init__(self, *, key: str, base: str, http_client: stripe.HTTPClient | None = None) -> None:
        stripe.enable_telemetry = False
        http = http_client or stripe.RequestsClient(timeout=TIMEOUT)
        addresses: Any = {"api": base, "files": base}
        self._client = stripe.StripeClient(
            key, stripe_version=API_VERSION, base_addresses=addresses, http_client=http, max_network_retries=0
        ).v1

    def hold_parameters(self, amount: Money, customer: str, card: str, metadata: dict[str, str]) -> dict[str, Any]:
        """A manual-capture charge of an absent cardholder, flagged as an unscheduled stored-credential payment."""
        return {
            "amount": to_stripe(amount),
            "currency": amount.currency.lower(),
            "customer": customer,
            "payment_method": card,
            "capture_method": "manual",
            "confirm": True,
            "off_session": True,
            "allowed_payment_method_types": ["card"],
            "payment_method_options": {"card": {"stored_credential_usage": "unscheduled"}},
            "metadata": metadata,
            "expand": EXPAND,
        }

    def amend_parameters(self, amount: Money) -> dict[str, Any]:
        return {"amount": to_stripe(amount), "expand": EXPAND}

    def capture_parameters(self, amount: Money) -> dict[str, Any]:
        return {"amount_to_capture": to_stripe(amount, least=1), "expand": EXPAND}

    def refund_parameters(self, intent: str, amount: Money, metadata: dict[str, str]) -> dict[str, Any]:
        return {"payment_intent": intent, "amount": to_stripe(amount, least=1), "metadata": metadata}

    def setup_parameters(self, customer: str, token: str = "") -> dict[str, Any]:
        """Saving a card for charges while its holder is absent; `token` names a public test card."""
        wanted: dict[str, Any] = {
            "customer": customer,
            "usage": "off_session",
            "allowed_payment_method_types": ["card"],
            "payment_method_options": {"card": {"setup_credential_usage": "unscheduled"}},
        }
        return wanted | ({"payment_method": token, "confirm": True} if token else {})

    def create_customer(self, call: StoredCall) -> str:
        return str(self._send("customers.create", call).id)

    def owner_of_customer(self, customer: str) -> UUID | None:
        found = self._read("customers.retrieve", customer)
        return notices.as_uuid(reading.plain(getattr(found, "metadata", None)).get("owner_id"))

    def start_setup(self, call: StoredCall) -> SetupView:
        return reading.setup_view(self._send("setup_intents.create", call))

    def setup(self, reference: str) -> SetupView:
        return reading.setup_view(self._read("setup_intents.retrieve", reference))

    def card(self, reference: str) -> CardView:
        method = self._read("payment_methods.retrieve", reference)
        card = method.card
        return CardView(str(method.id), str(card.brand), str(card.last4), int(card.exp_month), int(card.exp_year))

    def detach_card(self, reference: str) -> None:
        """For good, so no key is needed; a card that is detached already is left as it is."""
        if self._read("payment_methods.retrieve", reference).customer is not None:
            self._read("payment_methods.detach", reference)

    def authorise(self, call: StoredCall) -> PaymentView:
        return reading.payment_view(self._send("payment_intents.create", call))

    def amend(self, intent: str, call: StoredCall) -> PaymentView:
        return reading.payment_view(self._send("payment_intents.update", call, intent))

    def client_secret(self, intent: str) -> str:
        return str(self._read("payment_intents.retrieve", intent).client_secret or "")

    def capture(self, intent: str, call: StoredCall) -> PaymentView:
        return reading.payment_view(self._send("payment_intents.capture", call, intent))

    def release(self, intent: str, call: StoredCall) -> PaymentView:
        return reading.payment_view(self._send("payment_intents.cancel", call, intent))

    def refund(self, call: StoredCall) -> RefundView:
        return reading.refund_view(self._send("refunds.create", call))

    def refund_view(self, reference: str) -> RefundView:
        return reading.refund_view(self._read("refunds.retrieve", reference))

    def refunds_of(self, intent: str) -> list[RefundView]:
        pages = self._pages("refunds.list", {"payment_intent": intent}, most=MOST_OF_ONE)
        return [reading.refund_view(one) for one in pages if not reading.is_release(one)]

    def view_of(self, intent: str) -> PaymentView:
        return reading.payment_view(self._read("payment_intents.retrieve", intent, {"expand": EXPAND}))

    def find(self, customer: str, *, metadata: dict[str, str], since: datetime) -> PaymentView | None:
        """By listing, newest first; never by search, which lags behind."""
        wanted = {"customer": customer, "created": {"gte": int(since.timestamp()) - SLOWEST_CLOCK}}
        for intent in self._pages("payment_intents.list", wanted, most=MOST_OF_ONE):
            if metadata.items() <= reading.plain(intent.metadata).items():
                return self.view_of(str(intent.id))
        return None

    def payments_since(self, moment: datetime) -> Iterator[PaymentView]:
        wanted = {"created": {"gte": int(moment.timestamp())}, "expand": [f"data.{name}" for name in EXPAND]}
        for intent in self._pages("payment_intents.list", wanted):
            yield reading.payment_view(intent)

    def dispute(self, reference: str, kind: DisputeKind = DisputeKind.DISPUTE) -> DisputeView:
        if kind is DisputeKind.EARLY_FRAUD_WARNING:
            return reading.warning_view(self._read("radar.early_fraud_warnings.retrieve", reference))
        if kind is DisputeKind.REVIEW:
            return reading.review_view(self._read("reviews.retrieve", reference))
        return reading.dispute_view(self._read("disputes.retrieve", reference))

    def submit_evidence(self, dispute: str, call: StoredCall, *, submit: bool) -> DisputeView:
        if sum(len(text) for text in call.parameters.values()) > MOST_EVIDENCE:
            raise Terminal("evidence_too_long", f"The evidence is longer than {MOST_EVIDENCE} characters.")
        sent = StoredCall(call.key, {"evidence": call.parameters, "submit": submit})
        return reading.dispute_view(self._send("disputes.update", sent, dispute))

    def read_event(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> GatewayEvent:
        return notices.read(body, headers, load().secret("stripe_webhook_secret"), now=now)

    def _pages(self, name: str, wanted: dict[str, Any], *, most: int | None = None) -> Iterator[Any]:
        """Everything a list endpoint has, newest first. Raises OutcomeUnknown beyond `most`: what is sought may be there."""
        seen = 0
        after: dict[str, str] = {}
        while True:
            page = self._read(name, {**wanted, "limit": PAGE, **after})
            yield from page.data
            seen += len(page.data)
            if not page.has_more or not page.data:
                return
            if most is not None and seen >= most:
                raise OutcomeUnknown("too_many_pages", "what is looked for may be on a later page")
            after = {"starting_after": page.data[-1].id}

    def _send(self, name: str, call: StoredCall, *target: str) -> Any:
        """A request that changes something, under its stored key."""
        return self._asked(name, *target, call.parameters, {"idempotency_key": call.key})

    def _read(self, name: str, *arguments: Any) -> Any:
        return self._asked(name, *arguments)

    def _asked(self, name: str, *arguments: Any) -> Any:
        """The one place where Stripe is called; a process may die right after, answered or not."""
        assert_no_transaction()
        try:
            with translated():
                return attrgetter(name)(self._client)(*arguments)
        finally:
            fault_point(f"stripe.after.{name}")
