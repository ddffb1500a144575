"""`./parker demo`: one campaign from first look to booked ticket, offline, with the real processes."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from parkerflight.ops.processes import Installation, end
from parkerflight.settings.config import ConfigurationError, Process

if TYPE_CHECKING:
    from uuid import UUID

    from parkerflight.bookings.queries import Trip
    from parkerflight.campaigns.queries import CampaignView

# The virtual day the demo begins: fixed, so that the same seed always shows the same fares.
SCENE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
STEP = timedelta(hours=6)  # how far the virtual clock jumps between looks
MOST_STEPS = 240  # sixty virtual days; the demo's fare always dips before that with the seeds we ship, or we say so
WAITING = 3.0  # real seconds after which a step that stands still is given virtual time
PATIENCE = 60.0  # real seconds to wait for one step's work
DISCOUNT = Decimal("0.95")  # the demo's traveller wants today's fare less 5 %: seen within days on most routes

# Faults the demo can show: (fault point that kills the worker, fault rule for the Duffel sandbox).
FAULTS: dict[str, tuple[str, dict[str, object]]] = {
    "order-answer-lost": ("", {"route": "POST /air/orders", "nth": 1, "action": "close_after"}),
    "crash-after-authorise": ("bookings.after_authorised", {}),
    "crash-after-order": ("bookings.after_order_answer", {}),
    "crash-before-capture": ("bookings.after_capturing", {}),
}


@dataclass
class Stage:
    """Where the demo plays and what it has learnt."""

    installation: Installation
    console: Console
    fault: str
    moment: datetime
    owner_id: UUID | None = None
    searches: int = 0
    crashed: bool = False
    seen: list[int] = field(default_factory=list)


def run(*, data: Path, as_json: bool, fault: str, seed: int, picture: Path | None = None) -> int:
    """Play the demo; returns 0 only when the booking completed and every invariant holds."""
    if fault and fault not in FAULTS:
        msg = f"--fault {fault} is not known; choose one of {', '.join(FAULTS)}."
        raise ConfigurationError(msg)
    if any(os.environ.get(name) for name in ("STRIPE_API_KEY", "DUFFEL_TOKEN", "DATABASE_URL")):
        msg = "The demo plays offline with made-up cards. Unset STRIPE_API_KEY, DUFFEL_TOKEN and DATABASE_URL, or use ./parker up."
        raise ConfigurationError(msg)
    console = Console(stderr=as_json, highlight=False, record=picture is not None, width=110 if picture else None)
    installation = Installation(fresh(data), seed=seed, virtual_clock=True)
    stage = Stage(installation, console, fault, SCENE)
    try:
        result = _play(stage)
    finally:
        installation.stop()
    if picture:
        drawn = console.export_svg(title="./parker demo")
        # No fonts from elsewhere: the picture must look the same where nothing can be fetched.
        picture.write_text(re.sub(r"@font-face\s*{[^}]*}", "", drawn))
    if as_json:
        print(json.dumps(result))  # noqa: T201 - the result itself
    return 0 if result["campaign"]["status"] == "completed" and not result["invariants"]["violations"] else 1


def fresh(data: Path) -> Path:
    """An empty data directory; the last demo's is removed, anything else is refused."""
    marker = data / ".demo"
    if data.exists() and any(data.iterdir()) and not marker.exists():
        msg = f"{data} is not empty and no demo made it; choose another --data."
        raise ConfigurationError(msg)
    if data.exists():
        if (data / "postgres.json").exists():
            Installation(data).server.stop()
        shutil.rmtree(data)
    data.mkdir(parents=True)
    marker.touch()
    return data


def _play(stage: Stage) -> dict[str, Any]:
    console, installation = stage.console, stage.installation
    console.print("\n[bold]Parker Flight[/bold]  one campaign, from first look to booked ticket\n")
    installation.set_clock(stage.moment)
    with console.status("starting PostgreSQL …"):
        installation.start_database()
    with console.status("starting the offline Stripe and Duffel …"):
        installation.start_sandboxes()
    with console.status("starting web and worker …"):
        installation.start_web()
        point, rule = FAULTS.get(stage.fault, ("", {}))
        installation.start_worker(**({"PARKER_FAULT_POINT": point} if point else {}))
    # Real airlines only: Duffel's own test airline flies everywhere and would win too often to be believed.
    _post(f"{installation.duffel_base}/_sandbox/account", {"test_airline": False})
    if rule:
        _post(f"{installation.duffel_base}/_sandbox/faults", rule)
    _line(stage, "system", f"PostgreSQL, sandboxes, web and worker are running  ({installation.web_base}/readyz)")
    _as_web(installation)
    from parkerflight.ops import demo_cast

    cast = demo_cast.prepare(now=stage.moment, discount=DISCOUNT)
    stage.owner_id = cast.owner_id
    for what, text in cast.lines:
        _line(stage, what, text)
    campaign = _watch(stage, cast.campaign_id)
    return _report(stage, campaign)


def _as_web(installation: Installation) -> None:
    """Turn this process into one with the web process's role: what a person does, happens as the web does it."""
    os.environ.update(installation.environment(Process.WEB))
    import django

    from parkerflight.settings import config

    config.load.cache_clear()
    django.setup()
    logging.getLogger().setLevel(logging.WARNING)


def _watch(stage: Stage, campaign_id: UUID) -> CampaignView:
    from parkerflight.campaigns import queries

    owner = stage.owner_id
    assert owner is not None
    for step in range(MOST_STEPS):
        campaign = _settle(stage, campaign_id)
        _show_looks(stage, campaign)
        if campaign.status != "active":
            return campaign
        if step % 20 == 19:  # noqa: PLR2004 - every five virtual days
            stage.console.print(
                f"  [dim]{stage.moment:%d %b %H:%M}  still watching, {campaign.looks} searches so far[/dim]"
            )
        stage.moment += STEP
        stage.installation.set_clock(stage.moment)
    return queries.campaign(owner, campaign_id)


def _settle(stage: Stage, campaign_id: UUID) -> CampaignView:
    """Wait until this moment's looks are done and no booking is under way; revive a crashed worker."""
    from parkerflight.campaigns import queries
    from parkerflight.ops.demo_cast import looks_outstanding

    assert stage.owner_id is not None
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        _revive(stage)
        campaign = queries.campaign(stage.owner_id, campaign_id)
        if campaign.status == "booking":
            # While a booking runs the virtual clock goes at the wall's pace, so that waits of seconds pass.
            stage.moment += timedelta(seconds=1)
            stage.installation.set_clock(stage.moment, rate=1.0)
            time.sleep(0.25)
            continue
        if campaign.status != "active" or not looks_outstanding(stage.owner_id, campaign_id, stage.moment):
            return campaign
        if time.monotonic() > deadline - PATIENCE + WAITING:
            # Somebody waits for time to pass, such as a look that the rate limit postponed.
            stage.moment += timedelta(seconds=5)
            stage.installation.set_clock(stage.moment)
        time.sleep(0.05)
    msg = f"The worker did not finish its work in {PATIENCE:.0f} s; see {stage.installation.logs}."
    raise ConfigurationError(msg)


def _revive(stage: Stage) -> None:
    worker = stage.installation.running["worker"]
    if worker.poll() is not None:
        stage.crashed = True
        _line(stage, "crash", f"[red]the worker was killed[/red] at {FAULTS[stage.fault][0]}; starting another")
        stage.installation.start_worker()


def _show_looks(stage: Stage, campaign: CampaignView) -> None:
    from parkerflight.ops.demo_cast import lowest_seen

    assert stage.owner_id is not None
    stage.searches = campaign.looks
    lowest = lowest_seen(stage.owner_id, campaign.id)
    if lowest is None or (stage.seen and stage.seen[-1] == lowest.minor):
        return
    mark = ""
    if stage.seen:
        mark = "[green]▼[/green]" if lowest.minor < stage.seen[-1] else "[red]▲[/red]"
    stage.seen.append(lowest.minor)
    fits = "  [bold green]fits[/bold green]" if lowest <= campaign.cap else ""
    stage.console.print(
        f"  [dim]{stage.moment:%d %b %H:%M}[/dim]  cheapest now {lowest} {mark}   cap {campaign.cap}{fits}"
    )


def _line(stage: Stage, what: str, text: str) -> None:
    stage.console.print(f"[cyan]{what:>10}[/cyan]  {text}")


def _post(url: str, body: dict[str, object]) -> None:
    import urllib.request

    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=5):  # noqa: S310
        pass


def _report(stage: Stage, campaign: CampaignView) -> dict[str, Any]:
    from parkerflight.ops import demo_report

    assert stage.owner_id is not None
    if campaign.status == "completed":
        _wait_for_mail(stage)
    end(stage.installation.running["worker"])
    checked = _invariants(stage.installation)
    result = demo_report.result(stage.owner_id, campaign, stage.installation, checked)
    trip: Trip | None = demo_report.trip_of(stage.owner_id, campaign.id)
    demo_report.show(stage.console, result, trip, stage.installation)
    return result


def _wait_for_mail(stage: Stage) -> None:
    """The confirmation is a job of its own; give it a moment."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and not any((stage.installation.data / "mails").glob("*")):
        _revive(stage)
        time.sleep(0.1)


def _invariants(installation: Installation) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "parkerflight", "invariants", "--json"],
        env=installation.environment(Process.BACKOFFICE), capture_output=True, text=True, check=False,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
