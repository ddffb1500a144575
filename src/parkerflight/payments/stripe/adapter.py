"""The gateway port spoken to Stripe through its official client, API version pinned.

No retry layer inside: our own stored call is the retry, so that what was sent is always what was committed.
"""

from datetime import UTC, datetime
from typing import Any

import stripe

from parkerflight.core.errors import OutcomeUnknown
from parkerflight.core.money import Money
from parkerflight.core.tenancy import assert_no_transaction
from parkerflight.payments.gateway import CardView, HoldGone, PaymentStatus, PaymentView, SetupView, StoredCall
from parkerflight.payments.stripe.amounts import from_stripe, to_stripe
from parkerflight.payments.stripe.errors import translated

API_VERSION = "2026-10-28.endive"
# Connect fast, then wait: a card network may take many seconds. A worker that waits longer is better used elsewhere.
TIMEOUT = (3.05, 25.0)
EXPAND = ["latest_charge"]
MOST_PAGES = 5  # of 100 payments of one customer: far more than one person's attempts in a day
STATUS = {
    "requires_capture": PaymentStatus.HELD,
    "succeeded": PaymentStatus.CAPTURED,
    "canceled": PaymentStatus.RELEASED,
    "requires_action": PaymentStatus.NEEDS_CUSTOMER,
    "requires_payment_method": PaymentStatus.NEEDS_CARD,
    "requires_confirmation": PaymentStatus.NEEDS_CUSTOMER,
    "processing": PaymentStatus.PROCESSING,
}


class StripeGateway:
    """Implements `payments.gateway.PaymentGateway`."""

    def __init__(self, *, key: str, base: str) -> None:
        stripe.enable_telemetry = False
        http = stripe.RequestsClient(timeout=TIMEOUT)
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

    def capture_parameters(self, amount: Money) -> dict[str, Any]:
        return {"amount_to_capture": to_stripe(amount), "expand": EXPAND}

    def refund_parameters(self, intent: str, amount: Money) -> dict[str, Any]:
        return {"payment_intent": intent, "amount": to_stripe(amount)}

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
        return str(self._send(self._client.customers.create, call).id)

    def start_setup(self, call: StoredCall) -> SetupView:
        return _setup(self._send(self._client.setup_intents.create, call))

    def setup(self, reference: str) -> SetupView:
        return _setup(self._read(self._client.setup_intents.retrieve, reference))

    def card(self, reference: str) -> CardView:
        method = self._read(self._client.payment_methods.retrieve, reference)
        card = method.card
        return CardView(str(method.id), str(card.brand), str(card.last4), int(card.exp_month), int(card.exp_year))

    def detach_card(self, reference: str) -> None:
        assert_no_transaction()
        with translated():
            self._client.payment_methods.detach(reference)

    def authorise(self, call: StoredCall) -> PaymentView:
        return _payment(self._send(self._client.payment_intents.create, call))

    def capture(self, intent: str, call: StoredCall) -> PaymentView:
        """A payment that is captured already is read and returned: the same call may be sent again."""
        try:
            return _payment(self._send(self._client.payment_intents.capture, call, intent))
        except HoldGone:
            seen = self.payment(intent)
            if seen.status is PaymentStatus.CAPTURED:
                return seen
            raise

    def release(self, intent: str, call: StoredCall) -> PaymentView:
        return _payment(self._send(self._client.payment_intents.cancel, call, intent))

    def refund(self, intent: str, call: StoredCall) -> PaymentView:
        self._send(self._client.refunds.create, call)
        return self.payment(intent)

    def payment(self, intent: str) -> PaymentView:
        return _payment(self._read(self._client.payment_intents.retrieve, intent, {"expand": EXPAND}))

    def find(self, customer: str, *, metadata: dict[str, str], since: datetime) -> PaymentView | None:
        """By listing, newest first; never by search, which lags behind."""
        assert_no_transaction()
        # A minute earlier: their clock and ours need not agree to the second.
        wanted: Any = {"customer": customer, "created": {"gte": int(since.timestamp()) - 60}, "limit": 100}
        with translated():
            page = self._client.payment_intents.list(wanted)
            for number, intent in enumerate(page.auto_paging_iter()):
                if all(_plain(intent.metadata).get(name) == value for name, value in metadata.items()):
                    return self.payment(str(intent.id))
                if number >= MOST_PAGES * 100:
                    raise OutcomeUnknown("too_many_payments", "the payment may be on a later page")
        return None

    def _send(self, method: Any, call: StoredCall, *target: str) -> Any:
        assert_no_transaction()
        with translated():
            return method(*target, call.parameters, {"idempotency_key": call.key})

    def _read(self, method: Any, *arguments: Any) -> Any:
        assert_no_transaction()
        with translated():
            return method(*arguments)


def _setup(setup: Any) -> SetupView:
    method = setup.payment_method
    return SetupView(
        reference=str(setup.id),
        succeeded=setup.status == "succeeded",
        needs_customer=setup.status == "requires_action",
        card=str(getattr(method, "id", method) or ""),
        client_secret=str(setup.client_secret or ""),
    )


def _payment(intent: Any) -> PaymentView:
    charge = intent.latest_charge
    expanded = charge if charge is not None and not isinstance(charge, str) else None
    # Letting a hold go shows as a reversal on the charge; only what was taken can be given back.
    taken = intent.amount_received or 0
    return PaymentView(
        intent=str(intent.id),
        status=STATUS.get(intent.status, PaymentStatus.PROCESSING),
        amount=from_stripe(intent.amount, intent.currency),
        captured=from_stripe(taken, intent.currency),
        refunded=from_stripe(expanded.amount_refunded if expanded and taken else 0, intent.currency),
        capture_before=_capture_before(expanded),
        metadata={str(name): str(value) for name, value in _plain(intent.metadata).items()},
    )


def _plain(metadata: Any) -> dict[str, Any]:
    return dict(metadata.to_dict()) if metadata else {}


def _capture_before(charge: Any) -> datetime | None:
    card = getattr(getattr(charge, "payment_method_details", None), "card", None)
    moment = getattr(card, "capture_before", None)
    return datetime.fromtimestamp(moment, UTC) if moment else None
