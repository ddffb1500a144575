"""Letting the demo's time pass: the worker looks, finds and books while the virtual clock jumps from look to look."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from parkerflight.ops import demo_strikes
from parkerflight.settings.config import ConfigurationError

if TYPE_CHECKING:
    from uuid import UUID

    from parkerflight.campaigns.queries import CampaignView
    from parkerflight.ops.demo_stage import Stage

STEP = timedelta(hours=6)  # how far the virtual clock jumps between looks
MOST_STEPS = 240  # sixty virtual days; the demo's fare always dips before that with the seeds we ship, or we say so
WAITING = 3.0  # real seconds after which a step that stands still is given virtual time
MOST_SKIPS = 20  # waits that are skipped within one booking; the longest story, late tickets, takes about ten
PATIENCE = 60.0  # real seconds to wait for one step's work


def watch(stage: Stage, campaign_id: UUID) -> CampaignView:
    """Let virtual days pass until the campaign searches no more."""
    from parkerflight.campaigns import queries

    for step in range(MOST_STEPS):
        campaign = _settle(stage, campaign_id)
        _show_looks(stage, campaign)
        if campaign.status != "active":
            return campaign
        if step % 20 == 19:  # noqa: PLR2004 - every five virtual days
            stage.console.print(
                f"  [dim]{stage.moment:%d %b %H:%M}  still watching, {campaign.looks} searches so far[/dim]"
            )
        stage.move_to(stage.moment + STEP)
    return queries.campaign(stage.owner, campaign_id)


def _settle(stage: Stage, campaign_id: UUID) -> CampaignView:
    """Wait until this moment's looks are done and no booking is under way; revive a crashed worker."""
    from parkerflight.campaigns import queries
    from parkerflight.ops.demo_cast import looks_outstanding

    start, skips = time.monotonic(), 0
    while time.monotonic() < start + PATIENCE:
        revive(stage)
        # In this order: what is claimed after the first look at it shows in the second.
        outstanding = looks_outstanding(stage.owner, campaign_id, stage.moment)
        campaign = queries.campaign(stage.owner, campaign_id)
        _show_fit(stage, campaign)
        demo_strikes.tell(stage, campaign_id)
        if campaign.status == "booking":
            # While a booking runs the virtual clock goes at the wall's pace, so that waits of seconds pass.
            stage.move_to(stage.moment + timedelta(seconds=1), rate=1.0)
            if skips < MOST_SKIPS and demo_strikes.play(stage, campaign_id):
                start, skips = time.monotonic(), skips + 1
            time.sleep(0.25)
            continue
        if campaign.status != "active" or not outstanding:
            return campaign
        if time.monotonic() > start + WAITING:
            # Somebody waits for time to pass, such as a look that the rate limit postponed.
            stage.move_to(stage.moment + timedelta(seconds=5))
        time.sleep(0.05)
    msg = f"The worker did not finish its work in {PATIENCE:.0f} s; see {stage.installation.logs}."
    raise ConfigurationError(msg)


def revive(stage: Stage) -> None:
    """Start another worker where the last one died."""
    worker = stage.installation.running["worker"]
    if worker.poll() is not None:
        demo_strikes.crashed(stage)
        stage.installation.start_worker()


def _show_fit(stage: Stage, campaign: CampaignView) -> None:
    """In a story the fare that fits is told before what becomes of it."""
    if stage.disaster and campaign.status == "booking":
        _show_looks(stage, campaign)


def _show_looks(stage: Stage, campaign: CampaignView) -> None:
    from parkerflight.ops.demo_cast import lowest_seen

    stage.searches = campaign.looks
    lowest = lowest_seen(stage.owner, campaign.id)
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
