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
    """The command line of the storm. Exit code 0: everything settled, nothing broken, every planted bug caught."""
    parser = argparse.ArgumentParser(prog="parker storm", description="Try to break the saga.")
    parser.add_argument("--seeds", type=int, default=100, help="how many stories")
    parser.add_argument("--seed", type=int, default=1, help="the first story's seed; the others follow it")
    parser.add_argument("--minutes", type=float, default=0, help="begin no story after this long; 0 is no limit")
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 8), help="processes")
    parser.add_argument("--fury", type=float, default=1.0, help="how much goes wrong; 0 is fair weather")
    parser.add_argument("--planted", action="store_true", help="plant one bug after the other; each must be caught")
    parser.add_argument("--exhaustive", action="store_true", help="walk each path with a death at each point")
    parser.add_argument(
        "--model", action="store_true", help="let Hypothesis choose what happens, beside an ideal ledger"
    )
    parser.add_argument("--examples", type=int, default=100, help="how many walks of the model")
    parser.add_argument("--only", default="", help="of the planted bugs or the paths, only the one of this name")
    parser.add_argument(
        "--data", type=Path, default=REPOSITORY / ".parker" / "storm", help="where its PostgreSQL lives"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    parser.add_argument("-v", "--verbose", action="store_true", help="play the first seed alone and print its trace")
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
