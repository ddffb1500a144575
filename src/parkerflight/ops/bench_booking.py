"""`./parker bench booking`: what the saga costs beyond the vendors' answers, beside the same calls made bare."""

from __future__ import annotations

import json
import logging
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from rich.console import Console
from rich.progress import track
from rich.table import Table

from parkerflight.ops.demo import fresh
from parkerflight.ops.processes import Installation
from parkerflight.settings.config import Process

if TYPE_CHECKING:
    from collections.abc import Callable

    from parkerflight.flights.types import OrderRequest
    from parkerflight.payments.gateway import StoredCall


class Stopwatch:
    """Adds up the milliseconds spent inside the vendors' adapters: their share, which is not ours to answer for."""

    def __init__(self) -> None:
        self.spent_ms = 0.0

    def watch(self, adapter: object, *names: str) -> None:
        """Time these methods of `adapter` from now on."""
        for name in names:
            setattr(adapter, name, self._timed(getattr(adapter, name)))

    def _timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            start = time.perf_counter()
            try:
                return call(*arguments, **named)
            finally:
                self.spent_ms += (time.perf_counter() - start) * 1000

        return timed


def run(*, n: int, data: Path, as_json: bool) -> int:
    """Measure `n` bookings one after the other and `n` bare runs of the same calls in turn; print medians and p99."""
    installation = Installation(fresh(data), virtual_clock=True)
    console = Console(stderr=as_json)
    try:
        now = datetime.now(UTC).replace(microsecond=0)
        installation.set_clock(now)
        installation.start_database()
        installation.start_sandboxes()
        _hold_prices(installation)
        result = _measure(installation, n, now, console)
    finally:
        installation.stop()
    _show(console, result)
    if as_json:
        print(json.dumps(result))  # noqa: T201 - the result itself
    return 0


def _hold_prices(installation: Installation) -> None:
    """No price may move between reading and ordering: a refused order would measure another path."""
    body = json.dumps({"price_change_rate": 0}).encode()
    url, kind = f"{installation.duffel_base}/_sandbox/account", {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, kind), timeout=5):  # noqa: S310 - loopback
        pass


def _measure(installation: Installation, n: int, now: datetime, console: Console) -> dict[str, Any]:
    """The people are made by another process, as the web role; this one is the worker."""
    made = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "parkerflight.ops.bench_people", str(n), now.isoformat()],
        env=installation.environment(Process.WEB), stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    people = [UUID(line) for line in made.stdout.split()]
    _become_worker(installation)
    from parkerflight.flights.operations import provider
    from parkerflight.payments.operations import gateway

    watch = Stopwatch()
    watch.watch(provider(), "offer", "create_order", "order", "orders_of_offer")
    watch.watch(gateway(), "authorise", "capture", "release", "view_of")
    matches = [_match(owner_id, now) for owner_id in track(people, "searches", console=console)]
    saga, bare = [], []
    for owner_id, match_id in track(list(zip(people, matches, strict=True)), "bookings", console=console):
        saga.append(_saga(owner_id, match_id, watch, now))
        bare.append(_bare(owner_id, watch, now))
    return {"overhead_ms": _summary(saga), "bare_ms": _summary(bare), "n": n}


def _become_worker(installation: Installation) -> None:
    import django

    from parkerflight.settings import config

    os.environ.update(installation.environment(Process.WORKER))
    config.load.cache_clear()
    django.setup()
    logging.getLogger().setLevel(logging.WARNING)


def _match(owner_id: UUID, now: datetime) -> UUID:
    """Search the person's one cell and return the match it shows."""
    from parkerflight.campaigns import watching
    from parkerflight.campaigns.models import CampaignCell
    from parkerflight.core.tenancy import scope

    with scope(owner_id):
        key = CampaignCell.objects.get(owner_id=owner_id).cell_id
    return next(match for whose, match in watching.look(cell_key=key, now=now) if whose == owner_id)


def _saga(owner_id: UUID, match_id: UUID, watch: Stopwatch, now: datetime) -> float:
    """Milliseconds of our own work between the match and the captured payment."""
    from parkerflight.bookings import operations as bookings

    before = watch.spent_ms
    start = time.perf_counter()
    attempt_id = bookings.begin(owner_id=owner_id, match_id=match_id, now=now)
    if attempt_id is None or bookings.advance(attempt_id=attempt_id, now=now) is not None:
        msg = "a booking did not complete; the benchmark would measure something else"
        raise RuntimeError(msg)
    return (time.perf_counter() - start) * 1000 - (watch.spent_ms - before)


def _bare(owner_id: UUID, watch: Stopwatch, now: datetime) -> float:
    """Milliseconds of the same vendor calls with the same clients and nothing else: read, hold, read, order, take."""
    from parkerflight.flights.operations import provider
    from parkerflight.payments.operations import gateway

    request, hold, take = _bare_request(owner_id, now)
    before = watch.spent_ms
    provider().offer(request.offer_id)
    held = gateway().authorise(hold)
    provider().offer(request.offer_id)
    provider().create_order(request)
    gateway().capture(held.intent, take)
    return watch.spent_ms - before


def _bare_request(owner_id: UUID, now: datetime) -> tuple[OrderRequest, StoredCall, StoredCall]:
    """An order and the calls to pay for it, like the saga's own for the same search."""
    from parkerflight.campaigns.models import CampaignCell, Cell
    from parkerflight.campaigns.rules.criteria import query_of
    from parkerflight.core.tenancy import scope
    from parkerflight.flights.operations import provider
    from parkerflight.flights.types import OrderRequest, Passenger
    from parkerflight.payments.gateway import StoredCall
    from parkerflight.payments.models import VendorCall

    with scope(owner_id):
        query = Cell.objects.get(key=CampaignCell.objects.get(owner_id=owner_id).cell_id).query
        parameters = dict(VendorCall.objects.get(owner_id=owner_id, purpose="authorise").parameters)
    offer = next(one for one in provider().search(query_of(query)) if not one.documents_required)
    someone = Passenger(
        id=offer.passengers[0].id, given_name="Bench", family_name="Bare", title="dr", gender="m",
        born_on=date(1980, 1, 1), email="bench@example.org", phone_number="+442079460018",
    )  # fmt: skip
    changed = {"amount": offer.total.minor, "metadata": {"bare": now.isoformat()}}
    hold = StoredCall(f"bare-{uuid4()}", {**parameters, **changed})
    take = StoredCall(f"bare-{uuid4()}", {"amount_to_capture": offer.total.minor, "expand": ["latest_charge"]})
    return OrderRequest(offer.id, offer.total, (someone,), {}), hold, take


def _summary(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "p50": round(statistics.median(ordered), 2),
        "p99": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 2),
    }


def _show(console: Console, result: dict[str, Any]) -> None:
    table = Table(title=f"{result['n']} bookings, match to captured, milliseconds")
    for column in ("", "p50", "p99"):
        table.add_column(column, justify="right" if column else "left")
    table.add_row("our own overhead", *(f"{result['overhead_ms'][one]:.1f}" for one in ("p50", "p99")))
    table.add_row("the same calls, bare", *(f"{result['bare_ms'][one]:.1f}" for one in ("p50", "p99")))
    console.print(table)
