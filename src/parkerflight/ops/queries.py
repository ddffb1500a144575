"""What the two-person team looks at. Runs as `parker_backoffice`: ids, states and codes, never a name."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F

from parkerflight.bookings.machine import SETTLED
from parkerflight.bookings.models import BookingAttempt
from parkerflight.core.models import Switch
from parkerflight.core.switches import Stop
from parkerflight.ops.invariants import INVARIANTS, check
from parkerflight.ops.models import CheckRun

MOST_ROWS = 200  # more would not fit a phone, and mean one cause, not two hundred
STALE = timedelta(minutes=11)  # two rounds of the watcher and some: older than this it is not running
SHOWN = 4  # characters at either end of a vendor's request id: enough to compare, too few to use


@dataclass(frozen=True, slots=True)
class Checked:
    """One invariant: when it was looked at, and the ids that break it."""

    name: str
    at: datetime
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """An attempt that only a person can settle. `request` is the vendor's request id, masked."""

    id: str
    state: str
    reason: str
    since: datetime
    request: str


@dataclass(frozen=True, slots=True)
class SwitchView:
    """A kill switch; `since` is None when it was never turned."""

    name: str
    on: bool
    reason: str
    since: datetime | None


def latest_checks(now: datetime) -> list[Checked]:
    """Every invariant with its last stored run, broken ones first; run at this moment when nobody watched for a while."""
    last = CheckRun.objects.order_by("-id").first()
    if last is not None and abs(now - last.at) < STALE:
        at, broken = last.at, {name: tuple(ids) for name, ids in last.violations.items()}
    else:
        at, broken = now, {found.invariant: tuple(found.ids) for found in check(now)}
    checked = [Checked(name, at, broken.get(name, ())) for name in INVARIANTS]
    return sorted(checked, key=lambda one: (not one.ids, one.name))


def attempts_waiting() -> list[Waiting]:
    """Attempts that wait for one of us, the longest first."""
    rows = BookingAttempt.objects.filter(human_since__isnull=False).exclude(state__in=SETTLED)
    found = rows.order_by("human_since").annotate(since=F("human_since"))
    names = ("id", "state", "reason", "since", "vendor_request_id")
    return [
        Waiting(str(key), state, reason, since, masked(request))
        for key, state, reason, since, request in found.values_list(*names)[:MOST_ROWS]
    ]


def switches() -> list[SwitchView]:
    """All kill switches, also those that were never turned."""
    kept = {row.name: row for row in Switch.objects.all()}
    return [
        SwitchView(one.value, row.on, row.reason, row.changed_at)
        if (row := kept.get(one))
        else SwitchView(one.value, False, "", None)
        for one in Stop
    ]


def masked(request: str) -> str:
    """The ends of a request id; all of a short one is hidden."""
    return f"{request[:SHOWN]}…{request[-SHOWN:]}" if len(request) > 3 * SHOWN else "…" * bool(request)
