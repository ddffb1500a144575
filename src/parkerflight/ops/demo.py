"""`./parker demo`: one campaign from first look to booked ticket, or to a disaster's good end; offline, with the real processes."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Console

from parkerflight.ops import demo_disasters, demo_strikes, demo_watch
from parkerflight.ops.demo_stage import Stage, post
from parkerflight.ops.processes import Installation, end
from parkerflight.settings.config import ConfigurationError, Process

if TYPE_CHECKING:
    from pathlib import Path

    from parkerflight.campaigns.queries import CampaignView
    from parkerflight.ops.demo_disasters import Disaster

# The virtual day the demo begins: fixed, so that the same seed always shows the same fares.
SCENE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DISCOUNT = Decimal("0.95")  # the demo's traveller wants today's fare less 5 %: seen within days on most routes
MAIL_SECONDS = 60.0  # real seconds for letters to be written and sent: a second or two, on a loaded machine more


def run(*, data: Path, as_json: bool, fault: str, seed: int, picture: Path | None = None) -> int:
    """Play the demo; returns 0 only when it ended as promised, every invariant holds and the ledgers agree."""
    disaster = demo_disasters.disaster(fault) if fault else None
    if any(os.environ.get(name) for name in ("STRIPE_API_KEY", "DUFFEL_TOKEN", "DATABASE_URL")):
        msg = "The demo plays offline with made-up cards. Unset STRIPE_API_KEY, DUFFEL_TOKEN and DATABASE_URL, or use ./parker up."
        raise ConfigurationError(msg)
    console = Console(stderr=as_json, highlight=False, record=picture is not None, width=110 if picture else None)
    stage = Stage(Installation(fresh(data), seed=seed, virtual_clock=True), console, disaster, SCENE)
    try:
        result = _play(stage)
    finally:
        stage.installation.stop()
    if picture:
        drawn = console.export_svg(title="./parker demo")
        # No fonts from elsewhere: the picture must look the same where nothing can be fetched.
        picture.write_text(re.sub(r"@font-face\s*{[^}]*}", "", drawn))
    if as_json:
        print(json.dumps(result))  # noqa: T201 - the result itself
    return 0 if kept(result) else 1


def kept(result: dict[str, Any]) -> bool:
    """Whether the demo ended as promised, with every invariant held and the ledgers in agreement."""
    books = result["ledgers"]["agree"] and not result["invariants"]["violations"]
    return bool(books and result["ended"] == result["promised"])


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
    _open(stage.console, stage.disaster)
    _start(stage)
    _as_web(stage.installation)
    from parkerflight.ops import demo_cast

    demo_strikes.arm(stage)
    cast = demo_cast.prepare(now=stage.moment, wish=_wish(stage.disaster), stripe=stage.installation.stripe_base)
    stage.owner_id = cast.owner_id
    for what, text in cast.lines:
        stage.line(what, text)
    return _report(stage, demo_watch.watch(stage, cast.campaign_id))


def _open(console: Console, disaster: Disaster | None) -> None:
    """The title; for a disaster its story first."""
    if disaster is None:
        console.print("\n[bold]Parker Flight[/bold]  one campaign, from first look to booked ticket\n")
        return
    console.print(f"\n[bold]Parker Flight[/bold]  {disaster.title}\n")
    console.print(
        f"  {disaster.danger}\n  [green]{disaster.answer}[/green]\n  It must end: [bold]{disaster.promised}[/bold].\n"
    )


def _start(stage: Stage) -> None:
    console, installation = stage.console, stage.installation
    installation.set_clock(stage.moment)
    with console.status("starting PostgreSQL …"):
        installation.start_database()
    with console.status("starting the offline Stripe and Duffel …"):
        installation.start_sandboxes()
    with console.status("starting web and worker …"):
        installation.start_web()
        point = stage.disaster.fault_point if stage.disaster else ""
        installation.start_worker(**({"PARKER_FAULT_POINT": point} if point else {}))
    # Real airlines only: Duffel's own test airline flies everywhere and would win too often to be believed.
    post(f"{installation.duffel_base}/_sandbox/account", {"test_airline": False})
    stage.line("system", f"PostgreSQL, sandboxes, web and worker are running  ({installation.web_base}/readyz)")


def _as_web(installation: Installation) -> None:
    """Turn this process into one with the web process's role: what a person does, happens as the web does it."""
    os.environ.update(installation.environment(Process.WEB))
    import django

    from parkerflight.settings import config

    config.load.cache_clear()
    django.setup()
    logging.getLogger().setLevel(logging.WARNING)


def _wish(disaster: Disaster | None) -> Any:
    """What the traveller wants: the plain demo's bargain, or what the story needs."""
    from parkerflight.ops.demo_cast import Wish

    if disaster is None:
        return Wish(share=DISCOUNT)
    return Wish(
        share=disaster.cap_share, card=disaster.card, second_card=disaster.second_card, holdable=disaster.holdable
    )


def _report(stage: Stage, campaign: CampaignView) -> dict[str, Any]:
    from parkerflight.ops import demo_books, demo_report

    _wait_for_mail(stage, booked=campaign.status == "completed")
    end(stage.installation.running["worker"])
    checked = _invariants(stage.installation)
    result = demo_report.result(stage.owner, campaign, stage.installation, checked) | demo_books.verdict(
        stage, campaign
    )
    trip = demo_report.trip_of(stage.owner, campaign.id)
    if trip or stage.disaster is None:
        demo_report.show(stage.console, result, trip, stage.installation)
    if stage.disaster:
        demo_books.show(stage, campaign, result, kept=kept(result))
    stage.console.print(
        "\nGo on: [bold]./parker up[/bold] keeps it running, [bold]./parker demo --fault list[/bold] tells which disasters it shows.\n"
    )
    return result


def _wait_for_mail(stage: Stage, *, booked: bool) -> None:
    """Letters are jobs of their own; give them a moment. A booking has its confirmation."""
    from parkerflight.ops.demo_cast import letters_under_way

    deadline = time.monotonic() + MAIL_SECONDS
    while time.monotonic() < deadline and letters_under_way(stage.owner, booked=booked):
        demo_watch.revive(stage)
        time.sleep(0.1)


def _invariants(installation: Installation) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "parkerflight", "invariants", "--json"],
        env=installation.environment(Process.BACKOFFICE), capture_output=True, text=True, check=False,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
