"""Bugs planted on purpose, one at a time: a storm that cannot find them proves nothing.

Each is a mistake somebody could make in the product's code, made by putting other code in its place in this process.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from storm.stage import Stage, environment

MOST_SEEDS = 2_000
Plant = Callable[["Garden"], None]


class Garden:
    """Puts code in the place of other code, and everything back at the end."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def swap(self, where: Any, name: str, instead: Any) -> Any:
        """Replace `where.name`; returns what was there."""
        kept = getattr(where, name)
        setattr(where, name, instead)
        self._stack.callback(setattr, where, name, kept)
        return kept


@contextmanager
def planted(plant: Plant) -> Iterator[None]:
    """The bug is in the code inside this block."""
    with ExitStack() as stack:
        plant(Garden(stack))
        yield


def _new_key_each_time(garden: Garden) -> None:
    """The idempotency key is made anew for each sending, and nobody looks before sending again."""
    from parkerflight.payments import authorising, calls
    from parkerflight.payments.gateway import StoredCall

    def stored(call: Any, now: Any) -> Any:  # noqa: ARG001
        return StoredCall(uuid.uuid4().hex, call.parameters)

    garden.swap(calls, "stored", stored)
    garden.swap(authorising, "_held_before", lambda *_: None)
    garden.swap(calls, "must_look", lambda *_: False)


def _capture_before_order(garden: Garden) -> None:
    """The money is taken as soon as it is held."""
    from parkerflight.payments import operations

    def authorise(*, owner_id: Any, payment_id: Any, now: Any) -> Any:
        state = kept(owner_id=owner_id, payment_id=payment_id, now=now)
        operations.capture(owner_id=owner_id, payment_id=payment_id, amount=state.amount, now=now)
        return state

    kept = garden.swap(operations, "authorise", authorise)


def _order_again_when_unknown(garden: Garden) -> None:
    """An order that is not found at once is sent again."""
    from parkerflight.bookings import reconciling, requests, steps
    from parkerflight.bookings.attempts import move
    from parkerflight.bookings.machine import State
    from parkerflight.core.tenancy import scope
    from parkerflight.flights.operations import provider

    def ask(attempt: Any, now: Any) -> bool:
        if attempt.order_id or provider().orders_of_offer(attempt.offer_id) or not attempt.payments_made:
            return bool(reconciling_ask(attempt, now))
        with scope(attempt.owner_id):
            return move(attempt, State.AUTHORISED, now=now)

    reconciling_ask = reconciling.ask
    del requests
    kept = dict(steps.STEPS)
    kept[State.UNKNOWN] = ask
    garden.swap(steps, "STEPS", kept)


def _release_on_202(garden: Garden) -> None:
    """«Accepted» is taken for «refused»."""
    from parkerflight.bookings import ordering, orders
    from parkerflight.core.errors import Terminal

    def unknown(attempt: Any, now: Any, code: str, reference: str) -> bool:
        if code in {"pending_supplier", "booked_data_later"}:
            return orders.refused(attempt, now, Terminal(code, "not booked"))
        return bool(kept(attempt, now, code, reference))

    kept = garden.swap(ordering, "unknown", unknown)


def _unknown_is_refused(garden: Garden) -> None:
    """A lost answer is taken for a refusal."""
    from parkerflight.bookings import ordering, orders
    from parkerflight.core.errors import Terminal

    garden.swap(
        ordering, "unknown", lambda attempt, now, code, _: orders.refused(attempt, now, Terminal(code, "no answer"))
    )


def _give_up_soon(garden: Garden) -> None:
    """An order that is not found after three looks is taken for never made."""
    from parkerflight.bookings import orders, reconciling
    from parkerflight.core.errors import Terminal

    def wait(attempt: Any, now: Any) -> bool:
        if attempt.tries >= 2:
            return orders.refused(attempt, now, Terminal("not_found", "never made"))
        return bool(kept(attempt, now))

    kept = garden.swap(reconciling, "_wait", wait)


def _ignore_paid_at(garden: Garden) -> None:
    """A hold that no longer awaits payment is taken for paid."""
    from parkerflight.flights.duffel import parse
    from parkerflight.flights.types import OrderState

    def state(node: Any, tickets: Any, passengers: Any) -> Any:
        found = kept(node, tickets, passengers)
        return OrderState.CONFIRMED if found is OrderState.LAPSED else found

    kept = garden.swap(parse, "_state", state)


def _unconditional_moves(garden: Garden) -> None:
    """An attempt is moved without looking whether it still is where it was."""
    from parkerflight.bookings import attempts
    from parkerflight.bookings.models import BookingAttempt

    class Rows:
        def __init__(self, rows: Any) -> None:
            self._rows = rows

        def filter(self, **conditions: Any) -> Any:
            return self._rows.filter(id=conditions["id"])

        def __getattr__(self, name: str) -> Any:
            return getattr(self._rows, name)

    class Attempt:
        objects = Rows(BookingAttempt.objects)

    garden.swap(attempts, "BookingAttempt", Attempt)


def _claim_any_campaign(garden: Garden) -> None:
    """A match is claimed although its campaign stands still."""
    from parkerflight.campaigns import operations
    from parkerflight.campaigns.models import Campaign, Match

    def claim(*, owner_id: Any, match_id: Any, now: Any) -> Any:
        match = Match.objects.filter(id=match_id).first()
        if match is not None:
            Campaign.objects.filter(id=match.campaign_id, status__in=["paused", "cancelled"]).update(status="active")
        return kept(owner_id=owner_id, match_id=match_id, now=now)

    kept = garden.swap(operations, "claim_match", claim)


def _no_cap_at_the_end(garden: Garden) -> None:
    """The cap is compared with the searched price only."""
    from parkerflight.bookings import charges, holding, preparing
    from parkerflight.campaigns import queries
    from parkerflight.core.money import Money
    from parkerflight.payments import confirming, mandates
    from parkerflight.payments import preparing as paying

    def priced(fare: Any, terms: Any) -> Any:
        return kept(fare, replace(terms, cap=Money(10**9, fare.currency)))

    def allows(*, owner_id: Any, mandate_id: Any, amount: Any, now: Any) -> Any:
        return kept_allows(owner_id=owner_id, mandate_id=mandate_id, amount=Money(1, amount.currency), now=now)

    kept, kept_allows = charges.priced, mandates.mandate_allows
    for where in (charges, preparing, holding):
        garden.swap(where, "priced", priced)
    from parkerflight.payments import authorising

    for place in (paying, confirming, authorising):
        garden.swap(place, "mandate_allows", allows)
    garden.swap(queries, "verdict_now", lambda *_: "")


def _ignore_declines(garden: Garden) -> None:
    """A declined card is taken for a held one."""
    from parkerflight.payments import operations, queries
    from parkerflight.payments.gateway import Declined

    def authorise(*, owner_id: Any, payment_id: Any, now: Any) -> Any:
        try:
            return kept(owner_id=owner_id, payment_id=payment_id, now=now)
        except Declined:
            return replace(queries.payment(owner_id, payment_id), state="held")

    def payment(owner_id: Any, payment_id: Any) -> Any:
        found = kept_payment(owner_id, payment_id)
        return replace(found, state="held") if found.state in {"declined", "needs_customer"} else found

    kept = garden.swap(operations, "authorise", authorise)
    kept_payment = garden.swap(queries, "payment", payment)


def _no_release(garden: Garden) -> None:
    """A refused order leaves the money held."""
    from parkerflight.payments import operations

    garden.swap(operations, "release", lambda **_: None)


def _earlier_holds_stay(garden: Garden) -> None:
    """When another payment takes its place, the earlier one is forgotten."""
    from parkerflight.payments import operations

    garden.swap(operations, "release_superseded", lambda **_: None)


def _seats_stay_held(garden: Garden) -> None:
    """Seats nobody pays for are not given back."""
    from parkerflight.bookings import holding

    garden.swap(holding, "given_back", lambda _: True)


def _no_next_job(garden: Garden) -> None:
    """The next step is neither queued nor due."""
    from datetime import timedelta

    from parkerflight.bookings import attempts, jobs

    garden.swap(jobs, "advance_soon", lambda _: None)
    garden.swap(attempts, "NUDGE", timedelta(days=400))
    garden.swap(
        attempts.move, "__kwdefaults__", {**(attempts.move.__kwdefaults__ or {}), "due_in": timedelta(days=400)}
    )


def _no_sweep(garden: Garden) -> None:
    """Nobody looks after what a dead worker left."""
    from procrastinate.contrib.django import app

    garden.swap(app.tasks["bookings.sweep"], "func", lambda **_: None)


def _cancelled_is_ordered(garden: Garden) -> None:
    """An order that is over is taken for one that stands."""
    from parkerflight.bookings import orders

    garden.swap(orders, "OVER", frozenset())


def _ignore_the_switch(garden: Garden) -> None:
    """The kill switch is never asked."""
    from parkerflight.bookings import holding, operations, ordering, preparing

    for where in (holding, operations, ordering, preparing):
        garden.swap(where, "stopped", lambda _: False)


def _swallow_capture_failures(garden: Garden) -> None:
    """What goes wrong while taking the money is logged and forgotten."""
    from parkerflight.core.errors import ParkerError
    from parkerflight.payments import operations

    def capture(**wish: Any) -> None:
        try:
            kept(**wish)
        except ParkerError:
            return

    kept = garden.swap(operations, "capture", capture)


def _take_all_that_is_held(garden: Garden) -> None:
    """What is captured is what was held, not what the ticket costs."""
    from parkerflight.bookings import settling
    from parkerflight.payments import queries

    garden.swap(settling, "charge", lambda attempt: queries.payment(attempt.owner_id, attempt.payment_id).amount)


def _order_at_any_price(garden: Garden) -> None:
    """A price that moved since the money was held is paid as it is now."""
    from parkerflight.bookings import ordering
    from parkerflight.core.money import Money

    class Same(Money):
        def __ne__(self, other: object) -> bool:
            return False

    garden.swap(ordering, "total", lambda attempt: Same(attempt.total_minor, attempt.currency))


def _two_mails(garden: Garden) -> None:
    """Each run of the confirmation is a new mail."""
    from parkerflight.notifications import operations

    def enqueue(**wish: Any) -> Any:
        return kept(**{**wish, "event_key": f"{wish['event_key']}:{uuid.uuid4().hex[:6]}"})

    kept = garden.swap(operations, "enqueue", enqueue)


def _refund_each_time(garden: Garden) -> None:
    """Each run of the refund has a cause of its own."""
    from parkerflight.payments import operations

    def refund(**wish: Any) -> Any:
        return kept(**{**wish, "cause": uuid.uuid4().hex})

    kept = garden.swap(operations, "refund", refund)


def _refund_everything(garden: Garden) -> None:
    """What the airline keeps is given back too."""
    from parkerflight.bookings import cancelling
    from parkerflight.core.money import Money

    garden.swap(
        cancelling,
        "_shares",
        lambda booking, _: (Money(booking.total_minor, booking.currency), Money(0, booking.currency)),
    )


def _refund_without_cancelling(garden: Garden) -> None:
    """The card is refunded, but the airline is never told."""
    from parkerflight.bookings import cancelling
    from parkerflight.flights.operations import provider

    class Deaf:
        def __getattr__(self, name: str) -> Any:
            return getattr(provider(), name)

        def confirm_cancellation(self, quote_id: str) -> Any:
            return provider().cancellation(quote_id)

    garden.swap(cancelling, "provider", Deaf)


PLANTS: dict[str, Plant] = {
    plant.__name__.strip("_"): plant
    for plant in (
        _new_key_each_time, _capture_before_order, _order_again_when_unknown, _release_on_202, _unknown_is_refused,
        _give_up_soon, _ignore_paid_at, _unconditional_moves, _claim_any_campaign, _no_cap_at_the_end, _ignore_declines,
        _no_release, _earlier_holds_stay, _seats_stay_held, _no_next_job, _no_sweep, _cancelled_is_ordered,
        _ignore_the_switch, _swallow_capture_failures, _take_all_that_is_held, _order_at_any_price, _two_mails,
        _refund_each_time, _refund_everything, _refund_without_cancelling,
    )
}  # fmt: skip


def hunt(stage: Any, name: str, *, first: int, fury: float) -> dict[str, Any]:
    """Play stories with the bug planted until one is broken; which seed that was and what was seen."""
    for seed in range(first, first + MOST_SEEDS):
        with planted(PLANTS[name]):
            try:
                outcome = stage.play(seed, fury)
            except Exception as error:  # noqa: BLE001 - a story that breaks off is a find too
                return {"name": name, "caught": True, "seed": seed, "by": type(error).__name__}
        if outcome.broken or not outcome.settled:
            by = outcome.broken[0].what if outcome.broken else "not settled"
            return {"name": name, "caught": True, "seed": seed, "by": by}
    return {"name": name, "caught": False, "seed": None, "by": ""}


def _work(number: int, data: str, todo: Any, done: Any, first: int, fury: float) -> None:
    environment(Path(data))
    stage = Stage(f"planted_{number}")
    while (name := todo.get()) is not None:
        stage.renew()
        done.put(hunt(stage, name, first=first, fury=fury))
    stage.close()


def run(wish: argparse.Namespace) -> int:
    """Hunt every planted bug; exit code 1 when one got away."""
    from rich.console import Console

    console = Console(stderr=True)
    names = [wish.only] if wish.only else list(PLANTS)
    context = multiprocessing.get_context("spawn")
    todo, done = context.Queue(), context.Queue()
    for name in [*names, *[None] * wish.jobs]:
        todo.put(name)
    arguments = (str(wish.data), todo, done, wish.seed, wish.fury)
    for number in range(min(wish.jobs, len(names))):
        context.Process(target=_work, args=(number, *arguments), daemon=True).start()
    found = []
    for _ in names:
        found.append(done.get())
        one = found[-1]
        console.print(
            f"{one['name']:28} {'caught by seed ' + str(one['seed']) if one['caught'] else 'NOT CAUGHT'}  {one['by']}"
        )
    found.sort(key=lambda one: names.index(one["name"]))
    if wish.json:
        print(json.dumps({"planted": found}))
    return 0 if all(one["caught"] for one in found) else 1
