"""What a story is made of, drawn from its seed: people, trips, cards, limits, and the mood of both vendors."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

REAL, MAGIC = "real", "magic"
ROUTES: tuple[tuple[str, str, float], ...] = (
    ("LHR", "LIS", 6),
    ("LHR", "MAD", 3),
    ("JFK", "EWR", 8),  # every offer can be held
    ("LHR", "STN", 3),  # the price rises with each read
    ("LHR", "LGW", 3),  # the airline breaks while ordering: 502
    ("LGW", "STN", 1),  # the wallet is empty
    ("LGW", "LHR", 2),  # the offer is gone when it is read
    ("LHR", "LTN", 3),  # the airline changes the flights
    ("LTN", "SYD", 3),  # cancelling gives credits
    ("STN", "LHR", 1),  # the search times out
    ("PVD", "RAI", 1),  # nothing is for sale
    ("BTS", "MRU", 2),
    ("DXB", "AMS", 2),
)
CARDS: tuple[tuple[str, float], ...] = (
    ("pm_card_visa", 12),
    ("pm_card_mastercard", 3),
    ("pm_card_amex", 1),
    ("pm_card_authenticationRequired", 5),
    ("pm_card_authenticationRequiredOnSetup", 2),
    ("pm_card_authenticationRequiredSetupForOffSession", 1),
    ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", 1),
    ("pm_card_threeDSecureOptional", 1),
    ("pm_card_chargeCustomerFail", 3),
)
SECOND_CARDS = ("", "", "", "pm_card_mastercard", "pm_card_visa")
PARTIES = ((0,), (0,), (0,), (0, 1), (0, 3), (0, 1, 3), (0, 1, 2, 3))
"""Indexes of the travellers of each person: three adults and a child."""
CAPS = ("plenty", "plenty", "plenty", "plenty", "exact", "one_below", "little_above")
# With a «!» at the worst moment: when a fare was just found.
ACTIONS: tuple[tuple[str, float], ...] = (
    ("pause", 2), ("pause!", 2), ("resume", 4), ("cancel_campaign", 1), ("cancel_campaign!", 2), ("skip", 3),
    ("confirm_at_bank", 3), ("refuse_at_bank", 1), ("cancel_booking", 3), ("airline_change", 4), ("answer_change", 3),
    ("remove_card", 1.5), ("card_detached", 1), ("review_open", 3), ("review_close", 3), ("dispute", 2), ("refund_fails", 1),
    ("stop_bookings", 1.5), ("stop_captures", 1.5), ("go_again", 4), ("jump", 3), ("mode", 4), ("raise_cap", 1),
    ("lower_cap", 1), ("hold_ends", 0.7),
)  # fmt: skip


@dataclass
class Trip:
    """One campaign to be."""

    owner: int
    party: tuple[int, ...]
    origin: str
    destination: str
    days_ahead: int
    nights: int | None
    cap: str
    card: str
    second_card: str
    veto_hours: int


@dataclass
class Plan:
    """One story to be."""

    trips: list[Trip]
    workers: int
    steps: int
    price_change_rate: float
    mode: dict[str, Any]
    late: int
    """Seconds until ticket documents come; 0: at once."""
    fury: float
    acts: dict[int, str] = field(default_factory=dict)
    """What a person or operator does before which step."""


def draw(chance: random.Random, fury: float) -> Plan:
    """The plan of one story."""
    count = chance.choices((1, 2, 3, 4, 6, 10, 20), (820, 110, 30, 20, 10, 6, 4))[0]
    steps = 26 + 14 * min(count, 8)
    trips = [_trip(chance) for _ in range(count)]
    wishes = [_weighted(chance, ACTIONS) for _ in range(chance.randrange(1, 4 + count))]
    return Plan(
        trips=trips,
        workers=chance.choices((1, 2, 3, 4), (3, 4, 2, 1))[0],
        steps=steps,
        price_change_rate=chance.choice((0, 0, 0, 0.1, 0.5, 1)),
        mode=_mode(chance),
        late=chance.choices((0, 90, 4_000, 200_000), (30, 4, 3, 1))[0],
        fury=fury * chance.choice((0.3, 1, 1, 2)),
        acts={chance.randrange(4, steps): wish for wish in [*wishes, *_sequels(chance, trips)]},
    )


def _sequels(chance: random.Random, trips: list[Trip]) -> Iterator[str]:
    """What people do because of what such a trip meets; each waits until it can be done."""
    for trip in trips:
        if "authentication" in trip.card and chance.random() < 0.8:
            yield chance.choice(("confirm_at_bank", "confirm_at_bank", "confirm_at_bank", "refuse_at_bank"))
        if (trip.origin, trip.destination) == ("LHR", "LTN") and chance.random() < 0.7:
            yield "answer_change"
        if chance.random() < 0.2:
            yield "cancel_booking"
            if chance.random() < 0.3:
                yield "refund_fails"


def _trip(chance: random.Random) -> Trip:
    origin, destination = chance.choices([r[:2] for r in ROUTES], [r[2] for r in ROUTES])[0]
    real = (origin, destination) in {("LHR", "LIS"), ("LHR", "MAD")}
    return Trip(
        owner=chance.randrange(2),
        party=chance.choice(PARTIES),
        origin=origin,
        destination=destination,
        days_ahead=chance.choice((60, 61, 90)),
        nights=chance.choice((None, 7)) if real else None,
        cap=chance.choice(CAPS),
        card=_weighted(chance, CARDS),
        second_card=chance.choice(SECOND_CARDS),
        veto_hours=chance.choice((0, 0, 0, 1, 6)),
    )


def _mode(chance: random.Random) -> dict[str, Any]:
    kind = chance.choices((201, 200, 202), (8, 1, 2))[0]
    return {"mode": kind, "settle_seconds": chance.choice((20, 300, 5_000)), "fail": chance.random() < 0.3}


def mode(chance: random.Random) -> dict[str, Any]:
    """Another mood of the airline."""
    return _mode(chance)


def _weighted(chance: random.Random, choices: tuple[tuple[str, float], ...]) -> str:
    return chance.choices([one for one, _ in choices], [weight for _, weight in choices])[0]
