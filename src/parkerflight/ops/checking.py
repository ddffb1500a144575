"""Running the invariants, keeping what they said, and telling whoever listens to the log what is new."""

import logging
import time
from datetime import datetime, timedelta

from parkerflight.ops.invariants import INVARIANTS, Violation, check
from parkerflight.ops.models import CheckRun

log = logging.getLogger(__name__)
KEEP = timedelta(days=30)  # a month shows when a trouble began; older runs are in nobody's way to answer
MOST_IDS = 200  # kept and logged for one invariant; more have one cause, and the count says how many there are


def run(now: datetime) -> list[Violation]:
    """Check everything, store the run, log what is newly broken (ERROR) and what is whole again (INFO).

    Runs as `parker_backoffice`.
    """
    start = time.monotonic()
    found = check(now)
    took = round((time.monotonic() - start) * 1000)
    broken = {one.invariant: one.ids[:MOST_IDS] for one in found}
    last = CheckRun.objects.order_by("-id").first()
    CheckRun.objects.create(at=now, took_ms=took, checked=len(INVARIANTS), violations=broken)
    CheckRun.objects.filter(at__lt=now - KEEP).delete()
    _tell(last.violations if last else {}, broken)
    return found


def _tell(before: dict[str, list[str]], after: dict[str, list[str]]) -> None:
    for name in sorted(before.keys() | after.keys()):
        new = sorted(set(after.get(name, ())) - set(before.get(name, ())))
        gone = sorted(set(before.get(name, ())) - set(after.get(name, ())))
        if new:
            log.error("alert invariant=%s ids=%s", name, ",".join(new))
        if gone:
            log.info("cleared invariant=%s ids=%s", name, ",".join(gone))
