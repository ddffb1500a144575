"""`parker inbox`: what vendors told us, and hearing it again."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from parkerflight.ops.entry import setup
from parkerflight.settings.config import REPOSITORY, Process

inbox = typer.Typer(no_args_is_help=True, help="Look at what vendors told us by webhook, and hear it again.")
Data = Annotated[Path, typer.Option("--data", help="Directory that holds the database, keys, mails and logs.")]
DEFAULT_DATA = REPOSITORY / ".parker" / "data"


@inbox.command("backlog")
def backlog(
    data: Data = DEFAULT_DATA, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Say how much waits, for how long, and how much was given up; exit code 1 when something was."""
    setup(Process.BACKOFFICE, data)
    from parkerflight.core import clock
    from parkerflight.inbox import queries

    found = queries.backlog(clock.now())
    if as_json:
        lag = found.lag.total_seconds()
        typer.echo(
            json.dumps(
                {"waiting": found.waiting, "postponed": found.postponed, "given_up": found.given_up, "lag_seconds": lag}
            )
        )
    else:
        typer.echo(f"{found.waiting} waiting ({found.postponed} for an unknown object), oldest {found.lag}.")
        typer.echo(f"{found.given_up} given up.")
    raise typer.Exit(1 if found.given_up else 0)


@inbox.command("replay")
def replay(
    event: Annotated[list[int] | None, typer.Argument(help="Our ids of events.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Received at or after this moment (UTC).")] = None,
    vendor: Annotated[str | None, typer.Option(help="stripe or duffel")] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Hear events again as if they had just come in; doing so twice does no harm."""
    setup(Process.WORKER, data)
    from parkerflight.core import clock
    from parkerflight.core.errors import BadInput
    from parkerflight.inbox import operations

    try:
        found = operations.replay(
            event_ids=event, since=since.replace(tzinfo=UTC) if since else None, vendor=vendor, now=clock.now()
        )
    except (BadInput, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(f"{found} events will be heard again.")


@inbox.command("prune")
def prune(
    days: Annotated[int, typer.Option(min=7, help="Keep what came in within so many days.")] = 60,
    data: Data = DEFAULT_DATA,
) -> None:
    """Delete settled events that are old; the worker does so by itself every hour."""
    setup(Process.WORKER, data)
    from datetime import timedelta

    from parkerflight.core import clock
    from parkerflight.inbox import operations

    deleted = 0
    while gone := operations.prune(now=clock.now(), keep=timedelta(days=days)):
        deleted += gone
    typer.echo(f"{deleted} events deleted.")
