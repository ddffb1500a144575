"""`parker watch` and `parker reconcile`: who looks at the whole, and when."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from parkerflight.ops.entry import setup
from parkerflight.settings.config import REPOSITORY, Process

Data = Annotated[Path, typer.Option("--data", help="Directory that holds the database, keys, mails and logs.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]
DEFAULT_DATA = REPOSITORY / ".parker" / "data"


def watch(data: Data = DEFAULT_DATA) -> None:
    """Check the invariants every five minutes and the vendors' books once a day, until told to stop."""
    os.environ["PARKER_PROCESS"] = Process.BACKOFFICE.value
    setup(Process.BACKOFFICE, data)
    from parkerflight.ops import watch as watching

    watching.watch()


def reconcile(
    since: Annotated[datetime | None, typer.Option(help="From this moment (UTC); eight days back by default.")] = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Compare our books with Stripe's and Duffel's own; exit code 1 when something needs a person."""
    os.environ["PARKER_PROCESS"] = Process.BACKOFFICE.value
    setup(Process.BACKOFFICE, data)
    from parkerflight.core import clock
    from parkerflight.core.errors import ParkerError
    from parkerflight.ops import reconciliation

    try:
        report = reconciliation.run(now=clock.now(), since=since.replace(tzinfo=UTC) if since else None)
    except ParkerError as error:
        typer.echo(f"parker: a vendor did not answer ({error.code}); nothing was compared. {error}", err=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps(report.as_json()))
    else:
        from parkerflight.ops import reconciliation_report

        reconciliation_report.show(report)
    raise typer.Exit(1 if report.for_people else 0)
