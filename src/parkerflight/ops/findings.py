"""What reconciliation can find, how bad it is, and what to do about each kind."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """Who has to act."""

    PERSON = "person"
    """One of us: money or a ticket is where it should not be."""
    WOKEN = "woken"
    """Nobody: the attempt was behind, and a worker was told to go on with it."""
    WATCH = "watch"
    """Nobody yet: it costs nothing and ends by itself."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where the books differ. Ids, states and amounts only."""

    kind: str
    severity: Severity
    ours: str
    """Our id: an attempt, a booking or a payment; empty when we have none."""
    theirs: str
    """The vendor's id; empty when it has none."""
    details: str
    attempt_id: str = ""

    @property
    def advice(self) -> str:
        """What to do."""
        return ADVICE[self.kind]

    @property
    def key(self) -> str:
        """Tells this trouble from others, over several runs."""
        return f"{self.kind}:{self.ours}:{self.theirs}"

    def as_json(self) -> dict[str, str]:
        return {**asdict(self), "advice": self.advice}


@dataclass(slots=True)
class Report:
    """One comparison of our books with both vendors'. Moments are aware, UTC."""

    at: datetime
    since: datetime
    counts: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def for_people(self) -> list[Finding]:
        """What only a person can settle."""
        return [one for one in self.findings if one.severity is Severity.PERSON]

    def as_json(self) -> dict[str, Any]:
        return {
            "at": self.at.isoformat(),
            "since": self.since.isoformat(),
            "counts": self.counts,
            "findings": [one.as_json() for one in self.findings],
            "people_needed": len(self.for_people),
        }


ADVICE = {
    # Duffel
    "order_without_an_attempt": "We paid for an order nobody here asked for. Find out who made it; cancel it while it can be.",
    "order_of_a_released_attempt": "The attempt was let go, the airline booked, nothing was charged: cancel the order at once.",
    "order_of_an_attempt_that_has_not_ordered": "There is a paid order, but our attempt sent none. Stop bookings, then find out who did.",
    "second_order_of_an_attempt": "One attempt, two orders: cancel the one that is not the booking's at the provider.",
    "unpaid_hold_nobody_waits_for": "It lapses by itself and costs nothing. Cancel it at the provider if seats are short.",
    "attempt_behind": "A worker was told to go on. If it is here again tomorrow, look with ./parker attempts show.",
    "cancelled_at_the_provider": "The ticket is gone but the person paid. Tell them, and refund what the airline gave back.",
    "cancelled_here_but_stands": "We told the person that it is cancelled, the airline flies them. Cancel it at the provider.",
    "booked_here_but_unpaid": "The airline was never paid, so there is no ticket. Pay or cancel at the provider; then set the money right.",
    "order_amount_differs": "The airline took another amount than the card was charged for. Compare the order with the payment.",
    "booking_unknown_to_the_provider": "The provider does not know a ticket that we charged for. Ask its support with the order id.",
    # Stripe
    "hold_without_a_payment": "Money is held on a card and we do not know why. Cancel the payment at Stripe.",
    "captured_without_a_payment": "Money was taken and we do not know why. Refund it at Stripe unless it was made there by hand.",
    "open_intent_left_behind": "Nothing is held. Cancel it at Stripe so that it cannot be confirmed later.",
    "hold_of_an_attempt_that_is_over": "The attempt is over, the card is still held. Cancel the payment at Stripe.",
    "captured_without_a_booking": "Money was taken and there is no ticket: refund it.",
    "captured_amount_differs": "Stripe took another amount than our books say. Compare both before refunding anything.",
    "held_amount_differs": "Stripe holds another amount than our books say. Nothing may be captured until it is understood.",
    "refunded_amount_differs": "Stripe gave back another amount than our books say: a webhook was lost, or somebody refunded there by hand.",
    "second_intent_of_a_payment": "One payment, two intents at Stripe: cancel or refund the one our row does not name.",
    "payment_unknown_to_the_gateway": "Our books name a payment that Stripe does not have. Was the key of another account used?",
    "dispute_not_heard": "A dispute exists that we were not told of. Replay the webhook, then answer it.",
}
