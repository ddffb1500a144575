"""Which of the offers to buy, why this one, and why not those. The answer does not depend on the offers' order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from parkerflight.campaigns.rules.refusals import Question, Reason, Refusal, refusals, way

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from parkerflight.campaigns.rules.trip import Criteria
    from parkerflight.core.money import Money
    from parkerflight.flights.types import Offer, Slice

__all__ = ["Judgement", "Reason", "Refusal", "Verdict", "decide", "judge", "match"]

# Leaving between these hours needs neither a night on the way to the airport nor one lost on arrival.
COMFORTABLE_FROM, COMFORTABLE_TO = 7 * 60, 21 * 60  # minutes after midnight, local

type Rank = tuple[str, int, timedelta, int, str]


@dataclass(frozen=True, slots=True)
class Judgement:
    """One offer and all reasons against it; none means accepted."""

    offer: Offer
    refusals: tuple[Refusal, ...]

    @property
    def accepted(self) -> bool:
        return not self.refusals

    @property
    def sentence(self) -> str:
        return "fits" if self.accepted else "; ".join(refusal.sentence for refusal in self.refusals)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for one set of offers, best first."""

    judgements: tuple[Judgement, ...]

    @property
    def best(self) -> Offer | None:
        return next((one.offer for one in self.judgements if one.accepted), None)

    @property
    def accepted(self) -> tuple[Offer, ...]:
        return tuple(one.offer for one in self.judgements if one.accepted)

    @property
    def counts(self) -> dict[Reason, int]:
        """How many offers each reason stands against; an offer counts once for each of its reasons."""
        found = Counter(refusal.reason for one in self.judgements for refusal in one.refusals)
        return {reason: found[reason] for reason in Reason if found[reason]}

    @property
    def nearest_miss(self) -> Judgement | None:
        """The refused offer with the fewest reasons against it; among those the one that ranks best."""
        return min((one for one in self.judgements if not one.accepted), key=_distance, default=None)

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """What stands against the nearest miss: for a single offer, all that stands against it."""
        nearest = self.nearest_miss
        return nearest.refusals if nearest else ()

    def to_json(self) -> dict[str, Any]:
        """Make plain JSON values to keep beside a match; no personal data."""
        nearest = self.nearest_miss
        return {
            "best": self.best.id if self.best else None,
            "offers": len(self.judgements),
            "accepted": len(self.accepted),
            "counts": {reason.value: count for reason, count in self.counts.items()},
            "nearest_miss": {"offer_id": nearest.offer.id, "why": nearest.sentence} if nearest else None,
            "explanation": self.explain(),
            "itinerary": _itinerary(self.best) if self.best else [],
        }

    def explain(self) -> str:
        """Why this one and why not those, in sentences for a person; no personal data."""
        if not self.judgements:
            return "No offers were found."
        return " ".join(part for part in (self._why_this(), self._why_not_those(), self._how_near()) if part)

    def _why_this(self) -> str:
        best = self.best
        if best is None:
            return f"None of {len(self.judgements)} offers fits."
        others = len(self.accepted) - 1
        rest = f"the cheapest, then shortest, of {others + 1} that fit" if others else "the only one that fits"
        return f"{best.id} of {best.owner or best.owner_name} for {best.total} is {rest}."

    def _why_not_those(self) -> str:
        told = ", ".join(f"{reason.value.replace('_', ' ')} {count}" for reason, count in self.counts.items())
        refused = sum(not one.accepted for one in self.judgements)
        return f"Refused: {refused} ({told})." if refused else ""

    def _how_near(self) -> str:
        nearest = self.nearest_miss
        return f"Nearest miss: {nearest.offer.id} {nearest.sentence}." if nearest else ""


def match(
    offers: Iterable[Offer], criteria: Criteria, cap: Money, now: datetime, *, has_documents: bool = True
) -> Verdict:
    """Judge all offers of a search. `cap` is for the whole party; equal to it is fine. `now` is aware, UTC.

    Best is the lowest total, then the shortest journey, then the more comfortable departures (fewest minutes outside
    07:00 to 21:00 local, over all directions), then the smaller id.
    """
    return decide(judge(offer, criteria, cap, now, has_documents=has_documents) for offer in offers)


def judge(offer: Offer, criteria: Criteria, cap: Money, now: datetime, *, has_documents: bool = True) -> Judgement:
    """Judge one offer, such as one that has just been read again before it is bought."""
    return Judgement(offer, refusals(Question(offer, criteria, cap, now, has_documents)))


def decide(judgements: Iterable[Judgement]) -> Verdict:
    """Put judged offers into order, best first."""
    return Verdict(tuple(sorted(judgements, key=lambda one: (not one.accepted, rank(one.offer)))))


def rank(offer: Offer) -> Rank:
    """Sorts better offers first. The currency leads because amounts of two currencies have no order."""
    return offer.total.currency, offer.total.minor, _duration(offer), _discomfort(offer), offer.id


def _duration(offer: Offer) -> timedelta:
    """A journey of unknown length ranks behind all known ones, not before them."""
    return timedelta.max if any(one.duration is None for one in offer.slices) else offer.duration


def _discomfort(offer: Offer) -> int:
    return sum(_minutes_outside(one) for one in offer.slices)


def _minutes_outside(one: Slice) -> int:
    minute = one.departing_at.hour * 60 + one.departing_at.minute
    return max(COMFORTABLE_FROM - minute, minute - COMFORTABLE_TO, 0)


def _distance(one: Judgement) -> tuple[int, Rank]:
    return len(one.refusals), rank(one.offer)


def route(offer: Offer) -> str:
    """`LHR → JFK, JFK → LHR` for an offer, as flown."""
    return ", ".join(way(one) for one in offer.slices)


def _itinerary(offer: Offer) -> list[str]:
    """Each flight in one line a person can search for; times are local."""
    return [
        f"{one.departing_at:%d %B %Y %H:%M}  {one.origin.iata_code}–{one.destination.iata_code}  "
        f"{one.marketing_carrier}{one.marketing_flight_number}".rstrip()
        for journey in offer.slices
        for one in journey.segments
    ]
