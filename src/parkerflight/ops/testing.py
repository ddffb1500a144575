"""`./parker test`: what CI runs, in the order that fails fastest."""

import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from parkerflight.settings.config import REPOSITORY

BIN = Path(sys.executable).parent
CHECKS = {
    "lint": ["ruff", "check", "."],
    "format": ["ruff", "format", "--check", "."],
    "architecture": ["lint-imports"],
    "types": ["mypy"],
}


def run(arguments: list[str]) -> int:
    """Run all checks and tests, or only pytest with `arguments`. Returns the worst exit code."""
    console = Console(stderr=True)
    # A machine without compilers or a prepared data directory must do: everything lives in the checkout.
    env = {**os.environ, "PARKER_DATA": str(REPOSITORY / ".parker" / "check")}
    worst = 0
    if not arguments:
        for name, command in CHECKS.items():
            console.rule(name)
            worst = max(worst, _run(command, env))
        console.rule("tests")
    return max(worst, _run(["pytest", *arguments], env))


def _run(command: list[str], env: dict[str, str]) -> int:
    return abs(subprocess.run([str(BIN / command[0]), *command[1:]], cwd=REPOSITORY, env=env, check=False).returncode)  # noqa: S603
