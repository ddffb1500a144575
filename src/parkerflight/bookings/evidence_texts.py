"""What is told to a bank about a disputed payment, in the fields that Stripe passes on. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from parkerflight.audit.queries import Line
from parkerflight.core.money import Money
from parkerflight.notifications.queries import SentLetter
from parkerflight.payments.mandate_documents import MandateDocument

MOST_A_FIELD = 20_000  # Stripe's limit for one text
MOST_TOGETHER = 150_000  # Stripe's limit for all texts of one dispute
CUT = "\n[shortened: the folder with the whole record is kept by the merchant]"


@dataclass(frozen=True, slots=True)
class GivenBack:
    """A cancellation as the bank should know it."""

    state: str
    to_card: Money
    kept_by_airline: Money
    at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is known about a disputed payment. Its repr shows nothing personal."""

    charged: Money
    reason: str
    order: dict[str, Any] = field(repr=False)
    """The order as it was sealed: reference, tickets, itinerary, conditions."""
    travellers: Sequence[str] = field(repr=False)
    email: str = field(repr=False)
    ip: str = field(repr=False)
    device: str = field(repr=False)
    mandate: MandateDocument
    record: Sequence[Line]
    letters: Sequence[SentLetter]
    given_back: Sequence[GivenBack]
    captured_at: datetime | None


def evidence(facts: Facts) -> dict[str, str]:
    """Stripe's evidence fields and their texts: none empty, each and all together within Stripe's limits."""
    texts = {
        "product_description": _product(facts),
        "service_date": _service_date(facts),
        "customer_name": facts.travellers[0] if facts.travellers else "",
        "customer_email_address": facts.email,
        "customer_purchase_ip": facts.ip,
        "access_activity_log": _activity(facts),
        "cancellation_policy_disclosure": _conditions(facts),
        "refund_policy_disclosure": _conditions(facts),
        "refund_refusal_explanation": _refund(facts),
        "uncategorized_text": _statement(facts),
    }
    return fitted({name: text for name, text in texts.items() if text.strip()})


def fitted(texts: dict[str, str]) -> dict[str, str]:
    """The texts cut to Stripe's limits, the longest first."""
    kept = {name: _cut(text, MOST_A_FIELD) for name, text in texts.items()}
    while sum(map(len, kept.values())) > MOST_TOGETHER:
        longest = max(kept, key=lambda name: len(kept[name]))
        over = sum(map(len, kept.values())) - MOST_TOGETHER
        kept[longest] = _cut(kept[longest], max(len(kept[longest]) - over, len(CUT)))
    return kept


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - len(CUT)] + CUT


def timeline(facts: Facts) -> list[str]:
    """What happened, a line each, oldest first: what the person did, what we did, what they were told."""
    lines = [(line.at, f"{_who(line.actor)}: {line.action.replace('.', ' ')}{_details(line)}") for line in facts.record]
    lines += [(letter.sent_at, f"mail sent: {letter.subject or letter.event_key}") for letter in facts.letters]
    return [f"{_moment(at)}  {what}" for at, what in sorted(lines)]


def flights(order: dict[str, Any]) -> list[str]:
    """The flights as booked, local times, a line each."""
    return [
        f"{one['marketing_carrier']} {one['marketing_flight_number']}  {one['origin']['iata_code']} "
        f"{one['departing_at'].replace('T', ' ')[:16]}  {one['destination']['iata_code']} "
        f"{one['arriving_at'].replace('T', ' ')[:16]} (local times)"
        for part in order["slices"]
        for one in part["segments"]
    ]


def _product(facts: Facts) -> str:
    numbers = ", ".join(ticket["number"] for ticket in facts.order["tickets"]) or "not issued yet"
    return "\n".join(
        [
            f"Airline tickets issued by {facts.order['owner_name']}, booking reference {facts.order['booking_reference']}.",
            f"Bought for {facts.charged} on the customer's written instruction.",
            f"Travellers: {', '.join(facts.travellers)}.",
            f"Ticket numbers: {numbers}.",
            *flights(facts.order),
        ]
    )


def _service_date(facts: Facts) -> str:
    first = facts.order["slices"][0]["segments"][0]["departing_at"]
    return f"{datetime.fromisoformat(first):%d %B %Y}"


def _activity(facts: Facts) -> str:
    """What the customer did in their account."""
    own = [line for line in facts.record if line.actor.startswith("account:")]
    source = f"from {facts.ip or 'an unknown address'} with {facts.device or 'an unknown device'}"
    signed = f"{_moment(facts.mandate.agreed_at)}  permission signed {source}"
    return "\n".join(
        [signed, *(f"{_moment(line.at)}  {line.action.replace('.', ' ')}{_details(line)}" for line in own)]
    )


def _conditions(facts: Facts) -> str:
    return "\n".join(
        [
            f"The customer set these rules and agreed to them on {_moment(facts.mandate.agreed_at)}, before the purchase:",
            facts.mandate.text,
            f"The airline's conditions of this ticket: refund before departure {_condition(facts.order.get('refund'))}.",
            f"Change before departure {_condition(facts.order.get('change'))}. The mailed confirmation says the same.",
        ]
    )


def _condition(kept: dict[str, Any] | None) -> str:
    if not kept or kept.get("allowed") is None:
        return "as the airline states"
    if not kept["allowed"]:
        return "not allowed"
    penalty = kept.get("penalty")
    return f"allowed for {Money(penalty['minor'], penalty['currency'])}" if penalty else "allowed"


def _refund(facts: Facts) -> str:
    """Empty unless the customer cancelled."""
    return "\n".join(
        f"Cancelled by the customer on {_moment(one.at)}: {one.to_card} went back to the card, the airline kept {one.kept_by_airline}."
        for one in facts.given_back
    )


def _statement(facts: Facts) -> str:
    taken = _moment(facts.captured_at) if facts.captured_at else "not taken"
    mandate = facts.mandate
    return "\n".join(
        [
            f"The customer asked us to buy these tickets once a fare at or under {mandate.cap} was for sale.",
            f"They saved the card ending in {mandate.card_last4} for it ({mandate.setup_reference}) and signed the permission below.",
            f"We bought the tickets for {facts.charged} (taken {taken}) and mailed the confirmation.",
            "",
            f"Permission {mandate.mandate_id}, wording {mandate.version}, SHA-256 {mandate.text_sha256}:",
            mandate.text,
            "",
            "What happened (UTC):",
            *timeline(facts),
        ]
    )


def letters_text(letters: Iterable[SentLetter]) -> str:
    """The letters that were sent, a line each."""
    return "\n".join(f"{_moment(one.sent_at)}  {one.subject or one.event_key}" for one in letters)


def _who(actor: str) -> str:
    return "customer" if actor.startswith("account:") else "team" if actor.startswith("operator:") else "system"


def _details(line: Line) -> str:
    shown = ", ".join(f"{name} {value}" for name, value in sorted(line.details.items()) if value not in ("", []))
    return f" ({shown})" if shown else ""


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
