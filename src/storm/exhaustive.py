"""Beside chance: for each path, a death at each fault point in turn, once and twice in a row."""

from __future__ import annotations

import argparse
import json
import multiprocessing
from pathlib import Path
from typing import Any

from storm.plan import Plan, Trip
from storm.stage import Stage, environment, plain

STEPS = 60
CALM = {"mode": 201, "settle_seconds": 20, "fail": False}


def trip(**changes: Any) -> Trip:
    """A trip from New York with a card that works, but for what is said."""
    plain: dict[str, Any] = {
        "owner": 0, "party": (0,), "origin": "JFK", "destination": "EWR", "days_ahead": 60, "nights": None, "cap": "plenty",
        "card": "pm_card_visa", "second_card": "", "veto_hours": 0,
    }  # fmt: skip
    return Trip(**(plain | changes))


def _plan(wish: Trip, *, acts: dict[int, str] | None = None, **changes: Any) -> Plan:
    plain: dict[str, Any] = {"price_change_rate": 0, "mode": CALM, "late": 0}
    return Plan(trips=[wish], workers=1, steps=STEPS, fury=0, acts=acts or {}, **(plain | changes))


def plain_plan() -> Plan:
    """Fair weather and nobody's trip."""
    return Plan(trips=[], workers=1, steps=0, fury=0, acts={}, price_change_rate=0, mode=CALM, late=0)


PATHS: dict[str, Plan] = {
    "instant": _plan(trip(origin="BTS", destination="MRU")),
    "party of four": _plan(trip(origin="BTS", destination="MRU", party=(0, 1, 2, 3))),
    "price moves": _plan(trip(origin="BTS", destination="MRU"), price_change_rate=1),
    "price runs away": _plan(trip(origin="LHR", destination="STN")),
    "order pending": _plan(trip(origin="BTS", destination="MRU"), mode={**CALM, "mode": 202}),
    "order pending, then failed": _plan(
        trip(origin="BTS", destination="MRU"), mode={**CALM, "mode": 202, "fail": True}
    ),
    "order unreadable yet": _plan(trip(origin="BTS", destination="MRU"), mode={**CALM, "mode": 200}),
    "airline breaks": _plan(trip(origin="LHR", destination="LGW")),
    "tickets late": _plan(trip(origin="BTS", destination="MRU"), late=4_000),
    "veto window": _plan(trip(veto_hours=1)),
    "said no": _plan(trip(veto_hours=6), acts={11: "skip"}),
    "bank wants the cardholder": _plan(trip(card="pm_card_authenticationRequired"), acts={8: "confirm_at_bank"}),
    "cardholder never confirms": _plan(trip(card="pm_card_authenticationRequired")),
    "first card declined": _plan(trip(card="pm_card_chargeCustomerFail", second_card="pm_card_mastercard")),
    "card declined": _plan(trip(card="pm_card_chargeCustomerFail")),
    "cancelled by the person": _plan(trip(origin="BTS", destination="MRU"), acts={40: "cancel_booking"}),
    "cancelled for credits": _plan(trip(origin="LTN", destination="SYD"), acts={40: "cancel_booking"}),
    "airline changes the flights": _plan(
        trip(origin="BTS", destination="MRU"), acts={40: "airline_change", 50: "answer_change"}
    ),
    "capture stopped for days": _plan(
        trip(origin="BTS", destination="MRU"), acts={3: "stop_captures", 40: "hold_ends", 50: "go_again"}
    ),
    "stopped by the person": _plan(trip(veto_hours=6), acts={11: "cancel_campaign"}),
}


def jobs() -> list[tuple[str, int]]:
    """Every path, to be walked once undisturbed and then with deaths."""
    return [(name, number) for number, name in enumerate(PATHS)]


def walk(stage: Any, name: str, seed: int) -> dict[str, Any]:
    """One path: how many points it passes, then a death at each, once and twice."""

    def play(kill_at: list[int]) -> Any:
        nonlocal seed
        seed += 1
        return stage.play(seed, 0.0, kill_at, PATHS[name])

    quiet = play([-1])
    points = stage.last_points
    found = [] if quiet.settled and not quiet.broken else [{"path": name, "at": "undisturbed", **plain(quiet)}]
    runs = 1
    for number in range(1, points + 1):
        for kill_at in ([number], [number, number]):
            outcome = play(kill_at)
            runs += 1
            if outcome.broken or not outcome.settled:
                found.append({"path": name, "at": kill_at, **plain(outcome)})
    return {"path": name, "points": points, "runs": runs, "violations": found}


def _work(number: int, data: str, todo: Any, done: Any) -> None:
    environment(Path(data))
    stage = Stage(f"exhaustive_{number}")
    while (item := todo.get()) is not None:
        name, index = item
        done.put(walk(stage, name, 10_000_000 + index * 100_000))
    stage.close()


def run(wish: argparse.Namespace) -> int:
    """Walk every path; exit code 1 when one did not end well."""
    from rich.console import Console

    console = Console(stderr=True)
    context = multiprocessing.get_context("spawn")
    todo, done = context.Queue(), context.Queue()
    wanted = [item for item in jobs() if wish.only in {"", item[0]}]
    for item in [*wanted, *[None] * wish.jobs]:
        todo.put(item)
    for number in range(wish.jobs):
        context.Process(target=_work, args=(number, str(wish.data), todo, done), daemon=True).start()
    found = []
    for _ in wanted:
        found.append(done.get())
        one = found[-1]
        console.print(
            f"{one['path']:30} {one['points']:4} points, {one['runs']:4} runs, {len(one['violations'])} violations"
        )
        for what in one["violations"][:3]:
            console.print(f"    at {what['at']}: {what['broken'] or 'not settled'}", markup=False)
    report = {
        "paths": len(found),
        "points": sum(one["points"] for one in found),
        "runs": sum(one["runs"] for one in found),
        "violations": [what for one in found for what in one["violations"]],
    }
    if wish.json:
        print(json.dumps(report))
    return 1 if report["violations"] else 0
