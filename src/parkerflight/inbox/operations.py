"""Receiving events once, and saying what became of them. The work itself belongs to whoever hears."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F

from parkerflight.core import clock
from parkerflight.core.errors import BadInput, ParkerError
from parkerflight.core.jobs import defer_by_name
from parkerflight.inbox import queries
from parkerflight.inbox.models import OPEN, Event, Vendor

HEAR = "bookings.hear"  # by name: the room that hears stands above this one
SUBJECT = frozenset({"order_id", "offer_id", "intent", "owner_id", "payment_id", "customer"})
KEEP_TRYING = timedelta(hours=24)  # our row is committed before the call, so an object unknown for a day is not ours
FIRST_DELAY = timedelta(seconds=5)  # an event that overtook our own commit is known within seconds
LONGEST_DELAY = timedelta(hours=1)  # doubling from five seconds gets here after ten tries
TAKEN_FOR = timedelta(minutes=2)  # real time a worker may need; a hearing that died is noticed after it
KEEP = timedelta(days=60)  # twice as long as Stripe can be asked to send an event again
BATCH = 200  # jobs queued or rows deleted in one go: short transactions
STORE = """
    INSERT INTO inbox_event (vendor, event_id, kind, object_id, subject, body_sha256, received_at, waiting_since,
                             next_try_at, same_as_id, tries, last_error, duplicates)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0, '', 0)
    ON CONFLICT (vendor, event_id) DO UPDATE SET duplicates = inbox_event.duplicates + 1
    RETURNING id, duplicates"""


def receive(
    *,
    vendor: str,
    event_id: str,
    kind: str,
    object_id: str,
    subject: Mapping[str, str],
    body_sha256: str,
    now: datetime,
) -> bool:
    """Store a verified event and queue its hearing in one commit. False when it was here already.

    `subject` holds ids under the names of `SUBJECT`. A different event about the same fact that still waits is stored,
    and covered by that one's work.
    """
    vendor, ids = Vendor(vendor), _ids(subject)
    with transaction.atomic(), connection.cursor() as cursor:
        # Two events about one fact may come in at the same moment; one of them has to see the other.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{vendor}/{kind}/{object_id}"])
        covering = _waiting(vendor, kind, object_id, event_id)
        what = [vendor, event_id, kind, object_id, json.dumps(ids), body_sha256]
        cursor.execute(STORE, [*what, now, now, now + clock.lease(TAKEN_FOR), covering])
        key, duplicates = cursor.fetchone()
        if duplicates == 0 and covering is None:
            hear_soon(key)
    return bool(duplicates == 0)


def _waiting(vendor: str, kind: str, object_id: str, event_id: str) -> int | None:
    same = Event.objects.filter(OPEN, vendor=vendor, kind=kind, object_id=object_id, same_as=None)
    # Locked, so that it is not settled between this look and our commit: nobody would hear us then.
    locked = same.exclude(event_id=event_id).select_for_update(no_key=True)
    return locked.order_by("id").values_list("id", flat=True).first()


def _ids(subject: Mapping[str, str]) -> dict[str, str]:
    if stray := subject.keys() - SUBJECT:
        raise ParkerError("stray_subject", f"an event's subject may not hold {sorted(stray)}")
    return {name: str(value) for name, value in subject.items() if value}


def hear_soon(key: int) -> None:
    """Have a worker hear this event; twice the same wish waits once."""
    defer_by_name(HEAR, once=f"hear:{key}", event_id=key)


def take(*, event_id: int, now: datetime) -> queries.Event | None:
    """Begin to hear an event: what it is about, or None when there is nothing left to do.

    Commits by itself, before the object is read: what is delivered from here on is heard again. Not exclusive, because
    hearing twice does no harm.
    """
    with transaction.atomic(durable=True):
        waiting = Event.objects.filter(OPEN, id=event_id, same_as=None)
        if not waiting.update(taken_at=now, next_try_at=now + clock.lease(TAKEN_FOR)):
            return None
        Event.objects.filter(OPEN, same_as=event_id).update(taken_at=now)
        return queries.view(Event.objects.get(id=event_id))


def handled(*, event_id: int, now: datetime) -> None:
    """The event's work is done, and that of what it covers. Joins the transaction of the effects when there is one.

    Without one, the effects must be such that hearing twice does no harm. What came in after the work began (see `take`)
    is heard by itself.
    """
    with transaction.atomic():
        Event.objects.select_for_update().get(id=event_id)
        Event.objects.filter(OPEN, id=event_id).update(handled_at=now, next_try_at=None, last_error="")
        covered = Event.objects.filter(OPEN, same_as=event_id, taken_at__isnull=False)
        covered.update(handled_at=now, next_try_at=None)
        _stand_alone(event_id, now)


def _stand_alone(event_id: int, now: datetime) -> None:
    """Let the newest event that is covered by this one be heard itself; it covers the others."""
    covered = Event.objects.filter(OPEN, same_as=event_id)
    newest = covered.order_by("-id").values_list("id", flat=True).first()
    if newest is not None:
        covered.exclude(id=newest).update(same_as=newest)
        Event.objects.filter(id=newest).update(same_as=None, next_try_at=now + clock.lease(TAKEN_FOR))
        hear_soon(newest)


def postponed(*, event_id: int, code: str, now: datetime) -> bool:
    """Its object is not known yet, or could not be read: hear it again later. False when it was given up.

    Delays double from five seconds to an hour. After 24 hours the event is given up and stays to be seen. Joins the
    caller's transaction when there is one.
    """
    with transaction.atomic():
        event = Event.objects.select_for_update().get(id=event_id)
        later = now + min(FIRST_DELAY * 2 ** min(event.tries, 30), LONGEST_DELAY)
        over = now >= event.waiting_since + KEEP_TRYING
        Event.objects.filter(OPEN, id=event_id).update(
            tries=F("tries") + 1,
            last_error=code[:60],
            taken_at=None,
            next_try_at=None if over else later,
            given_up_at=now if over else None,
        )
        Event.objects.filter(OPEN, same_as=event_id).update(taken_at=None)
        if over:
            _stand_alone(event_id, now)
    return not over


def due(now: datetime, limit: int = BATCH) -> list[int]:
    """Events that should be heard (again) now, the longest waiting first. Also those whose hearing died."""
    waiting = Event.objects.filter(OPEN, same_as=None, next_try_at__lte=now)
    return list(waiting.order_by("next_try_at").values_list("id", flat=True)[:limit])


def wake(*, now: datetime) -> int:
    """Queue what is due. Returns how many; an event that was never heard within its day is given up."""
    found = due(now)
    for event_id in found:
        if Event.objects.filter(OPEN, id=event_id, waiting_since__lte=now - KEEP_TRYING - LONGEST_DELAY).exists():
            postponed(event_id=event_id, code="never_heard", now=now)
            continue
        with transaction.atomic():
            Event.objects.filter(OPEN, id=event_id).update(next_try_at=now + clock.lease(TAKEN_FOR))
            hear_soon(event_id)
    return len(found)


def replay(
    *, now: datetime, event_ids: Sequence[int] | None = None, since: datetime | None = None, vendor: str | None = None
) -> int:
    """Hear events again as if they had just come in. Returns how many. Raises BadInput without any choice.

    `event_ids` are ours; `since` is when they were received.
    """
    chosen = Event.objects.order_by("id")
    if event_ids is None and since is None and vendor is None:
        raise BadInput("nothing_chosen", "Say which events: by id, by vendor, or since when.")
    if event_ids is not None:
        chosen = chosen.filter(id__in=list(event_ids))
    if since is not None:
        chosen = chosen.filter(received_at__gte=since)
    if vendor is not None:
        chosen = chosen.filter(vendor=Vendor(vendor))
    ids = list(chosen.values_list("id", flat=True))
    for start in range(0, len(ids), BATCH):
        _again(ids[start : start + BATCH], now)
    return len(ids)


def _again(ids: list[int], now: datetime) -> None:
    with transaction.atomic():
        Event.objects.filter(id__in=ids).update(
            handled_at=None, given_up_at=None, taken_at=None, same_as=None, tries=0, last_error="",
            waiting_since=now, next_try_at=now + clock.lease(TAKEN_FOR),
        )  # fmt: skip
        for one in ids:
            hear_soon(one)


def prune(*, now: datetime, keep: timedelta = KEEP) -> int:
    """Delete settled events that came in longer ago than `keep`. Returns how many; one batch a call."""
    old = Event.objects.exclude(OPEN).filter(received_at__lt=now - keep).order_by("id")
    ids = list(old.values_list("id", flat=True)[: BATCH * 5])
    Event.objects.filter(id__in=ids).delete()
    return len(ids)
