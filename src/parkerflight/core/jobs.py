"""Durable jobs on PostgreSQL. A job is deferred through Django's connection, so it commits with the row it is about.

Rules: arguments are ids, enums and integers, keyword-only (they are stored and logged); a job may run more than once.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar

import procrastinate
from django.db.utils import InterfaceError, OperationalError
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from parkerflight.core import clock
from parkerflight.core.errors import Retryable

P = ParamSpec("P")
R = TypeVar("R")
log = logging.getLogger(__name__)

# A worker that has not shown a sign of life for this long is taken for dead and its jobs are run again. Three
# heartbeats: one may be late on a loaded machine, three in a row are not.
HEARTBEAT = timedelta(seconds=2)
STALLED_AFTER = timedelta(seconds=6)
KEEP_FAILED_HOURS = 24 * 14  # two weeks: long enough to look into what failed
KEEP_SUCCEEDED_HOURS = 24  # a day of done jobs shows what the system was busy with; older ones only cost space


# A database that was away leaves a job undone or done; either way doing it again is right.
WORTH_A_RETRY = (Retryable, OperationalError, InterfaceError)


class _Backoff(procrastinate.BaseRetryStrategy):
    """Retry only what retrying can help; wait at least as long as the vendor asked."""

    max_attempts = 8  # with doubling from 5 s: about 20 minutes, then the periodic sweep takes over

    def get_retry_decision(self, *, exception: BaseException, job: Any) -> procrastinate.RetryDecision | None:
        if not isinstance(exception, WORTH_A_RETRY) or job.attempts >= self.max_attempts:
            return None
        wait = timedelta(seconds=max(getattr(exception, "after", 1.0), 1.0) * 2**job.attempts)
        return procrastinate.RetryDecision(retry_in={"seconds": max(1, round(clock.real_delay(wait).total_seconds()))})


def task(name: str, *, queue: str = "default") -> Callable[[Callable[P, R]], Any]:
    """Register a job. Its function takes ids only and calls one operation."""
    return app.task(name=name, queue=queue, retry=_Backoff())


def periodic(cron: str, name: str, *, queue: str = "periodic") -> Callable[[Callable[[], object]], Any]:
    """Register a job that runs by the wall clock, once in each period whatever the number of workers.

    `cron` has six fields, the last one seconds. Two runs never overlap.
    """

    def register(function: Callable[[], object]) -> Any:
        def run(timestamp: int) -> None:  # noqa: ARG001 - procrastinate passes the period's start
            function()

        run.__doc__ = function.__doc__
        return app.periodic(cron=cron)(app.task(name=name, queue=queue, lock=name, queueing_lock=name)(run))

    return register


def defer(job: Any, *, after: timedelta = timedelta(0), once: str | None = None, **ids: Any) -> None:
    """Queue `job(**ids)` in the running transaction, `after` (virtual) from now.

    `once` names the work: while a job of that name waits, another is not added. No lock is taken, so a job that is
    scheduled for later never holds up the one that runs now.
    """
    options: dict[str, Any] = {"queueing_lock": once} if once else {}
    if after > timedelta(0):
        options["schedule_in"] = {"milliseconds": int(clock.real_delay(after).total_seconds() * 1000)}
    try:
        with_savepoint = _savepoint() if once else _nothing()
        with with_savepoint:
            job.configure(**options).defer(**ids)
    except AlreadyEnqueued:
        log.debug("already queued: %s", once)


def _savepoint() -> Any:
    """A refused duplicate aborts the statement; the savepoint keeps the caller's transaction alive."""
    from django.db import connection, transaction

    return transaction.atomic() if connection.in_atomic_block else _nothing()


def _nothing() -> Any:
    from contextlib import nullcontext

    return nullcontext()


def on_app_ready(ready: procrastinate.App) -> None:
    """Register housekeeping once Django has made the real app."""
    ready.periodic(cron="* * * * * */5")(
        ready.task(name="core.retry_stalled_jobs", queue="periodic", queueing_lock="core.retry_stalled_jobs")(
            _retry_stalled
        )
    )
    ready.periodic(cron="17 * * * *")(
        ready.task(name="core.remove_old_jobs", queue="periodic", queueing_lock="core.remove_old_jobs")(_remove_old)
    )


async def _retry_stalled(timestamp: int) -> None:  # noqa: ARG001
    """Run again what a dead worker left behind; Procrastinate does not do that by itself."""
    manager = app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER.total_seconds()):
        log.warning("job %s (%s) stalled; running it again", job.id, job.task_name)
        await manager.retry_job(job)


async def _remove_old(timestamp: int) -> None:  # noqa: ARG001
    """Remove finished jobs: done ones after a day, failed ones after two weeks."""
    await app.job_manager.delete_old_jobs(nb_hours=KEEP_SUCCEEDED_HOURS)
    await app.job_manager.delete_old_jobs(nb_hours=KEEP_FAILED_HOURS, include_failed=True, include_cancelled=True)


async def run_worker(*, concurrency: int) -> None:
    """Run jobs until told to stop. `concurrency` counts jobs at once; each takes a thread and a connection."""
    worker_app = app.with_connector(app.connector.get_worker_connector())  # type: ignore[attr-defined]
    async with worker_app.open_async():
        await worker_app.run_worker_async(
            concurrency=concurrency,
            update_heartbeat_interval=HEARTBEAT.total_seconds(),
            stalled_worker_timeout=STALLED_AFTER.total_seconds(),
            fetch_job_polling_interval=1.0,
            listen_notify=True,
            install_signal_handlers=True,
            shutdown_graceful_timeout=20.0,
        )


def defer_by_name(name: str, *, once: str, **ids: str | int) -> None:
    """`defer` for a job known by name only: an operation may queue the task that calls it without importing it."""
    try:
        with _savepoint():
            app.configure_task(name, queueing_lock=once, queue=name.split(".", 1)[0]).defer(**ids)
    except AlreadyEnqueued:
        log.debug("already queued: %s", once)
