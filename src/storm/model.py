"""Instead of chance, a search: Hypothesis chooses what happens next, and an ideal ledger is compared after every step."""

from __future__ import annotations

import argparse
import random
from contextlib import nullcontext
from itertools import count
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from storm import jobs
from storm.baton import Actor, Killed, current
from storm.cast import Campaign
from storm.chaos import Chaos, in_transaction
from storm.exhaustive import plain_plan, trip
from storm.planted import PLANTS, planted
from storm.stage import Stage
from storm.story import PERIODIC, Story
from storm.wire import Dropped, Vendor

SEEDS = count(50_000_000)
TRIPS = {
    "plain": trip(origin="BTS", destination="MRU"),
    "party": trip(origin="BTS", destination="MRU", party=(0, 1, 2, 3)),
    "veto": trip(veto_hours=1),
    "second card": trip(card="pm_card_chargeCustomerFail", second_card="pm_card_mastercard"),
    "declined": trip(card="pm_card_chargeCustomerFail"),
    "cardholder": trip(card="pm_card_authenticationRequired"),
}
CERTAIN = ("plain", "party", "veto", "second card")  # nothing but a person's own will keeps these from being bought
TO_A_CAMPAIGN = ("pause", "cancel_campaign", "skip", "remove_card", "lower_cap")
TO_ANYTHING = (
    "cancel_booking",
    "refuse_at_bank",
    "confirm_at_bank",
    "airline_change",
    "stop_bookings",
    "stop_captures",
)
WRITES = (
    "/air/orders",
    "/air/payments",
    "/actions/confirm",
    "/v1/payment_intents",
    "/capture",
    "/cancel",
    "/v1/refunds",
)
PATIENCE = 30  # looks, a few hours apart, until a campaign that nothing hinders must have its ticket


class Ideal:
    """What people may rely on, known from what they did and from the vendors' books; nothing of our tables."""

    def __init__(self) -> None:
        self.free: dict[Any, bool] = {}
        """By campaign: whether nothing but the search itself decides that it ends with a ticket."""

    def started(self, campaign: Campaign, *, certain: bool) -> None:
        self.free[campaign.id] = certain

    def touched(self, campaigns: list[Campaign]) -> None:
        self.free.update(dict.fromkeys((one.id for one in campaigns), False))

    def at_any_moment(self, campaign: Campaign, orders: list[dict[str, Any]], intents: list[dict[str, Any]]) -> None:
        """True while everything is still under way, also between a crash and its repair."""
        mine = [one for one in orders if one["metadata"].get("campaign_id") == str(campaign.id)]
        paid = [one for one in intents if one["metadata"].get("campaign_id") == str(campaign.id)]
        assert sum(one["status"] == "ticketed" for one in mine) <= 1, "two tickets"
        assert all(one["amount"] <= max(campaign.caps) for one in paid), "more than was signed"
        if sum(one["captured"] for one in paid):
            assert any(one["status"] in {"ticketed", "cancelled"} for one in mine), "money taken for no ticket"
        assert sum(one["captured"] > 0 for one in paid) <= 1, "money taken twice"

    def awaits(self, orders: list[dict[str, Any]]) -> bool:
        """Whether somebody who could have a ticket has none yet."""
        bought = {one["metadata"].get("campaign_id") for one in orders if one["status"] == "ticketed"}
        return any(free and str(campaign) not in bought for campaign, free in self.free.items())


class Script(Chaos):
    """Faults that were asked for instead of drawn: pause or die after so many points, lose so many requests."""

    def __init__(self) -> None:
        super().__init__(random.Random(0), 0)
        self.left: dict[Actor, tuple[int, bool]] = {}
        self.loss: dict[str, str] = {}
        """By the end of a path: whether the next POST there is lost `before` or `after` it is carried out."""

    def point(self, name: str) -> None:
        actor = current()
        if actor is None or in_transaction() or self.calm or actor not in self.left:
            return
        points, dies = self.left.pop(actor)
        if points > 1:
            self.left[actor] = (points - 1, dies)
        elif dies:
            raise Killed(name)
        else:
            actor.pause(name)

    def trouble_for(self, vendor: Vendor) -> Any:  # noqa: ARG002 - the path says whose it is
        def trouble(method: str, path: str) -> Any:
            meant = [end for end in self.loss if method == "POST" and path.endswith(end) and not self.calm]
            kind = self.loss.pop(meant[0]) if meant else ""
            if kind == "before":
                raise Dropped
            return _drop if kind == "after" else None

        return trouble


def _drop() -> None:
    raise Dropped


class Chosen(random.Random):
    """Chance whose every choice was made before."""

    number = 0

    def choice(self, seq: Any) -> Any:
        return seq[self.number % len(seq)]

    def random(self) -> float:
        return self.number % 10 / 10


class Model(RuleBasedStateMachine):
    """The saga driven one step at a time, next to the ideal."""

    stage: ClassVar[Stage]
    workers = st.integers(0, 2)
    points = st.integers(1, 45)

    def __init__(self) -> None:
        super().__init__()
        self.story: Story = self.stage.story(next(SEEDS), 0, None, plain_plan())
        self.script = self.story.chaos = Script()
        self.story.chance = self.chance = Chosen(0)
        self.ideal = Ideal()
        self.story.open()
        self.script.calm = False

    @initialize(kind=st.sampled_from(sorted(TRIPS)))
    def first(self, kind: str) -> None:
        self.start(kind)

    @precondition(lambda self: len(self.story.campaigns) < 3)
    @rule(kind=st.sampled_from(sorted(TRIPS)))
    def start(self, kind: str) -> None:
        self.story.start(TRIPS[kind])
        self.ideal.started(self.story.campaigns[-1], certain=kind in CERTAIN)

    @rule(name=st.sampled_from(PERIODIC), worker=workers)
    def tick(self, name: str, worker: int) -> None:
        self.story.tick(self.story.crew.workers[worker], name)

    @rule(worker=workers, points=points, dies=st.booleans(), number=st.integers(0, 3))
    def begin(self, worker: int, points: int, dies: bool, number: int) -> None:
        actor, todo = self.story.crew.workers[worker], jobs.waiting(self.story.world)
        if todo and not actor.busy:
            self.script.left[actor] = (points, dies)
            self.story.begin(actor, todo[number % len(todo)])

    @rule(worker=workers, points=points, dies=st.booleans())
    def go_on(self, worker: int, points: int, dies: bool) -> None:
        actor = self.story.crew.workers[worker]
        if actor.busy:
            self.script.left[actor] = (points, dies)
            self.story.go_on(actor)

    @rule(what=st.sampled_from(WRITES), kind=st.sampled_from(["before", "after"]))
    def lose(self, what: str, kind: str) -> None:
        self.script.loss[what] = kind

    @rule(number=st.integers(0, 9))
    def webhooks(self, number: int) -> None:
        self.chance.number = number
        self.story.post()

    @rule(seconds=st.sampled_from([1, 30, 600, 2_400]))
    def wait(self, seconds: int) -> None:
        self.story.world.advance(seconds)

    @rule(name=st.sampled_from(TO_A_CAMPAIGN), number=st.integers(0, 2))
    def person(self, name: str, number: int) -> None:
        self.chance.number = number
        self.ideal.touched([self.chance.choice(self.story.campaigns)])
        self.story.act(name)

    @rule(name=st.sampled_from(TO_ANYTHING), number=st.integers(0, 9))
    def anybody(self, name: str, number: int) -> None:
        self.chance.number = number
        self.ideal.touched(self.story.campaigns)
        self.story.act(name)

    @invariant()
    def compare(self) -> None:
        orders, intents = self.story.duffel_orders(), self.story.stripe_intents()
        for one in self.story.campaigns:
            self.ideal.at_any_moment(one, orders, intents)

    def teardown(self) -> None:
        try:
            settled, looks = self.story.calm(), 0
            while settled and looks < PATIENCE and self.ideal.awaits(self.story.duffel_orders()):
                self.story.periodic(self.story.crew.workers[0], "bookings.watch")
                settled, looks = self.story.calm(), looks + 1
                self.story.world.advance(4 * 3_600)
            outcome = self.story.reckon(settled=settled)
            assert settled, "not settled"
            assert not outcome.broken, outcome.broken
            assert not self.ideal.awaits(self.story.duffel_orders()), (
                "nothing stood in the way, and no ticket was bought"
            )
        finally:
            self.story.close()


def run(wish: argparse.Namespace) -> int:
    """Let Hypothesis look for a sequence that breaks the promises; raises with the shortest one it found.

    `wish.only` plants the bug of that name first.
    """
    Model.stage = Stage("storm_model")
    chosen = settings(
        max_examples=wish.examples, stateful_step_count=40, deadline=None, database=None, print_blob=False,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate] if wish.only else [Phase.generate, Phase.shrink],
    )  # fmt: skip
    with planted(PLANTS[wish.only]) if wish.only else nullcontext():
        run_state_machine_as_test(seed(wish.seed)(Model), settings=chosen)
    Model.stage.close()
    print(f"storm: {wish.examples} walks of the model, nothing found")
    return 0
