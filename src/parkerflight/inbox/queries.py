"""Reads for whoever hears, and for the people who watch."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q

from parkerflight.inbox import models
from parkerflight.inbox.models import OPEN


@dataclass(frozen=True, slots=True)
class Event:
    """An event as others may see it. `subject` holds ids only; moments are aware, UTC."""

    id: int
    vendor: str
    event_id: str
    kind: str
    object_id: str
    subject: dict[str, str]
    received_at: datetime
    handled_at: datetime | None
    given_up_at: datetime | None
    tries: int
    next_try_at: datetime | None
    last_error: str
    duplicates: int
    same_as: int | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits. `lag` is the age of the oldest unheard event, zero when none waits."""

    waiting: int
    postponed: int
    """Of these, how many were heard already but their object was not known."""
    given_up: int
    """Events whose object stayed unknown for a day; somebody should look."""
    lag: timedelta


def event(event_id: int) -> Event | None:
    """One event by our id; None when it is gone."""
    row = models.Event.objects.filter(id=event_id).first()
    return view(row) if row else None


def backlog(now: datetime) -> Backlog:
    """How much waits and for how long; one query."""
    found = models.Event.objects.aggregate(
        waiting=Count("id", filter=OPEN),
        postponed=Count("id", filter=OPEN & Q(tries__gt=0)),
        given_up=Count("id", filter=Q(given_up_at__isnull=False)),
        oldest=Min("waiting_since", filter=OPEN),
    )
    oldest: datetime | None = found["oldest"]
    lag = max(now - oldest, timedelta(0)) if oldest else timedelta(0)
    return Backlog(found["waiting"], found["postponed"], found["given_up"], lag)


def lag(now: datetime) -> timedelta:
    """The age of the oldest event that is neither handled nor given up; zero when there is none."""
    return backlog(now).lag


def view(row: models.Event) -> Event:
    """A row as a plain value."""
    return Event(
        id=row.id,
        vendor=row.vendor,
        event_id=row.event_id,
        kind=row.kind,
        object_id=row.object_id,
        subject=dict(row.subject),
        received_at=row.received_at,
        handled_at=row.handled_at,
        given_up_at=row.given_up_at,
        tries=row.tries,
        next_try_at=row.next_try_at,
        last_error=row.last_error,
        duplicates=row.duplicates,
        same_as=row.same_as_id,
    )
