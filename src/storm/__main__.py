"""`python -m storm`: what `./parker storm` runs."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from storm import exhaustive, planted, run
from storm.stage import prepare

REPOSITORY = Path(__file__).resolve().parents[2]


def main() -> None:
    """The command line of the storm."""
    parser = argparse.ArgumentParser(prog="parker storm", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 8))
    parser.add_argument("--fury", type=float, default=1.0, help="how much goes wrong; 0 is fair weather")
    parser.add_argument("--planted", action="store_true")
    parser.add_argument("--exhaustive", action="store_true")
    parser.add_argument(
        "--model", action="store_true", help="let Hypothesis choose what happens, beside an ideal ledger"
    )
    parser.add_argument("--examples", type=int, default=100, help="how many walks of the model")
    parser.add_argument("--only", default="", help="of the planted bugs or the paths, only the one of this name")
    parser.add_argument("--data", type=Path, default=REPOSITORY / ".parker" / "storm")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("-v", "--verbose", action="store_true", help="with one seed: print its trace")
    wish = parser.parse_args()
    postgres = prepare(wish.data)
    try:
        sys.exit(_chosen(wish))
    finally:
        postgres.stop()


def _chosen(wish: argparse.Namespace) -> int:
    if wish.planted:
        return planted.run(wish)
    if wish.exhaustive:
        return exhaustive.run(wish)
    if wish.model:
        from storm import model  # it needs the settings that `prepare` made

        return model.run(wish)
    if wish.verbose:
        return run.trace(wish)
    return run.run(wish)


if __name__ == "__main__":
    main()
