"""The one place that reads the time; everything else is given it.

While both vendors are sandboxes the time may be virtual: a small file, shared with the sandboxes, holds a pair of
moments and a rate, `{"real": s, "virtual": s, "rate": r}` in Unix seconds.
"""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from parkerflight.core.errors import ParkerError
from parkerflight.settings.config import load

_seen: tuple[tuple[int, int], dict[str, float]] | None = None
_source: Callable[[], float] | None = None


def now() -> datetime:
    """The present moment, aware, in UTC; virtual when a clock file is configured."""
    if _source is not None:
        return datetime.fromtimestamp(_source(), UTC)
    path = load().clock_file
    if path is None:
        return datetime.now(UTC)
    state = _read(path)
    return datetime.fromtimestamp(state["virtual"] + (time.time() - state["real"]) * state["rate"], UTC)


def real_delay(virtual: timedelta) -> timedelta:
    """How long to wait on the wall for `virtual` to pass; the same unless a virtual clock runs at another rate."""
    if _source is not None:
        return timedelta(0)
    path = load().clock_file
    if path is None:
        return virtual
    rate = _read(path)["rate"]
    # A standing clock is moved by hand; jobs then run at once and find out by themselves whether they are due.
    return virtual / rate if rate > 0 else timedelta(0)


def install(source: Callable[[], float] | None) -> None:
    """Read the time, in Unix seconds, from `source`: for a simulator in this process. None goes back."""
    global _source  # noqa: PLW0603 - one time a process
    if source is not None and not load().offline:
        raise ParkerError("not_offline", "a simulated clock is for sandboxes only")
    _source = source


def _read(path: Path) -> dict[str, float]:
    global _seen  # noqa: PLW0603 - one small cache of one small file, keyed by its change time
    status = path.stat()
    # Two writes may share a time stamp; each is a new file, so the inode tells them apart.
    changed = (status.st_mtime_ns, status.st_ino)
    if _seen is None or _seen[0] != changed:
        _seen = (changed, json.loads(path.read_text()))
    return _seen[1]


def lease(real: timedelta) -> timedelta:
    """How much time passes on this clock while `real` passes on the wall, and at least `real`.

    For leases, which are about how long a process may take, on a clock that may run faster than the process.
    """
    path = load().clock_file
    return real if path is None else max(real, real * _read(path)["rate"])


def wall_ms() -> int:
    """Milliseconds of real time since 1970, for durations that must be true under a virtual clock too."""
    return time.time_ns() // 1_000_000
