"""What people, operators, banks and airlines do at the worst moment; each is one line in `ACTS`."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from parkerflight.bookings import cancelling, changes, customer, deciding
from parkerflight.campaigns import operations as campaigns
from parkerflight.core.errors import ParkerError
from parkerflight.core.money import Money
from parkerflight.core.switches import Stop, turn
from storm import cast, plan
from storm.wire import Impossible

if TYPE_CHECKING:
    from storm.story import Story

Act = Callable[["Story", random.Random], None]


def _any[One](chance: random.Random, found: Sequence[One]) -> One:
    """One of what was found; the act cannot happen when that is nothing."""
    if not found:
        raise Impossible("there is none")
    return chance.choice(found)


def _rows(story: Story, query: str) -> list[tuple[Any, ...]]:
    """Rows of this story's campaigns; `query` compares with `%(mine)s`."""
    assert story.world.admin is not None
    return story.world.admin.execute(query, {"mine": [one.id for one in story.campaigns]}).fetchall()


def _stop(status: str) -> Act:
    def act(story: Story, chance: random.Random) -> None:
        one = _any(chance, story.campaigns)
        if campaigns.stop(owner_id=one.owner_id, campaign_id=one.id, status=status, reason="", now=story.world.now()):
            one.stopped_at.append((story.world.now(), None))

    return act


def _resume(story: Story, chance: random.Random) -> None:
    one = _any(chance, story.campaigns)
    now, cap = story.world.now(), Money(one.caps[-1], "GBP")
    card = cast.save_card(story.world, one.owner_id, chance.choice(("pm_card_visa", one.trip.card)))
    mandate = cast.sign(one.owner_id, card, cap, now)
    campaigns.activate(owner_id=one.owner_id, campaign_id=one.id, mandate_id=mandate, now=now)
    one.card_id = card
    one.stopped_at = [(since, until or now) for since, until in one.stopped_at]


def _skip(story: Story, chance: random.Random) -> None:
    one = _any(chance, story.campaigns)
    campaigns.skip_fare(owner_id=one.owner_id, campaign_id=one.id, now=story.world.now())


def _cap(direction: int) -> Act:
    def act(story: Story, chance: random.Random) -> None:
        one = _any(chance, story.campaigns)
        now, cap = story.world.now(), Money(max(one.caps[-1] + direction * 5_000, 100), "GBP")
        mandate = cast.sign(one.owner_id, one.card_id, cap, now) if direction > 0 else None
        campaigns.change_cap(owner_id=one.owner_id, campaign_id=one.id, cap=cap, mandate_id=mandate, now=now)
        one.caps.append(cap.minor)

    return act


def _at_bank(outcome: str) -> Act:
    def act(story: Story, chance: random.Random) -> None:
        waiting = _rows(
            story,
            """SELECT a.owner_id, a.id, p.intent, c.reference FROM bookings_bookingattempt a
               JOIN payments_payment p ON p.id = a.payment_id JOIN payments_card c ON c.id = p.card_id
               WHERE a.campaign_id = ANY(%(mine)s) AND a.state = 'needs_customer' ORDER BY a.created_at, a.id""",
        )
        owner_id, attempt_id, intent, card = _any(chance, waiting)
        customer.to_confirm(owner_id=owner_id, attempt_id=attempt_id, now=story.world.now())
        # What the page does in the person's browser; then the bank asks.
        story.stripe_api("POST", f"/v1/payment_intents/{intent}/confirm", {"payment_method": card})
        path = f"/_sandbox/payment_intents/{intent}/authenticate"
        story.world.stripe.control("POST", path, {"outcome": outcome})
        customer.confirmed(owner_id=owner_id, attempt_id=attempt_id, now=story.world.now())

    return act


def _cancel_booking(story: Story, chance: random.Random) -> None:
    rows = _rows(
        story,
        """SELECT b.owner_id, b.id FROM bookings_booking b JOIN bookings_bookingattempt a ON a.id = b.attempt_id
           WHERE a.campaign_id = ANY(%(mine)s) AND b.cancelled_at IS NULL AND a.state = 'completed'
           ORDER BY b.booked_at, b.id""",
    )
    owner_id, booking_id = _any(chance, rows)
    quote = cancelling.quote(owner_id=owner_id, booking_id=booking_id, now=story.world.now())
    if chance.random() < 0.8:
        for _ in range(chance.choice((1, 1, 2))):
            cancelling.confirm(owner_id=owner_id, cancellation_id=quote.cancellation_id, now=story.world.now())


def _airline_change(story: Story, chance: random.Random) -> None:
    orders = [one for one in story.duffel_orders() if one["status"] in {"ticketed", "held"}]
    path = f"/_sandbox/orders/{_any(chance, orders)['id']}/airline_change"
    story.world.duffel.control("POST", path, {"shift_minutes": 120})


def _answer_change(story: Story, chance: random.Random) -> None:
    rows = _rows(
        story,
        """SELECT c.owner_id, c.id FROM bookings_change c JOIN bookings_booking b ON b.id = c.booking_id
           JOIN bookings_bookingattempt a ON a.id = b.attempt_id
           WHERE a.campaign_id = ANY(%(mine)s) AND c.state = 'open' ORDER BY c.seen_at, c.id""",
    )
    owner_id, row_id = _any(chance, rows)
    answer = changes.accept if chance.random() < 0.6 else changes.contact
    answer(owner_id=owner_id, change_row_id=row_id, now=story.world.now())


def _remove_card(story: Story, chance: random.Random) -> None:
    one = _any(chance, story.campaigns)
    campaigns.remove_card(owner_id=one.owner_id, card_id=one.card_id, now=story.world.now())


def _detached(story: Story, chance: random.Random) -> None:
    """Somebody detaches the card at Stripe itself."""
    rows = _rows(
        story,
        """SELECT c.reference FROM payments_card c JOIN campaigns_campaign g ON g.card_id = c.id
           WHERE g.id = ANY(%(mine)s) ORDER BY c.created_at, c.id""",
    )
    story.stripe_api("POST", f"/v1/payment_methods/{_any(chance, rows)[0]}/detach", {})


def _review(action: str) -> Act:
    def act(story: Story, chance: random.Random) -> None:
        held = [one["id"] for one in story.stripe_intents() if one["held"]]
        wish = {"action": action, "reason": chance.choice(("approved", "approved", "refunded_as_fraud"))}
        story.world.stripe.control("POST", f"/_sandbox/payment_intents/{_any(chance, held)}/review", wish)

    return act


def _dispute(story: Story, chance: random.Random) -> None:
    taken = [one["id"] for one in story.stripe_intents() if one["captured"]]
    kind = chance.choice(("dispute", "early_fraud_warning"))
    story.world.stripe.control("POST", f"/_sandbox/payment_intents/{_any(chance, taken)}/{kind}", {"inquiry": True})


def _refund_fails(story: Story, chance: random.Random) -> None:
    rows = _rows(
        story,
        """SELECT r.reference FROM payments_refund r JOIN bookings_bookingattempt a ON a.payment_id = r.payment_id
           WHERE a.campaign_id = ANY(%(mine)s) AND r.reference <> '' ORDER BY r.created_at, r.id""",
    )
    story.world.stripe.control("POST", f"/_sandbox/refunds/{_any(chance, rows)[0]}/fail", {})
    story.refunds_failed = True


def _switch(what: Stop, *, on: bool) -> Act:
    def act(story: Story, chance: random.Random) -> None:  # noqa: ARG001 - one shape for all
        turn(what, on=on, reason="storm", now=story.world.now())
        if what is Stop.BOOKINGS:
            story.bookings_stopped.append((story.world.now(), None))

    return act


def _go_again(story: Story, chance: random.Random) -> None:  # noqa: ARG001
    now = story.world.now()
    for what in Stop:
        turn(what, on=False, reason="", now=now)
    story.bookings_stopped = [(since, until or now) for since, until in story.bookings_stopped]


def _jump(story: Story, chance: random.Random) -> None:
    story.world.advance(chance.choice((60, 1_800, 7_200, 30_000, 90_000)))


def _mode(story: Story, chance: random.Random) -> None:
    story.world.duffel.control("POST", "/_sandbox/orders_mode", plan.mode(chance))


def _hold_ends(story: Story, chance: random.Random) -> None:
    """Days pass in which nobody takes the money."""
    story.world.advance(chance.choice((3, 5, 6)) * 86_400)


OPERATORS = frozenset({"stop_bookings", "stop_captures", "go_again"})
ACTS: dict[str, Act] = {
    "pause": _stop("paused"),
    "cancel_campaign": _stop("cancelled"),
    "resume": _resume,
    "skip": _skip,
    "raise_cap": _cap(1),
    "lower_cap": _cap(-1),
    "confirm_at_bank": _at_bank("success"),
    "refuse_at_bank": _at_bank("failure"),
    "cancel_booking": _cancel_booking,
    "airline_change": _airline_change,
    "answer_change": _answer_change,
    "remove_card": _remove_card,
    "card_detached": _detached,
    "review_open": _review("open"),
    "review_close": _review("close"),
    "dispute": _dispute,
    "refund_fails": _refund_fails,
    "stop_bookings": _switch(Stop.BOOKINGS, on=True),
    "stop_captures": _switch(Stop.CAPTURES, on=True),
    "go_again": _go_again,
    "jump": _jump,
    "mode": _mode,
    "hold_ends": _hold_ends,
}


def decide_all(story: Story) -> int:
    """The operator settles what waits for a person, by what the provider's support sees in its own books."""
    waiting = deciding.waiting()
    for owner_id, attempt_id in waiting:
        _decide(story, owner_id, attempt_id)
    return len(waiting)


def _decide(story: Story, owner_id: UUID, attempt_id: UUID) -> None:
    case = deciding.case(owner_id=owner_id, attempt_id=attempt_id)
    mine = [one for one in story.duffel_orders() if one["metadata"].get("attempt_id") == str(attempt_id)]
    if any(one["status"] == "pending" for one in mine):
        return
    live = [one for one in mine if one["status"] in {"ticketed", "held"}]
    verdict, order_id = deciding.Verdict.TRY_AGAIN, ""
    if case.state == "unknown":
        verdict = deciding.Verdict.BOOKED if live else deciding.Verdict.NOTHING_BOOKED
        order_id = live[0]["id"] if live else ""
    elif case.state == "capturing" and case.payment in {"declined", "released", "created"}:
        verdict = deciding.Verdict.TICKET_CANCELLED
        for one in live:
            story.cancel_at_airline(one["id"])
        story.given_up(case.campaign_id)
    story.note(f"operator decides {verdict} {case.state} {case.reason}")
    try:
        deciding.decide(
            owner_id=owner_id, attempt_id=attempt_id, verdict=verdict, actor="operator:storm", reason="support says so",
            order_id=order_id, now=story.world.now(),
        )  # fmt: skip
    except ParkerError as error:
        story.note(f"  not accepted: {error.code}")


def when(moment: str) -> datetime:
    """A moment as the ledgers write it."""
    return datetime.fromisoformat(moment)
