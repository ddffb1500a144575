"""The port to whoever moves money. Speaks our types; raises the errors of `core.errors` and those below.

Every call that moves money is stored before it is sent: key and parameters. A retry sends the same bytes.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from parkerflight.core.errors import Terminal
from parkerflight.core.money import Money


class DeclineClass(StrEnum):
    """What a declined card means for the campaign."""

    OTHER_CARD = "other_card"
    """Ask for another card."""
    CALL_BANK = "call_bank"
    """The person must talk to the bank."""
    GENERIC = "generic"
    """Show nothing but «declined»: the true reason would help a thief."""
    RETRY_LATER = "retry_later"
    STOP = "stop"
    """The person withdrew consent at the bank: never charge again."""
    CHECK_OURSELVES = "check_ourselves"
    """The bank sees a duplicate: a person looks first."""
    AUTHENTICATE = "authenticate"
    """The bank wants the cardholder to confirm."""


class Declined(Terminal):
    """The card was refused; nothing is held. `kind` says what to do, `intent` is the gateway's payment id."""

    def __init__(self, code: str, message: str, *, kind: DeclineClass, intent: str = "", reference: str = "") -> None:
        super().__init__(code, message, reference=reference)
        self.kind = kind
        self.intent = intent


class KeyReused(Terminal):
    """The same idempotency key came with other parameters: our bug, never retried."""


class HoldGone(Terminal):
    """The authorisation lapsed or was cancelled; there is nothing to capture or release."""


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A request as it was committed before sending: `key` is its idempotency key, `parameters` its exact content."""

    key: str
    parameters: dict[str, Any]


class PaymentStatus(StrEnum):
    """Where a payment stands at the gateway."""

    HELD = "held"
    CAPTURED = "captured"
    RELEASED = "released"
    NEEDS_CUSTOMER = "needs_customer"
    NEEDS_CARD = "needs_card"
    PROCESSING = "processing"


@dataclass(frozen=True, slots=True)
class PaymentView:
    """A payment as the gateway reports it now. Moments are aware, UTC."""

    intent: str
    status: PaymentStatus
    amount: Money
    captured: Money
    refunded: Money
    capture_before: datetime | None
    """Until when the hold can be captured; set while HELD."""
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class CardView:
    """A saved card: what may be shown of it."""

    reference: str
    brand: str
    last4: str
    expires_month: int
    expires_year: int


@dataclass(frozen=True, slots=True)
class SetupView:
    """A card being saved. `client_secret` goes to the person's browser only: never log, mail or store it."""

    reference: str
    succeeded: bool
    needs_customer: bool
    card: str
    client_secret: str


class PaymentGateway(Protocol):
    """Saves cards, holds, captures, releases and refunds money.

    Every method raises Retryable, OutcomeUnknown (answer lost: the same StoredCall may be sent again for 23 hours,
    afterwards look with `find`), Declined, KeyReused or another Terminal.
    """

    def hold_parameters(self, amount: Money, customer: str, card: str, metadata: dict[str, str]) -> dict[str, Any]:
        """What to store, then send, to hold `amount`. Raises Terminal for an amount that no card can be charged."""

    def capture_parameters(self, amount: Money) -> dict[str, Any]: ...

    def refund_parameters(self, intent: str, amount: Money) -> dict[str, Any]: ...

    def setup_parameters(self, customer: str, token: str = "") -> dict[str, Any]: ...

    def create_customer(self, call: StoredCall) -> str:
        """Returns the gateway's customer id."""

    def start_setup(self, call: StoredCall) -> SetupView: ...

    def setup(self, reference: str) -> SetupView: ...

    def card(self, reference: str) -> CardView: ...

    def detach_card(self, reference: str) -> None: ...

    def authorise(self, call: StoredCall) -> PaymentView:
        """Hold the money on a saved card without the cardholder present."""

    def capture(self, intent: str, call: StoredCall) -> PaymentView: ...

    def release(self, intent: str, call: StoredCall) -> PaymentView: ...

    def refund(self, intent: str, call: StoredCall) -> PaymentView: ...

    def payment(self, intent: str) -> PaymentView: ...

    def find(self, customer: str, *, metadata: dict[str, str], since: datetime) -> PaymentView | None:
        """The newest payment of a customer whose metadata holds all of `metadata`: finds what a lost answer made."""
