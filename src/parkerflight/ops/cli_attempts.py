"""`parker attempts`: what waits for one of us, everything needed to decide, and deciding."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from parkerflight.core.errors import ParkerError
from parkerflight.ops.entry import setup
from parkerflight.settings.config import REPOSITORY, Process

attempts = typer.Typer(no_args_is_help=True, help="Look at booking attempts that wait for a person, and decide.")
Data = Annotated[Path, typer.Option("--data", help="Directory that holds the database, keys, mails and logs.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DEFAULT_DATA = REPOSITORY / ".parker" / "data"


@attempts.command("waiting")
def waiting(data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """List the attempts that only a person can settle, longest wait first."""
    setup(Process.WORKER, data)
    from parkerflight.bookings import deciding

    cases = [deciding.case(owner_id=owner, attempt_id=attempt) for owner, attempt in deciding.waiting()]
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in cases], default=str))
        return
    for one in cases:
        typer.echo(f"{one.attempt_id}  {one.state:10} since {one.human_since:%d %b %H:%M}  {one.charge}  {one.reason}")
    typer.echo(f"{len(cases)} waiting. Look at one with: ./parker attempts show ATTEMPT")


@attempts.command("show")
def show(attempt: Annotated[UUID, typer.Argument()], data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Show everything needed to decide about one attempt."""
    setup(Process.WORKER, data)
    from parkerflight.bookings import deciding

    owner = _owner(attempt)
    one = deciding.case(owner_id=owner, attempt_id=attempt)
    if as_json:
        typer.echo(json.dumps(asdict(one), default=str))
        return
    for name, value in asdict(one).items():
        if name in {"timeline", "advice", "charge"}:
            continue
        typer.echo(f"{name.replace('_', ' '):15} {value}")
    typer.echo(f"{'charge':15} {one.charge}")
    typer.echo("\n".join(["", *one.timeline, "", one.advice]))


@attempts.command("decide")
def decide(
    attempt: Annotated[UUID, typer.Argument()],
    verdict: Annotated[str, typer.Argument(help="nothing_booked, booked, ticket_cancelled or try_again")],
    reason: Annotated[str, typer.Option(help="Why: what support said, and who. Kept in the audit.")],
    by: Annotated[str, typer.Option(help="Your name in the team.")],
    order: Annotated[str, typer.Option(help="The provider's order id, for «booked».")] = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Settle what the system could not: it checks what you say with the provider, then goes on by itself."""
    setup(Process.WORKER, data)
    from parkerflight.bookings import deciding
    from parkerflight.core import clock

    try:
        chosen = deciding.Verdict(verdict)
    except ValueError:
        raise typer.BadParameter(f"choose one of {', '.join(deciding.Verdict)}") from None
    try:
        deciding.decide(
            owner_id=_owner(attempt), attempt_id=attempt, verdict=chosen, actor=f"operator:{by}", reason=reason,
            order_id=order, now=clock.now(),
        )  # fmt: skip
    except ParkerError as error:
        typer.echo(f"Not done: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo("Recorded; the attempt goes on.")


def _owner(attempt_id: UUID) -> UUID:
    from parkerflight.bookings import attempts as found

    attempt = found.find(attempt_id)
    if attempt is None:
        raise typer.BadParameter("there is no such attempt in flight")
    return attempt.owner_id
