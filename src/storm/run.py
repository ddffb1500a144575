"""Running many stories: processes, progress, the report."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storm.stage import Stage, environment, plain


@dataclass
class Tally:
    """What happened in all stories so far."""

    stories: int = 0
    settled: int = 0
    unsettled: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    recoveries: Counter[str] = field(default_factory=Counter)
    """Attempts that ended as they should although something failed in their story, by the path they took."""
    violations: list[dict[str, Any]] = field(default_factory=list)

    def add(self, result: dict[str, Any]) -> None:
        """Take in one story."""
        self.stories += 1
        self.settled += result["settled"]
        self.unsettled += not result["settled"]
        self.faults.update(result["faults"])
        self.ends.update(result["ends"])
        self.recoveries.update(result["recoveries"])
        self.violations += [{"seed": result["seed"], **one} for one in result["broken"]]


def _work(number: int, data: str, todo: Any, done: Any, fury: float) -> None:
    environment(Path(data))
    stage = Stage(f"storm_{os.getppid()}_{number}")
    while (seed := todo.get()) is not None:
        try:
            done.put(plain(stage.play(seed, fury)))
        except Exception:  # noqa: BLE001 - a story that breaks off is reported with its seed
            what = {"what": "the story broke off", "detail": traceback.format_exc()[-1500:]}
            done.put({"seed": seed, "settled": False, "broken": [what], "faults": {}, "ends": {}, "recoveries": {}})
    stage.close()
    done.put(None)


def play_all(seeds: list[int], *, data: Path, workers: int, fury: float, minutes: float) -> Iterator[dict[str, Any]]:
    """Play the seeds in `workers` processes; stops early after `minutes`."""
    context = multiprocessing.get_context("spawn")
    todo, done = context.Queue(), context.Queue()
    crew = [context.Process(target=_work, args=(n, str(data), todo, done, fury), daemon=True) for n in range(workers)]
    ends = time.monotonic() + minutes * 60 if minutes else float("inf")
    left, running = iter(seeds), workers
    for _ in range(workers * 4):
        todo.put(next(left, None))
    for process in crew:
        process.start()
    while running:
        result = done.get()
        if result is None:
            running -= 1
            continue
        yield result
        todo.put(next(left, None) if time.monotonic() < ends else None)


def trace(wish: argparse.Namespace) -> int:
    """Play one seed in this process and print every step."""
    print(f"storm: seed {wish.seed}")
    stage = Stage("storm_one")
    outcome = stage.play(wish.seed, wish.fury)
    print("\n".join(outcome.trace))
    print(json.dumps(plain(outcome)))
    stage.close()
    return 1 if outcome.broken or not outcome.settled else 0


def run(wish: argparse.Namespace) -> int:
    """Play the seeds; exit code 1 when something broke or did not settle."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    console.print(f"storm: seeds {wish.seed} to {wish.seed + wish.seeds - 1}, {wish.jobs} processes")
    tally, began = Tally(), time.monotonic()
    seeds = list(range(wish.seed, wish.seed + wish.seeds))
    results = play_all(seeds, data=wish.data, workers=wish.jobs, fury=wish.fury, minutes=wish.minutes)
    for result in track(results, total=len(seeds), console=console, disable=not console.is_terminal):
        tally.add(result)
        if result["broken"] or not result["settled"]:
            console.print(f"seed {result['seed']}: {result['broken'] or 'not settled'}; reproduce with "
                          f"./parker storm --seed {result['seed']} --seeds 1 -v", markup=False)  # fmt: skip
    took = time.monotonic() - began
    report = {
        "seed": wish.seed,
        "seeds": wish.seeds,
        "stories": tally.stories,
        "stories_per_s": round(tally.stories / took, 1),
        "faults": dict(tally.faults.most_common()),
        "settled": tally.settled,
        "unsettled": tally.unsettled,
        "ends": dict(tally.ends.most_common()),
        "recoveries": dict(tally.recoveries.most_common()),
        "violations": tally.violations,
    }
    if wish.json:
        print(json.dumps(report))
    else:
        console.print_json(json.dumps(report))
    return 1 if tally.violations or tally.unsettled else 0
