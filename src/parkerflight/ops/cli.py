"""The command line: `parker`. Each command imports what it runs, so that help is instant."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from parkerflight.ops.cli_attempts import attempts
from parkerflight.ops.cli_disputes import disputes
from parkerflight.ops.cli_inbox import inbox
from parkerflight.ops.cli_wallet import wallet
from parkerflight.ops.cli_watch import reconcile, watch
from parkerflight.ops.entry import setup
from parkerflight.settings.config import REPOSITORY, ConfigurationError, Process

app = typer.Typer(
    name="parker",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    help="[bold]Parker Flight[/bold] watches fares for the trip you describe and buys the ticket the moment one fits.\n\n"
    "New here? [bold]./parker demo[/bold] shows one campaign from first look to booked ticket, offline, in a minute.",
)
offers = typer.Typer(no_args_is_help=True, help="Look at captured flight offers.")
bench = typer.Typer(no_args_is_help=True, help="Measure the system with its own benchmarks.")
app.add_typer(offers, name="offers", rich_help_panel="Try it")
app.add_typer(attempts, name="attempts", rich_help_panel="Watch it")
app.add_typer(disputes, name="disputes", rich_help_panel="Watch it")
app.add_typer(inbox, name="inbox", rich_help_panel="Watch it")
app.add_typer(wallet, name="wallet", rich_help_panel="Watch it")
app.command(rich_help_panel="Run it")(watch)
app.command(rich_help_panel="Watch it")(reconcile)
app.add_typer(bench, name="bench", rich_help_panel="Develop")

Data = Annotated[Path, typer.Option("--data", help="Directory that holds the database, keys, mails and logs.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]
DEFAULT_DATA = REPOSITORY / ".parker" / "data"


def main() -> None:
    """Run the command line; configuration mistakes end with one clear line and exit code 2."""
    os.umask(0o077)  # what is written here, mails above all, is for this user only
    try:
        app(prog_name="parker")
    except ConfigurationError as error:
        _refuse(str(error))
    except Exception as error:
        if type(error).__name__ != "OperationalError":
            raise
        _refuse("the database does not answer. Start the system with ./parker up, or check DATABASE_URL.")


def _refuse(sentence: str) -> None:
    print(f"parker: {sentence}", file=sys.stderr)  # noqa: T201 - the command line's own voice
    sys.exit(2)


@app.command(rich_help_panel="Try it")
def demo(
    data: Data = REPOSITORY / ".parker" / "demo",
    as_json: Json = False,
    fault: Annotated[
        str,
        typer.Option(help="Tell the story of one disaster, such as order-answer-lost; «list» prints them all."),
    ] = "",
    seed: Annotated[int, typer.Option(help="Seed of the sandbox's fares.")] = 7,
    picture: Annotated[Path | None, typer.Option(help="Also write what was shown as an SVG picture.")] = None,
) -> None:
    """Show one campaign find its fare and book it: offline, with real processes. Exit code 0 only if it ends as promised."""
    from parkerflight.ops import demo as show
    from parkerflight.ops import demo_disasters

    if fault == "list":
        typer.echo(demo_disasters.listed())
        return
    raise typer.Exit(show.run(data=data, as_json=as_json, fault=fault, seed=seed, picture=picture))


@app.command(rich_help_panel="Run it")
def up(data: Data = DEFAULT_DATA) -> None:
    """Start the system and keep it running: PostgreSQL, sandboxes (or your accounts), web, back office, worker."""
    from rich import print as show

    from parkerflight.ops import supervisor

    found = supervisor.up(data)
    show(f"[bold green]Parker Flight is up[/bold green] at {found['web']}  (ready: {found['web']}/readyz)")
    if "team" in found:
        show(f"  team    {found['team']}  (user team, backoffice_password in {data.resolve()}/secrets.json)")
    for name in ("stripe", "duffel", "mails", "logs"):
        if name in found:
            show(f"  {name:7} {found[name]}")
    show("Stop it with [bold]./parker down[/bold]" + (f" --data {data}" if data != DEFAULT_DATA else ""))


@app.command(rich_help_panel="Run it")
def down(data: Data = DEFAULT_DATA) -> None:
    """Stop the system that `up` started; nothing is lost."""
    from parkerflight.ops import supervisor

    stopped = supervisor.down(data)
    typer.echo("Parker Flight is down." if stopped else "It was not running.")


@app.command(hidden=True)
def supervise(data: Data = DEFAULT_DATA) -> None:
    """Keep the processes running (what `up` starts in the background)."""
    from parkerflight.ops import supervisor

    supervisor.supervise(data)


@app.command(rich_help_panel="Run it")
def worker(
    concurrency: Annotated[int, typer.Option(min=1, max=10, help="Jobs at once; each takes a thread.")] = 4,
) -> None:
    """Run a worker until it is told to stop; start as many as you like on as many machines as you like."""
    setup(Process.WORKER)
    import asyncio

    from parkerflight.core import jobs

    asyncio.run(jobs.run_worker(concurrency=concurrency))


@app.command(rich_help_panel="Run it")
def migrate() -> None:
    """Bring the database's tables up to date, as the role that owns them."""
    os.environ["PARKER_PROCESS"] = Process.OWNER.value
    setup(Process.OWNER)
    from django.core.management import call_command
    from django.db import connection

    from parkerflight.ops import roles

    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        roles.grant_jobs(cursor)


@app.command(rich_help_panel="Run it")
def sandbox(
    vendor: Annotated[str, typer.Argument(help="stripe or duffel")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one")] = 0,
    seed: Annotated[int, typer.Option()] = 7,
    clock_file: Annotated[Path | None, typer.Option(help="Share a virtual clock with other processes.")] = None,
) -> None:
    """Run one offline vendor on this machine: Stripe or Duffel, with faults and a virtual clock."""
    if vendor not in {"stripe", "duffel"}:
        raise typer.BadParameter("choose stripe or duffel")
    command = [sys.executable, "-m", "sandbox", vendor, "--port", str(port), "--seed", str(seed)]
    os.execv(sys.executable, [*command, *(["--clock-file", str(clock_file)] if clock_file else [])])  # noqa: S606


@app.command(rich_help_panel="Watch it")
def invariants(data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Check the truths that must always hold; exit code 1 with the offending ids when one does not."""
    os.environ.setdefault("PARKER_PROCESS", Process.BACKOFFICE.value)
    setup(Process.BACKOFFICE, data)
    from rich import print as show

    from parkerflight.core import clock
    from parkerflight.ops import invariants as rules

    found = rules.check(clock.now())
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "checked": len(rules.INVARIANTS),
                    "violations": [{"invariant": v.invariant, "ids": v.ids} for v in found],
                }
            )
        )
    else:
        for violation in found:
            show(f"[red]{violation.invariant}[/red]: {', '.join(violation.ids)}")
        show(f"{len(rules.INVARIANTS)} invariants checked, {len(found)} violated.")
    raise typer.Exit(1 if found else 0)


@app.command(
    rich_help_panel="Develop", context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)  # fmt: skip
def storm(context: typer.Context) -> None:
    """Try to break the saga: whole stories with faults everywhere, then calm; see `./parker storm --help`."""
    os.execv(sys.executable, [sys.executable, "-m", "storm", *context.args])  # noqa: S606 - our own program


@app.command("fault-points", rich_help_panel="Develop")
def fault_points(as_json: Json = False) -> None:
    """List every place where a test may kill a process: after each commit and each call to a vendor."""
    from parkerflight.ops import fault_points as points

    found = points.listed()
    if as_json:
        typer.echo(json.dumps([{"name": one.name, "where": one.where} for one in found]))
        return
    for one in found:
        typer.echo(f"{one.name:70} {one.where}")
    typer.echo(f"{len(found)} points")


@app.command(rich_help_panel="Watch it")
def switch(
    what: Annotated[
        str, typer.Argument(help="searches, bookings, captures, or read_only: all of these and every write")
    ],
    state: Annotated[str, typer.Argument(help="stop or go")],
    reason: Annotated[str, typer.Option(help="Why, for the next person; needed to stop.")] = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Stop a part of the system at once, or let it go on; known to every process within a second."""
    setup(Process.BACKOFFICE, data)
    from parkerflight.core import clock, switches

    if what not in set(switches.Stop):
        raise typer.BadParameter(f"{what} is no switch; there are {', '.join(switches.Stop)}")
    if state not in {"stop", "go"}:
        raise typer.BadParameter(f"{state} is unknown; write stop or go")
    if state == "stop" and not 0 < len(reason.strip()) <= switches.LONGEST_REASON:
        raise typer.BadParameter(f"say why in 1 to {switches.LONGEST_REASON} characters: --reason 'airline outage'")
    switches.turn(switches.Stop(what), on=state == "stop", reason=reason.strip(), now=clock.now())
    typer.echo(f"{what}: {'stopped' if state == 'stop' else 'going on'}")


@offers.command("explain")
def offers_explain(
    files: Annotated[list[Path], typer.Argument(help="Captured Duffel responses (JSON): offers or offer requests.")],
    cap: Annotated[str, typer.Option(help="Most you would pay for the whole party, e.g. 500")],
    currency: Annotated[str, typer.Option(help="ISO 4217")] = "GBP",
    max_connections: Annotated[
        int | None, typer.Option(min=0, help="0 is non-stop only; any number by default")
    ] = None,
    bags: Annotated[int, typer.Option(min=0, help="Checked bags each traveller needs")] = 0,
    airline: Annotated[list[str] | None, typer.Option(help="Only these airlines (IATA code); repeat for more")] = None,
    refundable: Annotated[bool, typer.Option("--refundable", help="Only fares that can be refunded")] = False,
    now: Annotated[
        datetime | None, typer.Option(help="Judge expiry as of this moment (UTC); not judged by default")
    ] = None,
) -> None:
    """Say of each captured offer whether a campaign with these rules would buy it, and why not."""
    from rich.console import Console

    from parkerflight.core.errors import BadInput
    from parkerflight.core.money import Money
    from parkerflight.ops import explain

    try:
        most = Money.parse(cap, currency)
    except BadInput as error:
        raise typer.BadParameter(str(error)) from None
    if most.minor <= 0:
        raise typer.BadParameter("The cap must be more than zero.")
    raise typer.Exit(
        explain.explain(
            files,
            most,
            max_connections=max_connections,
            bags=bags,
            airlines_in=airline or [],
            refundable=refundable,
            now=now,
            console=Console(),
        )
    )


@bench.command("booking")
def bench_booking(
    n: Annotated[int, typer.Option("--bookings", min=1, max=280, help="How many bookings to measure.")] = 200,
    data: Data = REPOSITORY / ".parker" / "bench",
    as_json: Json = False,
) -> None:
    """The saga's own overhead: match to captured, less the time inside vendor calls, beside the same calls made bare."""
    from parkerflight.ops import bench_booking as measure

    raise typer.Exit(measure.run(n=n, data=data, as_json=as_json))


@bench.command("workers")
def bench_workers(
    n: Annotated[int, typer.Option("--bookings", min=4, max=30, help="How many campaigns to book in each round.")] = 24,
    rounds: Annotated[int, typer.Option(min=1, max=3, help="Rounds with each number of workers.")] = 3,
    data: Data = REPOSITORY / ".parker" / "bench",
    as_json: Json = False,
) -> None:
    """Whole bookings a second, search to captured payment, with one, two and four worker processes."""
    from parkerflight.ops import bench_workers as measure

    raise typer.Exit(measure.run(n=n, rounds=rounds, data=data, as_json=as_json))


@app.command(rich_help_panel="Develop", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Run every check: lint, types, architecture, tests. With arguments, only pytest with those."""
    from parkerflight.ops import testing

    raise typer.Exit(testing.run(context.args))


@app.command(rich_help_panel="Develop")
def check() -> None:
    """The same as `test`, under the name other projects use."""
    from parkerflight.ops import testing

    raise typer.Exit(testing.run([]))
