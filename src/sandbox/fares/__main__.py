"""`python -m sandbox.fares [seed]`: print every published figure beside what this model measures."""

import sys

from rich.console import Console
from rich.table import Table

from sandbox.fares.measures import everything
from sandbox.fares.targets import MET, MISSED, WEEKDAYS


def main() -> None:
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    measured = everything(seed)
    table = Table("figure", "source", "target", "measured", "within ±20 %", title=f"Fare model, seed {seed}")
    for target in (*MET, *MISSED):
        verdict = "yes" if target.holds(measured[target.name]) else f"NO {target.known_gap}"
        table.add_row(target.name, target.source, target.wanted, f"{measured[target.name]:.3f}", verdict)
    for day, percent in WEEKDAYS:
        value = measured[f"weekday {day}"]
        table.add_row(
            f"weekday {day}",
            "G, B2 (±1 point)",
            f"{percent:+g} %",
            f"{value:+.2f} %",
            "yes" if abs(value - percent) <= 1 else "NO",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
