"""The port to whoever moves money. Speaks our types; raises the errors of `core.errors` and those of `views`.

Every call that moves money is stored before it is sent: key and parameters. A retry sends the same bytes.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from parkerflight.core.money import Money
from parkerflight.payments.views import (
    BadSignature,
    CardView,
    Confirmation,
    DeclineClass,
    Declined,
    DisputeKind,
    DisputeView,
    GatewayEvent,
    HoldGone,
    KeyReused,
    PaymentStatus,
    PaymentView,
    RefundStatus,
    RefundView,
    SetupView,
    StoredCall,
)

__all__ = [
    "BadSignature",
    "CardView",
    "Confirmation",
    "DeclineClass",
    "Declined",
    "DisputeKind",
    "DisputeView",
    "GatewayEvent",
    "HoldGone",
    "KeyReused",
    "PaymentGateway",
    "PaymentStatus",
    "PaymentView",
    "RefundStatus",
    "RefundView",
    "SetupView",
    "StoredCall",
]


class PaymentGateway(Protocol):
    """Saves cards, holds, captures, releases and refunds money.

    Every method raises Retryable, OutcomeUnknown (answer lost: the same StoredCall may be sent again for 23 hours,
    afterwards look with `find`), Declined, KeyReused or another Terminal; reads raise NotFound.
    """

    def hold_parameters(self, amount: Money, customer: str, card: str, metadata: dict[str, str]) -> dict[str, Any]:
        """What to store, then send, to hold `amount`. Raises Terminal for an amount that no card can be charged."""

    def amend_parameters(self, amount: Money) -> dict[str, Any]:
        """What to store, then send, to change the amount of a payment that waits for its cardholder."""

    def capture_parameters(self, amount: Money) -> dict[str, Any]: ...

    def refund_parameters(self, intent: str, amount: Money, metadata: dict[str, str]) -> dict[str, Any]: ...

    def setup_parameters(self, customer: str, token: str = "") -> dict[str, Any]: ...

    def create_customer(self, call: StoredCall) -> str:
        """Returns the gateway's customer id."""

    def owner_of_customer(self, customer: str) -> UUID | None:
        """Whose customer this is, by our own metadata on it; None when it is not ours."""

    def start_setup(self, call: StoredCall) -> SetupView: ...

    def setup(self, reference: str) -> SetupView: ...

    def card(self, reference: str) -> CardView: ...

    def detach_card(self, reference: str) -> None: ...

    def authorise(self, call: StoredCall) -> PaymentView:
        """Hold the money on a saved card without the cardholder present."""

    def amend(self, intent: str, call: StoredCall) -> PaymentView:
        """Change the amount of a payment that waits for its cardholder. Raises HoldGone when it waits no more."""

    def client_secret(self, intent: str) -> str:
        """What the cardholder's browser confirms the payment with: never log, mail or store it."""

    def capture(self, intent: str, call: StoredCall) -> PaymentView:
        """Take what is held, once. Raises HoldGone when the payment is over, taken already included."""

    def release(self, intent: str, call: StoredCall) -> PaymentView:
        """Cancel a payment that is not taken. Raises HoldGone when it is over."""

    def refund(self, call: StoredCall) -> RefundView: ...

    def refund_view(self, reference: str) -> RefundView: ...

    def refunds_of(self, intent: str) -> list[RefundView]:
        """Every refund of captured money of one payment, newest first; whoever made it."""

    def view_of(self, intent: str) -> PaymentView:
        """The payment as it stands now, an open review included."""

    def find(self, customer: str, *, metadata: dict[str, str], since: datetime) -> PaymentView | None:
        """The newest payment of a customer whose metadata holds all of `metadata`: finds what a lost answer made."""

    def payments_since(self, moment: datetime) -> Iterator[PaymentView]:
        """Every payment made since `moment`, newest first, page by page: for reconciliation."""

    def dispute(self, reference: str, kind: DisputeKind = DisputeKind.DISPUTE) -> DisputeView: ...

    def submit_evidence(self, dispute: str, call: StoredCall, *, submit: bool) -> DisputeView:
        """Stage the evidence in `call.parameters` (name: text), or hand it in for good."""

    def read_event(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> GatewayEvent:
        """The notice in a webhook's raw body, once its signature is proved. Raises BadSignature."""
