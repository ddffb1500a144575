"""`parker watch`: checks the invariants every few minutes and compares the books with the vendors' once a day.

A process of its own, as `parker_backoffice`: workers never see more than one person's rows at a time.
"""

import logging
import signal
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection

from parkerflight.core import clock
from parkerflight.ops import checking, reconciliation
from parkerflight.ops.models import ReconciliationRun

log = logging.getLogger(__name__)
EVERY = timedelta(minutes=5)  # soon enough to act within a hold's shortest deadline, hours; cheap enough for any laptop
RECONCILE_EVERY = timedelta(hours=24)
AFTER_TROUBLE = timedelta(hours=1)  # a vendor that does not answer is asked again this much later


def watch(every: timedelta = EVERY) -> None:
    """Run until SIGTERM or SIGINT. Whatever goes wrong in one round is logged and tried again in the next."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    not_before: datetime | None = None
    while not stop.is_set():
        now = clock.now()
        _survive(lambda: checking.run(clock.now()), "the invariants could not be checked")
        if (not_before is None or now >= not_before) and not _survive(_reconcile_if_due, "reconciliation failed"):
            not_before = now + AFTER_TROUBLE
        # A connection that is idle for minutes may be dead by then; a new one costs milliseconds.
        connection.close()
        stop.wait(every.total_seconds())


def _reconcile_if_due() -> None:
    now = clock.now()
    last = ReconciliationRun.objects.order_by("-id").first()
    if last is None or now - last.at >= RECONCILE_EVERY:
        reconciliation.run(now=now)


def _survive(work: Callable[[], object], complaint: str) -> bool:
    try:
        work()
    except Exception:
        log.exception(complaint)
        connection.close()
        return False
    return True
