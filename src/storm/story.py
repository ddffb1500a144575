"""One story: the storm, then the calm, then the reckoning."""

from __future__ import annotations

import random
import traceback
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.utils import InterfaceError, OperationalError
from django.test import RequestFactory
from procrastinate.contrib.django import app

from parkerflight.core import fault_points
from parkerflight.core.errors import OutcomeUnknown, ParkerError, Retryable
from parkerflight.inbox.models import Vendor as InboxVendor
from parkerflight.interfaces.webhooks.views import BUCKETS, receive
from parkerflight.ops import invariants
from storm import acts, cast, jobs, ledger, plan
from storm.baton import Actor, Killed
from storm.chaos import Chaos, present
from storm.jobs import Job
from storm.wire import Impossible
from storm.world import World

PERIODIC = ("bookings.watch", "bookings.sweep", "inbox.wake")
CALM_DAYS = 9  # holds of a card last seven, an unknown order a day; then everything must be settled
MOST_CALM_ROUNDS = 900
SHORTEST_WALK = 16  # steps; by then a first attempt has begun
LINK_ERRORS = (OperationalError, InterfaceError)  # what a lost database connection raises
SKIPPED_JOBS = frozenset({"notifications.deliver"})  # mail has tests of its own
# What a calm end may still show: a person was told and has not answered; refunds that came back wait for one.
HUMAN = frozenset(
    {"attempt_needs_a_person", "cancellation_needs_a_person", "booked_but_not_told", "dispute_near_its_deadline"}
)


@dataclass
class Outcome:
    """How a story ended."""

    seed: int
    settled: bool
    broken: list[ledger.Broken]
    faults: Counter[str]
    ends: Counter[str]
    recoveries: Counter[str]
    trace: list[str] = field(repr=False, default_factory=list)


class Crew:
    """The actors of a process, used again by every story."""

    def __init__(self, world: World) -> None:
        from storm.baton import register

        self.workers = [register(Actor(f"worker{number}", "worker")) for number in range(1, 5)]
        self.web = register(Actor("web", "web"))
        self.operator = register(Actor("operator", "worker"))
        self.auditor = register(Actor("auditor", "backoffice"))
        self.world = world

    @property
    def all(self) -> list[Actor]:
        """Everybody."""
        return [*self.workers, self.web, self.operator, self.auditor]

    def log_in(self) -> None:
        """Connect everybody to the world's database."""
        import json

        port = json.loads((self.world.server.directory / "postgres.json").read_text())["port"]
        for actor in self.all:
            actor.log_in(port, self.world.database)


class Story:
    """The state of one story while it runs."""

    def __init__(
        self,
        world: World,
        crew: Crew,
        people: list[cast.Person],
        seed: int,
        fury: float,
        kill_at: list[int] | None = None,
        wish: plan.Plan | None = None,
    ) -> None:
        self.world, self.crew, self.people, self.seed = world, crew, people, seed
        self.chance = world.begin(seed)
        self.plan = wish or plan.draw(self.chance, fury)
        self.chaos = Chaos(random.Random(f"chaos/{seed}"), self.plan.fury)
        self.kill_at = kill_at
        self.campaigns: list[cast.Campaign] = []
        self.doing: dict[Actor, Job | None] = {}
        self.lost: list[tuple[int, int]] = []
        """Jobs whose worker died: (step at which that is noticed, job)."""
        self.step = 0
        self.refunds_failed = False
        self.bugs: list[ledger.Broken] = []
        self.wanted: list[str] = []
        """What somebody is about to do, as soon as there is something to do it to."""
        self.bookings_stopped: list[tuple[datetime, datetime | None]] = []

    # --- what everybody sees

    def note(self, what: str) -> None:
        """One more line of the trace."""
        self.chaos.note(what)

    def duffel_orders(self) -> list[dict[str, Any]]:
        """The airline's own books."""
        orders: list[dict[str, Any]] = self.world.duffel.control("GET", "/_sandbox/ledger")["orders"]
        return orders

    def stripe_intents(self) -> list[dict[str, Any]]:
        """The bank's own books."""
        rows: list[dict[str, Any]] = self.world.stripe.control("GET", "/_sandbox/ledger")["payment_intents"]
        return rows

    def stripe_api(self, method: str, path: str, form: dict[str, str]) -> None:
        """Something done at Stripe by hand, or by the cardholder's browser."""
        headers = {"Authorization": "Bearer sk_test_owner", "Content-Type": "application/x-www-form-urlencoded"}
        self.world.stripe._handle(method, path, headers, urlencode(form).encode())

    def cancel_at_airline(self, order_id: str) -> None:
        """An operator cancels a ticket in the provider's dashboard."""
        quote = self.world.duffel.control_api("POST", "/air/order_cancellations", {"data": {"order_id": order_id}})
        self.world.duffel.control_api(
            "POST", f"/air/order_cancellations/{quote['data']['id']}/actions/confirm", {"data": {}}
        )

    def given_up(self, campaign_id: UUID) -> None:
        """An operator gave the ticket up because nobody could be charged for it."""
        for one in self.campaigns:
            if one.id == campaign_id:
                one.ticket_given_up = True

    # --- the course of it

    def run(self) -> Outcome:
        """Play it from the first moment to the reckoning."""
        try:
            self.open()
            self._storm()
            return self.reckon(settled=self.calm())
        finally:
            self.close()

    def open(self) -> None:
        """Begin from nothing: the story's campaigns start in fair weather."""
        present(self.chaos)
        fault_points.listen(self.chaos.point)
        world, wish = self.world, self.plan
        jobs.clear(world)
        assert world.admin is not None
        world.admin.execute('DELETE FROM payments_customer; UPDATE core_switch SET "on" = false')
        for bucket in BUCKETS.values():
            bucket._level = bucket._size
        world.duffel.control(
            "POST", "/_sandbox/account", {"price_change_rate": wish.price_change_rate, "test_airline": True}
        )
        if wish.late:
            for airline in ("ZZ", "BA", "TP", "IB", "AA", "LH"):
                world.duffel.control("POST", "/_sandbox/late_documents", {"airline": airline, "seconds": wish.late})
        for trip in wish.trips:
            self.start(trip)
        world.duffel.control("POST", "/_sandbox/orders_mode", wish.mode)
        for actor in self.crew.all:
            self.have(actor, self.chaos.troubled_commits)
        for vendor in (world.stripe, world.duffel):
            vendor.trouble = self.chaos.trouble_for(vendor)

    def close(self) -> None:
        """Nothing of this story is left in the process."""
        fault_points.listen(None)
        self.world.end()

    def start(self, trip: plan.Trip) -> None:
        """A person starts a campaign."""

        def begun() -> None:
            made = cast.start(self.world, self.people[trip.owner], trip)
            if made is not None:
                self.campaigns.append(made)

        self.have(self.crew.web, begun)

    def have(self, actor: Actor, work: Any) -> BaseException | None:
        """Have an idle actor do something, whole; what it raised, unless that is an answer to a person."""
        actor.start(work)
        while actor.busy:
            actor.go_on()
        self._judge(actor.error)
        return actor.error

    def _judge(self, error: BaseException | None) -> None:
        """An error nobody planned for is a finding, whatever the weather."""
        planned = isinstance(error, ParkerError | Killed | Impossible) or (
            isinstance(error, LINK_ERRORS) and not self.chaos.calm
        )
        if error is not None and not planned:
            where = "".join(traceback.format_exception(error)[-4:])
            self.bugs.append(ledger.Broken(f"failed with {type(error).__name__}", where[-900:]))

    def _storm(self) -> None:
        self.chaos.calm = False
        if self.kill_at is not None:
            self.chaos.kill_at, self.chaos.calm = list(self.kill_at), True
        for step in range(self.plan.steps):
            self.step = step
            if self.kill_at is not None and self._nothing_to_come(step):
                break
            self._notice_the_dead()
            if step in self.plan.acts:
                self.wanted.append(self.plan.acts[step])
            self._try_acts()
            if self.kill_at is None:
                self._turn()
            else:
                self._orderly_turn()
        self.chaos.kill_at = []

    def _nothing_to_come(self, step: int) -> bool:
        """For the exhaustive walks: whether the path is walked to its end."""
        acts_to_come = self.wanted or any(at >= step for at in self.plan.acts)
        return not acts_to_come and step >= SHORTEST_WALK and not self.lost and self._next_due() is None

    def _turn(self) -> None:
        """Something happens next: a worker goes on or begins, a webhook comes, time passes."""
        workers = self.crew.workers[: self.plan.workers]
        paused = [one for one in workers if one.busy]
        idle = [one for one in workers if not one.busy]
        todo = jobs.waiting(self.world)
        kind = self.chance.random()
        if paused and (kind < 0.45 or not idle):
            self.go_on(self.chance.choice(paused))
        elif todo and kind < 0.75:
            self.begin(self.chance.choice(idle), self.chance.choice(todo[:4]))
        elif kind < 0.9:
            self.tick(self.chance.choice(idle or workers[:1]))
            self.post()
        else:
            self.world.advance(self.chance.choice((1, 5, 20, 70, 400)))
        if paused and self.chance.random() < 0.03:
            self._take_for_dead(self.chance.choice(paused))

    def _orderly_turn(self) -> None:
        """For the exhaustive walks: one worker, jobs in order, webhooks at once, a little time between."""
        worker = self.crew.workers[0]
        if todo := jobs.waiting(self.world):
            self.begin(worker, todo[0])
            return
        self.periodic(worker, PERIODIC[self.step % len(PERIODIC)])
        self.post(all_of_them=True)
        self.world.advance(min(max(self._next_due() or 0, 10), 1_800))

    def begin(self, actor: Actor, job: Job) -> None:
        """An idle worker takes a job and runs until it pauses or ends."""
        jobs.take(self.world, job)
        if job.task in SKIPPED_JOBS:
            jobs.done(self.world, job, None)
            return
        self.doing[actor] = job
        self.note(f"{actor.name} begins {job.task}")
        actor.start(lambda: jobs.run(job))
        self._ended(actor)

    def go_on(self, actor: Actor) -> None:
        """A paused worker runs on."""
        self.note(f"{actor.name} goes on")
        actor.go_on()
        self._ended(actor)

    def _ended(self, actor: Actor) -> None:
        if actor.busy:
            return
        job = self.doing.pop(actor, None)
        if job is None:
            self._judge(actor.error)
            return
        if isinstance(actor.error, Killed):
            self.note(f"{actor.name} died")
            self.lost.append((self.step + self.chance.randrange(3, 30), job.id))
            return
        if actor.error is not None:
            self.note(f"{actor.name} failed: {type(actor.error).__name__}")
        self._judge(actor.error)
        jobs.done(self.world, job, actor.error)

    def _take_for_dead(self, actor: Actor) -> None:
        """A worker is slow: its job is given to another, and then it wakes up."""
        job = self.doing.get(actor)
        if job is not None:
            self.chaos.faults["taken for dead"] += 1
            self.doing[actor] = None
            jobs.put_back(self.world, job.id)

    def _notice_the_dead(self) -> None:
        for item in [one for one in self.lost if one[0] <= self.step]:
            self.lost.remove(item)
            jobs.put_back(self.world, item[1])

    def tick(self, actor: Actor, name: str = "") -> None:
        """A periodic task is due; which one, chance says."""
        if actor.busy:
            return
        name = name or self.chance.choice((*PERIODIC, "bookings.watch", "bookings.sweep"))
        self.note(f"{actor.name} ticks {name}")
        self.doing[actor] = None
        actor.start(lambda: app.tasks[name].func(timestamp=0))

    def _try_acts(self) -> None:
        """Do what is wanted and possible; what is not possible yet stays wanted."""
        self.wanted = [name for name in self.wanted if not (self._ripe(name) and self.act(name.rstrip("!")))]

    def _ripe(self, name: str) -> bool:
        """Whether the moment has come: for some acts only the worst one will do, when a fare was found and not yet claimed."""
        assert self.world.admin is not None
        if not name.endswith("!"):
            return True
        query = "SELECT 1 FROM campaigns_match WHERE campaign_id = ANY(%s) AND state = 'found' LIMIT 1"
        return self.world.admin.execute(query, [[one.id for one in self.campaigns]]).fetchone() is not None

    def periodic(self, actor: Actor, name: str) -> None:
        """A periodic task, whole, by an idle actor."""
        self.have(actor, partial(app.tasks[name].func, timestamp=0))

    def act(self, name: str) -> bool:
        """Whether that is over: done, or refused. False when it cannot be done yet, or went wrong and is tried again."""
        actor = self.crew.operator if name in acts.OPERATORS else self.crew.web
        error = self.have(actor, lambda: acts.ACTS[name](self, self.chance))
        if isinstance(error, Impossible):
            if str(error) != "there is none":
                self.note(f"{actor.name} cannot do {name}: {error}")
            return False
        self.note(f"{actor.name} does {name}{f', but: {error!r}' if error else ''}")
        if isinstance(error, (Retryable, OutcomeUnknown, *LINK_ERRORS)):
            return False
        if error is None:
            self.chaos.faults[f"act: {name}"] += 1
        return True

    # --- webhooks

    def post(self, *, all_of_them: bool = False) -> None:
        """Deliver what is due: in order, late, twice, or never."""
        for vendor, queue in ((InboxVendor.STRIPE, self.world.stripe), (InboxVendor.DUFFEL, self.world.duffel)):
            hooks = queue.sandbox.webhooks
            heap = hooks._heap
            now = self.world.clock.now()
            due = sorted(item for item in heap if item[0] <= now or all_of_them)
            if not all_of_them:
                self.chance.shuffle(due)
            for item in due:
                self._deliver(vendor, hooks, item, certain=all_of_them)

    def _deliver(self, vendor: InboxVendor, hooks: Any, item: Any, *, certain: bool) -> None:
        fate = 1.0 if certain else self.chance.random()
        if fate < 0.25:
            self.chaos.faults["webhook late"] += 1
            return
        hooks._heap.remove(item)
        delivery = item[2]
        if fate < 0.35:
            self.chaos.faults["webhook lost"] += 1
            return
        times = 2 if fate < 0.45 else 1
        if times > 1:
            self.chaos.faults["webhook doubled"] += 1
        for _ in range(times):
            headers = hooks._sign(delivery.body, delivery.target, int(self.world.clock.now()))
            self.have(self.crew.web, partial(_receive, vendor, delivery.body, dict(headers)))

    # --- calm

    def calm(self) -> bool:
        """No more faults: everything must settle within days."""
        self.chaos.calm = True
        for vendor in (self.world.stripe, self.world.duffel):
            vendor.trouble = None
            vendor.sandbox.faults.clear()
        self.have(self.crew.operator, lambda: acts.ACTS["go_again"](self, self.chance))
        self.world.duffel.control("POST", "/_sandbox/orders_mode", {"mode": 201})
        for actor in self.crew.workers:
            while actor.busy:
                self.go_on(actor)
        for _, job_id in self.lost:
            jobs.put_back(self.world, job_id)
        self.lost.clear()
        return self._settle()

    def _settle(self) -> bool:
        began = self.world.clock.now()
        for _ in range(MOST_CALM_ROUNDS):
            self.everything_due()
            wait = self._next_due()
            if wait is None:
                return True
            if self.world.clock.now() - began > CALM_DAYS * 86_400:
                return False
            self.world.advance(min(max(wait, 1.0), 43_200.0))
        return False

    def everything_due(self) -> None:
        """Whatever can be done at this moment is done."""
        worker = self.crew.workers[0]
        self.post(all_of_them=True)
        for name in ("bookings.sweep", "inbox.wake"):
            self.periodic(worker, name)
        wanted = -1
        while wanted != len(self.wanted):
            while todo := jobs.waiting(self.world):
                for job in todo:
                    self.begin(worker, job)
            wanted = len(self.wanted)
            self._try_acts()
        self.have(self.crew.operator, lambda: acts.decide_all(self))

    def _next_due(self) -> float | None:
        """Seconds until something is due; None when nothing is under way."""
        assert self.world.admin is not None
        row = self.world.admin.execute(
            """SELECT (SELECT count(*) FROM bookings_bookingattempt WHERE state NOT IN ('completed', 'released')),
                      (SELECT count(*) FROM bookings_cancellation WHERE state IN ('confirming', 'confirmed') AND human_since IS NULL),
                      (SELECT count(*) FROM bookings_change WHERE state = 'accepting'),
                      (SELECT count(*) FROM inbox_event WHERE handled_at IS NULL AND given_up_at IS NULL),
                      (SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'),
                      LEAST((SELECT min(due_at) FROM bookings_bookingattempt), (SELECT min(due_at) FROM bookings_cancellation),
                            (SELECT min(next_try_at) FROM inbox_event WHERE handled_at IS NULL AND given_up_at IS NULL))"""
        ).fetchone()
        assert row is not None
        *open_things, due = row
        if not any(open_things):
            return None
        return (due - self.world.now()).total_seconds() + 1 if isinstance(due, datetime) else 60.0

    # --- the reckoning

    def reckon(self, *, settled: bool) -> Outcome:
        """Compare with both vendors' books and with our own invariants."""
        assert self.world.admin is not None
        broken = ledger.check(
            self.campaigns, self.duffel_orders(), self.stripe_intents(), refunds_failed=self.refunds_failed
        )
        ours: list[Any] = []
        self.have(self.crew.auditor, lambda: ours.extend(invariants.check(self.world.now())))
        broken += [
            ledger.Broken(f"invariant {one.invariant}", ",".join(one.ids)) for one in ours if one.invariant not in HUMAN
        ]
        broken += self.bugs + self._mails() + self._bought_while_stopped()
        ends, paths = self._ends()
        failed = any(not kind.startswith("act: ") for kind in self.chaos.faults)
        self._forget()
        recoveries = paths if failed and settled and not broken else Counter[str]()
        return Outcome(self.seed, settled, broken, self.chaos.faults, ends, recoveries, self.chaos.trace)

    def _ends(self) -> tuple[Counter[str], Counter[str]]:
        """How the attempts ended, and which paths they took."""
        assert self.world.admin is not None
        rows = self.world.admin.execute(
            """SELECT a.state, a.reason, array_agg(e.to_state) FROM bookings_bookingattempt a
               JOIN bookings_attemptevent e ON e.attempt_id = a.id WHERE a.campaign_id = ANY(%s) GROUP BY a.id""",
            [[one.id for one in self.campaigns]],
        ).fetchall()
        ends = Counter(f"{state} {reason}" if state == "released" else state for state, reason, _ in rows)
        return ends, Counter(_path(set(states)) for _, _, states in rows)

    def _mails(self) -> list[ledger.Broken]:
        assert self.world.admin is not None
        row = self.world.admin.execute(
            """SELECT (SELECT count(*) FROM bookings_bookingattempt WHERE state = 'completed'),
                      (SELECT count(*) FROM notifications_message WHERE event_key LIKE 'booking.confirmed:%%')"""
        ).fetchone()
        return [] if row is not None and row[0] == row[1] else [ledger.Broken("confirmations", f"{row}")]

    def _bought_while_stopped(self) -> list[ledger.Broken]:
        """Orders that were claimed while the kill switch was on, later than the second it may take."""
        assert self.world.admin is not None
        found = []
        for since, until in self.bookings_stopped:
            rows = self.world.admin.execute(
                """SELECT attempt_id FROM bookings_attemptevent WHERE to_state IN ('ordering', 'paying') AND at > %s AND at < %s
                   AND attempt_id IN (SELECT id FROM bookings_bookingattempt WHERE campaign_id = ANY(%s))""",
                [since + timedelta(seconds=1), until or self.world.now(), [one.id for one in self.campaigns]],
            ).fetchall()
            found += [ledger.Broken("bought although bookings are stopped", str(row[0])) for row in rows]
        return found

    def _forget(self) -> None:
        """Leave nothing that the next story could find."""
        assert self.world.admin is not None
        self.world.admin.execute(
            """UPDATE campaigns_campaigncell SET active = false;
               UPDATE campaigns_campaign SET status = 'cancelled', wish = '' WHERE status NOT IN ('completed', 'cancelled');
               UPDATE campaigns_match SET state = 'released' WHERE state IN ('found', 'claimed');
               UPDATE bookings_booking SET tickets = passengers;
               UPDATE campaigns_cell SET last_look_at = NULL, claimed_until = NULL;
               DELETE FROM inbox_event"""
        )


def _path(states: set[str]) -> str:
    """The path of an attempt by the states it passed: `instant`, or what was special."""
    special = {
        "holding": "held first",
        "needs_customer": "cardholder asked",
        "unknown": "outcome unknown",
        "repricing": "price moved",
    }
    return ", ".join(name for state, name in special.items() if state in states) or "instant"


def _receive(vendor: InboxVendor, body: bytes, headers: dict[str, str]) -> int:
    request = RequestFactory().post(
        f"/api/webhooks/{vendor.value}", data=body, content_type="application/json", headers=headers
    )
    return receive(request, vendor).status_code
