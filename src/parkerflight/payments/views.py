"""What the payment gateway tells us, in our words: values and errors of the port in `gateway`."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from parkerflight.core.errors import BadInput, Terminal
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


class BadSignature(BadInput):
    """A notice that the gateway did not sign, or signed too long ago: never to be acted on."""


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
    charge: str = ""
    """The gateway's id of the last charge; empty while the card was never asked."""
    failure: str = ""
    """Why the last try at the card failed, as a code; empty when it did not."""
    failure_kind: DeclineClass = DeclineClass.GENERIC
    """What that failure means; only with one."""
    review_open: bool = False
    """The gateway wants a person to look at it: buy nothing with this money yet."""
    disputed: bool = False


class RefundStatus(StrEnum):
    """Where a refund stands at the gateway."""

    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class RefundView:
    """A refund as the gateway reports it now."""

    reference: str
    intent: str
    status: RefundStatus
    amount: Money
    failure: str
    metadata: dict[str, str]
    created_at: datetime


class DisputeKind(StrEnum):
    """What may be held against a payment after it was made."""

    DISPUTE = "dispute"
    """The cardholder asks the bank for the money back."""
    EARLY_FRAUD_WARNING = "early_fraud_warning"
    """The bank believes the card was misused; a dispute may follow."""
    REVIEW = "review"
    """The gateway's own doubt, waiting for a person."""


@dataclass(frozen=True, slots=True)
class DisputeView:
    """A dispute, warning or review as the gateway reports it now. Moments are aware, UTC."""

    reference: str
    kind: DisputeKind
    intent: str
    status: str
    """The gateway's word: `needs_response`, `lost`, `open`, `approved`, …"""
    closed: bool
    reason: str
    amount: Money | None
    """What is asked back; None for warnings and reviews, which take no money."""
    due_by: datetime | None
    """Until when evidence is taken; None when none is."""
    submitted: bool
    """Evidence was handed in; the bank takes it once."""
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """A verified notice from the gateway: a hint to look, never the news itself."""

    id: str
    kind: str
    object_id: str
    owner_id: UUID | None
    """Whose it is, where the object carries our metadata."""
    payment_id: UUID | None
    intent: str
    """The payment it is about; empty when it is about something else."""
    customer: str = ""
    """The gateway's customer id, where the object names one or named one before."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the browser needs to let the cardholder confirm. Never log, mail or store the secret."""

    intent: str
    client_secret: str = field(repr=False)
    amount: Money


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
    client_secret: str = field(repr=False)
