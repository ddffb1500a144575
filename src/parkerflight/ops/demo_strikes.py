"""Making the demo's disaster happen, showing what happens around it, and doing what a person in the story does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from parkerflight.ops.demo_stage import confirm_in_browser, get, post
from parkerflight.settings.config import ConfigurationError, Process

if TYPE_CHECKING:
    from uuid import UUID

    from parkerflight.bookings.models import BookingAttempt
    from parkerflight.ops.demo_disasters import Rule
    from parkerflight.ops.demo_stage import Stage

QUIET = 1.0  # real seconds without news after which a booking that waits for a later moment is taken there
FAR = timedelta(seconds=20)  # waits shorter than this pass by themselves
DOWN_SECONDS = 2  # how long the killed database stays away: long enough that the worker meets it
RESTARTS = 20  # tries, half a second apart: the dead server's children need a moment to let go of its memory
# What each state of an attempt means: who acts, and what they do.
WORDS = {
    "prepared": ("parker", "reads the fare once more and judges it"),
    "authorising": ("bank", "is asked to hold the money"),
    "authorised": ("bank", "holds the money"),
    "holding": ("airline", "is asked to keep the seats unpaid"),
    "held": ("airline", "keeps the seats"),
    "needs_customer": ("bank", "wants the cardholder's word; a letter asks for it"),
    "ordering": ("airline", "is asked for the ticket"),
    "paying": ("airline", "is paid for the seats it keeps"),
    "repricing": ("parker", "reads the new price and judges it"),
    "unknown": ("parker", "does not know what became of the request, and asks"),
    "ordered": ("airline", "says: booked"),
    "capturing": ("bank", "is asked for the money it holds"),
    "completed": ("parker", "has the ticket and the money: they agree"),
    "refused": ("parker", "knows that nothing was bought, and lets go of what is held"),
    "released": ("parker", "holds nothing any more"),
}


def arm(stage: Stage) -> None:
    """Set the sandboxes up for the disaster, after the cast has saved its cards and before the worker looks."""
    disaster = stage.disaster
    if disaster is None:
        return
    for base, rules in (
        (stage.installation.stripe_base, disaster.stripe),
        (stage.installation.duffel_base, disaster.duffel),
    ):
        for rule in rules:
            post(f"{base}/_sandbox/faults", rule)
    _switch(stage, disaster.controls)


def _switch(stage: Stage, controls: tuple[tuple[str, Rule], ...]) -> None:
    for path, body in controls:
        post(f"{stage.installation.duffel_base}/_sandbox/{path}", body)


def tell(stage: Stage, campaign_id: UUID) -> None:
    """Show what the attempts did since the last look, and the disaster at its moment."""
    from parkerflight.bookings import queries

    if stage.disaster is None:
        return
    for attempt in queries.attempts_of(stage.owner, campaign_id):
        for number, event in enumerate(queries.timeline(stage.owner, attempt["id"])):
            key = (attempt["id"], number)
            if key in stage.events:
                continue
            stage.events.add(key)
            who, does = WORDS[event.state]
            why = f"{event.state}: {event.reason}" if event.reason else event.state
            stage.line(who, f"[dim]{event.at:%d %b %H:%M:%S}[/dim]  {does}  [dim]({why})[/dim]")
            if event.state == stage.disaster.strikes_in and not stage.disaster.fault_point:
                _mark(stage)


def _mark(stage: Stage) -> None:
    """Say once that the disaster strikes here; those that kill do so now."""
    assert stage.disaster is not None
    if stage.struck:
        return
    stage.struck = True
    stage.line("✖", f"[bold red]{stage.disaster.mark}[/bold red]")
    _switch(stage, stage.disaster.calm)
    if stage.disaster.kills_database:
        _kill_database(stage)


def crashed(stage: Stage) -> None:
    """The worker is dead: by the story's design, or because its database was killed."""
    stage.crashed = True
    if stage.disaster and stage.disaster.fault_point:
        stage.struck = True
        stage.line("✖", f"[bold red]{stage.disaster.mark}[/bold red] [dim](at {stage.disaster.fault_point})[/dim]")
    stage.line("system", "another worker starts")


def _kill_database(stage: Stage) -> None:
    """SIGKILL the server by its own pid, start it again where it was, and connect anew."""
    server = stage.installation.server
    _disconnect()
    os.kill(server.pid(), signal.SIGKILL)
    time.sleep(DOWN_SECONDS)
    for _ in range(RESTARTS):
        try:
            server.start()
            break
        except ConfigurationError:
            time.sleep(0.5)
    _disconnect()
    stage.line("system", "PostgreSQL starts again from what it had written down")


def _disconnect() -> None:
    """Let go of this process's own connections, those that wait in the pool included."""
    from django.db import connections

    connections.close_all()
    for connection in connections.all(initialized_only=True):
        connection.close_pool()  # type: ignore[attr-defined]


def play(stage: Stage, campaign_id: UUID) -> bool:
    """Do what the story still needs: a person's part, or the time that a booking waits for. True when it did something."""
    if stage.disaster is None:
        return False
    attempt = _live(stage, campaign_id)
    if attempt is None:
        return False
    if not stage.helped and _help(stage, attempt):
        stage.helped = True
        return True
    return _skip_wait(stage, attempt)


def _live(stage: Stage, campaign_id: UUID) -> BookingAttempt | None:
    from parkerflight.bookings.models import BookingAttempt
    from parkerflight.core.tenancy import scope

    with scope(stage.owner):
        live = BookingAttempt.objects.filter(campaign_id=campaign_id).exclude(state__in=("completed", "released"))
        return live.first()


def _help(stage: Stage, attempt: BookingAttempt) -> bool:
    if attempt.state == "needs_customer" and stage.disaster and stage.disaster.holdable:
        _confirm(stage, attempt)
        return True
    if attempt.human_since is not None:
        _decide(stage, attempt)
        return True
    return False


def _confirm(stage: Stage, attempt: BookingAttempt) -> None:
    """The cardholder opens the page, sees the price once more and confirms at the bank."""
    from parkerflight.bookings import customer
    from parkerflight.payments import queries as payments

    now = stage.moment
    page = customer.to_confirm(owner_id=stage.owner, attempt_id=attempt.id, now=now)
    stage.line("person", f"Amelia opens the letter's link, sees {page.charge}, and confirms at her bank")
    assert attempt.payment_id is not None
    payment = payments.payment(stage.owner, attempt.payment_id)
    card = payments.card(stage.owner, payment.card_id).reference
    base, intent = stage.installation.stripe_base, payment.intent
    confirm_in_browser(f"{base}/v1/payment_intents/{intent}/confirm", card)
    post(f"{base}/_sandbox/payment_intents/{intent}/authenticate", {"outcome": "success"})
    customer.confirmed(owner_id=stage.owner, attempt_id=attempt.id, now=now)


def _decide(stage: Stage, attempt: BookingAttempt) -> None:
    """One of the team settles the case, with the command that the team has."""
    stage.line("team", f"./parker attempts waiting names the case: {attempt.state}, {attempt.reason}")
    command = [
        "attempts",
        "decide",
        str(attempt.id),
        "try_again",
        "--by",
        "demo",
        "--reason",
        "Stripe support: account fixed",
    ]
    subprocess.run(  # noqa: S603 - our own command, our own arguments
        [sys.executable, "-m", "parkerflight", *command], env=stage.installation.environment(Process.WORKER),
        check=True, capture_output=True,
    )  # fmt: skip
    stage.decided = True
    stage.line("team", "./parker attempts decide … try_again   «Stripe support: account fixed»")


def _skip_wait(stage: Stage, attempt: BookingAttempt) -> bool:
    """Take the clock to the moment the booking waits for, once nothing has happened for a while."""
    quiet = _quiet_since(stage, attempt)
    if attempt.due_at is None or attempt.due_at - stage.moment < FAR or time.monotonic() - quiet < QUIET:
        return False
    stage.line("clock", f"[dim]nothing to do before {attempt.due_at:%d %b %H:%M:%S}; the demo goes there[/dim]")
    stage.move_to(attempt.due_at, rate=1.0)
    return True


def _quiet_since(stage: Stage, attempt: BookingAttempt) -> float:
    """Since when (monotonic seconds) this attempt stands as it does now."""
    now_seen: Any = (attempt.id, attempt.state, attempt.due_at, attempt.tries)
    if stage.last_seen[0] != now_seen:
        stage.last_seen = (now_seen, time.monotonic())
    return stage.last_seen[1]


def fired(stage: Stage) -> bool:
    """Whether everything that was to go wrong did go wrong."""
    if stage.disaster is None:
        return True
    bases = (stage.installation.stripe_base, stage.installation.duffel_base)
    rules = [rule for base in bases for rule in get(f"{base}/_sandbox/faults")["faults"]]
    return stage.struck and all(rule["fired"] for rule in rules)
