"""A clock that tests can push forward, shared between processes through one small file."""

import json
import os
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

# a moment that went through ISO 8601 comes back rounded to the microsecond; that is not going back in time
RESOLUTION_SECONDS = 0.000_002


class ClockWouldGoBackError(ValueError):
    """Someone asked for a moment before the clock's present one."""


@dataclass(frozen=True)
class ClockState:
    """One fixed point: at `real` (unix seconds) it was `virtual`, and since then time runs `rate` times as fast."""

    real: float
    virtual: float
    rate: float

    def at(self, real: float) -> float:
        return self.virtual + (real - self.real) * self.rate


class VirtualClock:
    """Unix time that runs at any speed and jumps forward, but never back.

    With a path the state is read from and written to that JSON file, so several processes live in the same time.
    Without one it is kept in memory. A new clock shows real time.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        now = time.time()
        self._state = ClockState(real=now, virtual=now, rate=1.0)
        if path is not None and not path.exists():
            self._write(self._state)

    def now(self) -> float:
        """Return virtual unix seconds."""
        return self._current().at(time.time())

    def datetime(self) -> datetime:
        """Return the virtual moment as an aware UTC datetime."""
        return datetime.fromtimestamp(self.now(), UTC)

    def advance(self, seconds: float) -> float:
        """Jump forward and return the new time. Raises ClockWouldGoBackError when seconds is negative."""
        return self._restart(plus=seconds)

    def set(self, unix: float) -> float:
        """Jump to a unix moment and return it. Raises ClockWouldGoBackError when that moment has passed."""
        return self._restart(plus=unix - self.now())

    def set_rate(self, rate: float) -> float:
        """Make time run `rate` times as fast (0 freezes it). Raises ClockWouldGoBackError when rate is negative."""
        if rate < 0:
            raise ClockWouldGoBackError(f"a rate of {rate} would run time backwards")
        return self._restart(rate=rate)

    @property
    def rate(self) -> float:
        return self._current().rate

    def _restart(self, *, plus: float = 0.0, rate: float | None = None) -> float:
        if plus < -RESOLUTION_SECONDS:
            raise ClockWouldGoBackError(f"{-plus:.3f} s before the present")
        real = time.time()
        state = self._current()
        fresh = ClockState(
            real=real, virtual=state.at(real) + max(plus, 0.0), rate=state.rate if rate is None else rate
        )
        self._state = fresh
        if self._path is not None:
            self._write(fresh)
        return fresh.virtual

    def _current(self) -> ClockState:
        if self._path is None:
            return self._state
        found = self._path.stat()
        # two writes within one tick of the filesystem's clock share an mtime, but a rename always brings a new inode
        stamp = (found.st_mtime_ns, found.st_ino)
        if stamp != self._stamp:
            self._state = ClockState(**json.loads(self._path.read_text()))
            self._stamp = stamp
        return self._state

    def _write(self, state: ClockState) -> None:
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=".clock-")
        with os.fdopen(handle, "w") as file:
            json.dump(asdict(state), file)
        Path(name).replace(self._path)
        self._stamp = None
