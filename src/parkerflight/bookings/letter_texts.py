"""What a letter says: subject, plain text, HTML. Pure; the confirmation of a booking has a module of its own.

Each letter says what happened, what it means for the money, and what happens next, in that order.
"""

from dataclasses import dataclass
from datetime import datetime

from parkerflight.bookings.letters import Kind
from parkerflight.core.money import Money
from parkerflight.notifications.letters import Letter, compose

NOT_CHARGED = "Nothing was charged."
GOES_ON = "The search for this trip goes on; there is nothing you have to do."


@dataclass(frozen=True, slots=True)
class Facts:
    """What a letter may need. Texts are without names; the links lead to our own pages and carry ids only."""

    trip: str
    """From where to where, such as LHR–LIS."""
    total: Money
    """What the card pays or paid."""
    cap: Money
    link: str
    deadline: datetime | None = None
    """Aware, UTC."""
    sentence: str = ""
    itinerary: tuple[str, ...] = ()
    back: Money | None = None
    """What goes back to the card."""
    kept: Money | None = None
    """What the airline keeps."""
    credits: bool = False


@dataclass(frozen=True, slots=True)
class _Draft:
    subject: str
    paragraphs: tuple[str, ...]
    action: str = ""
    """What the button says; empty for no button."""


def write(kind: Kind, facts: Facts) -> Letter:
    """The letter of this kind about these facts."""
    draft = _DRAFTS[kind](facts)
    return compose(draft.subject, draft.paragraphs, itinerary=facts.itinerary, action=draft.action, link=facts.link)


def _until(facts: Facts) -> str:
    return f"{facts.deadline:%d %B %Y, %H:%M} UTC" if facts.deadline else "soon"


def _confirm(facts: Facts) -> _Draft:
    return _Draft(
        f"Please confirm: {facts.trip} for {facts.total}",
        (
            f"We found {facts.trip} for {facts.total}, within your limit of {facts.cap}, and the airline is holding the seats.",
            "Your bank wants you to confirm this payment yourself. The page shows the price once more before you do.",
            (
                f"Please do it before {_until(facts)}. After that the seats go back to the airline; nothing is charged then, "
                "and the campaign waits for you."
            ),
        ),
        "Look at the fare and confirm",
    )


def _veto(facts: Facts) -> _Draft:
    return _Draft(
        f"Booking {facts.trip} for {facts.total} unless you say no",
        (
            f"We found {facts.trip} for {facts.total}, within your limit of {facts.cap}, and the airline is holding the seats.",
            f"You asked for time to say no. Unless you do before {_until(facts)}, we charge your card and buy the ticket.",
            "There is nothing to do if you want it.",
        ),
        "Look at the fare, or say no",
    )


def _out_of_reach(facts: Facts) -> _Draft:
    return _Draft(
        f"A fare we could not buy: {facts.trip} for {facts.total}",
        (
            (
                f"{facts.trip} was for sale at {facts.total}, within your limit of {facts.cap}, but an outage kept us from buying it in "
                f"time. {NOT_CHARGED}"
            ),
            (
                "It may still be there: search for these flights on the airline's own site. If you buy it yourself, pause the campaign "
                "first, so that we do not buy it too."
            ),
            GOES_ON,
        ),
        "Open the campaign",
    )


def _act(facts: Facts) -> _Draft:
    return _Draft(
        f"Your search for {facts.trip} needs you",
        (f"{facts.sentence} {NOT_CHARGED}", "The search has stopped and goes on when you have looked at it."),
        "Open the campaign",
    )


def _unpaid(facts: Facts) -> _Draft:
    return _Draft(
        f"Your ticket for {facts.trip} is booked, but not paid yet",
        (
            f"The airline issued your ticket, but your card could not be charged {facts.total}.",
            "We will write to you about it; you can add another card meanwhile.",
        ),
        "Open the campaign",
    )


def _tickets(facts: Facts) -> _Draft:
    return _Draft(
        f"Your tickets for {facts.trip} are there",
        ("The airline has now issued every ticket of your booking. You find their numbers with your booking.",),
        "Open the booking",
    )


def _cancelled(facts: Facts) -> _Draft:
    if facts.credits:
        money = (
            "The airline gives its refund as credits with itself, not as money: nothing goes back to your card. "
            "The credits are in the traveller's name."
        )
    elif facts.back:
        money = f"{facts.back} goes back to the card you paid with; banks take 5 to 10 working days to show it."
    else:
        money = "The airline gives nothing back for this ticket, so nothing goes back to your card."
    kept = f"The airline keeps {facts.kept}." if facts.kept and facts.kept.minor else ""
    return _Draft(
        f"Your trip {facts.trip} is cancelled", ("Your booking is cancelled.", money, kept), "Open the booking"
    )


def _refund_failed(facts: Facts) -> _Draft:
    return _Draft(
        f"Your refund for {facts.trip} did not arrive",
        (
            f"Your bank sent back the refund of {facts.back or facts.total}, usually because the card was closed.",
            "Your money is safe with us. We will write to you about another way to send it.",
        ),
        "Open the booking",
    )


def _changed(facts: Facts) -> _Draft:
    return _Draft(
        f"The airline changed your flights: {facts.trip}",
        (
            "The airline changed the flights of your booking. Nothing was accepted in your name.",
            (
                "Look at the new times and accept them, or tell us that they do not work: then we talk to the airline. "
                "Changes by an airline often give rights to another flight or your money back."
            ),
        ),
        "Look at the change",
    )


_DRAFTS = {
    Kind.CONFIRM: _confirm,
    Kind.VETO: _veto,
    Kind.OUT_OF_REACH: _out_of_reach,
    Kind.ACT: _act,
    Kind.UNPAID: _unpaid,
    Kind.TICKETS: _tickets,
    Kind.CANCELLED: _cancelled,
    Kind.REFUND_FAILED: _refund_failed,
    Kind.CHANGED: _changed,
}
