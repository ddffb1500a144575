"""Our books against both vendors' own lists, once a day and on demand. It reports; the saga and people repair.

Runs as `parker_backoffice`. The only thing it sets going is a worker's next look at an attempt that is behind.
"""

import logging
import time
from datetime import datetime, timedelta
from uuid import UUID

from parkerflight.bookings import jobs
from parkerflight.ops import reconcile_orders, reconcile_payments
from parkerflight.ops.findings import Finding, Report, Severity
from parkerflight.ops.models import ReconciliationRun

log = logging.getLogger(__name__)
# A card's hold lives seven days at most, so every hold that can still be captured is in the window, with a day to spare.
WINDOW = timedelta(days=8)
KEEP = timedelta(days=90)  # a quarter: disputes and airlines' debit notes arrive that late


def run(*, now: datetime, since: datetime | None = None) -> Report:
    """Compare, wake what is behind, store the run, log each new trouble (ERROR) and each that is gone (INFO).

    `since` defaults to eight days ago. Raises Retryable or Terminal when a vendor does not answer; nothing is stored then.
    """
    start = time.monotonic()
    report = Report(at=now, since=since or now - WINDOW)
    for compare in (reconcile_orders.compare, reconcile_payments.compare):
        report.findings += compare(report.since, now, report.counts)
    _wake(report.findings)
    last = ReconciliationRun.objects.order_by("-id").first()
    ReconciliationRun.objects.create(
        at=now,
        since=report.since,
        took_ms=round((time.monotonic() - start) * 1000),
        counts=report.counts,
        findings=[one.as_json() for one in report.findings],
        people_needed=len(report.for_people),
    )
    ReconciliationRun.objects.filter(at__lt=now - KEEP).delete()
    _tell(last.findings if last else [], report.for_people)
    return report


def _wake(findings: list[Finding]) -> None:
    for attempt_id in sorted({one.attempt_id for one in findings if one.severity is Severity.WOKEN}):
        jobs.advance_soon(UUID(attempt_id))


def _tell(before: list[dict[str, str]], now: list[Finding]) -> None:
    known = {f"{one['kind']}:{one['ours']}:{one['theirs']}" for one in before if one["severity"] == Severity.PERSON}
    for one in now:
        if one.key not in known:
            log.error("alert reconciliation=%s ours=%s theirs=%s %s", one.kind, one.ours, one.theirs, one.details)
    for gone in sorted(known - {one.key for one in now}):
        log.info("cleared reconciliation=%s", gone)
