"""The product's queued jobs, run by the story's workers instead of Procrastinate's own loop; the same table, one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from procrastinate.contrib.django import app

from parkerflight.core.jobs import WORTH_A_RETRY
from storm.world import World

MOST_ATTEMPTS = 8  # as core.jobs: then the periodic sweep takes over


@dataclass
class Job:
    """A row of the queue."""

    id: int
    task: str
    args: dict[str, Any]
    attempts: int


def waiting(world: World) -> list[Job]:
    """The jobs that may run now, oldest first."""
    assert world.admin is not None
    rows = world.admin.execute(
        "SELECT id, task_name, args, attempts FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id LIMIT 20"
    ).fetchall()
    return [Job(*row) for row in rows]


def take(world: World, job: Job) -> None:
    """Mark a job as being done."""
    assert world.admin is not None
    world.admin.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE id = %s", [job.id])


def run(job: Job) -> None:
    """Do a job in the calling actor's thread."""
    app.tasks[job.task].func(**job.args)


def done(world: World, job: Job, error: BaseException | None) -> None:
    """Take a job off the queue, or put it back when its error says that trying again helps."""
    assert world.admin is not None
    again = isinstance(error, WORTH_A_RETRY) and job.attempts + 1 < MOST_ATTEMPTS
    if again:
        put_back(world, job.id)
    else:
        world.admin.execute("DELETE FROM procrastinate_jobs WHERE id = %s", [job.id])


def put_back(world: World, job_id: int) -> None:
    """What the housekeeping does with a job whose worker is taken for dead."""
    assert world.admin is not None
    # A job of the same name may wait already; then this one has nothing to add.
    world.admin.execute(
        """UPDATE procrastinate_jobs j SET status = 'todo', attempts = attempts + 1 WHERE id = %s AND status = 'doing'
           AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs o WHERE o.queueing_lock = j.queueing_lock AND o.status = 'todo')""",
        [job_id],
    )
    world.admin.execute("DELETE FROM procrastinate_jobs WHERE id = %s AND status = 'doing'", [job_id])


def clear(world: World) -> None:
    """Forget every job; between stories."""
    assert world.admin is not None
    world.admin.execute("DELETE FROM procrastinate_jobs")
