"""`parker disputes`: what banks ask back, the evidence as a folder, and handing it in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn
from uuid import UUID

import typer

from parkerflight.core.errors import ParkerError
from parkerflight.ops.entry import setup
from parkerflight.settings.config import REPOSITORY, Process, write_private

if TYPE_CHECKING:
    from parkerflight.bookings.evidence import Pack

disputes = typer.Typer(no_args_is_help=True, help="Look at disputed payments and answer them with evidence.")
Data = Annotated[Path, typer.Option("--data", help="Directory that holds the database, keys, mails and logs.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
By = Annotated[str, typer.Option(help="Your name in the team; kept in the audit.")]
DEFAULT_DATA = REPOSITORY / ".parker" / "data"


@disputes.command("list")
def listed(data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """List what is open, the first deadline first: disputes, early fraud warnings, reviews."""
    setup(Process.WORKER, data)
    from parkerflight.payments import queries

    found = [queries.dispute(owner, one) for owner, one in queries.open_disputes()]
    if as_json:
        rows = [{name: str(getattr(one, name)) for name in SHOWN} for one in found]
        typer.echo(json.dumps(rows))
        return
    for one in found:
        due = f"answer by {one.due_by:%d %b %H:%M} UTC" if one.due_by else "no answer taken"
        typer.echo(f"{one.id}  {one.kind}  {one.status}  {one.amount}  {one.reason}  {due}")
    typer.echo(f"{len(found)} open. Gather the evidence with: ./parker disputes pack DISPUTE --out DIR --by NAME")


SHOWN = ("id", "kind", "status", "amount", "reason", "due_by", "opened_at", "attempt_id", "evidence_submitted_at")


@disputes.command("pack")
def pack(
    dispute: Annotated[UUID, typer.Argument()],
    out: Annotated[Path, typer.Option(help="A folder for it; made if it is not there. It will hold personal data.")],
    by: By,
    data: Data = DEFAULT_DATA,
) -> None:
    """Gather everything about one dispute into a folder: look at it, change evidence.json if you must, then submit."""
    setup(Process.WORKER, data)
    from parkerflight.bookings import evidence
    from parkerflight.core import clock

    try:
        found = evidence.pack(owner_id=_owner(dispute), dispute_id=dispute, actor=f"operator:{by}", now=clock.now())
    except ParkerError as error:
        _not_done(error)
    write(found, out)
    typer.echo(
        f"Written to {out}. Hand it in with: ./parker disputes submit {dispute} --by NAME --evidence {out}/evidence.json"
    )


@disputes.command("submit")
def submit(
    dispute: Annotated[UUID, typer.Argument()],
    by: By,
    evidence_file: Annotated[
        Path | None, typer.Option("--evidence", help="evidence.json, as packed or changed; gathered anew if left out.")
    ] = None,
    stage: Annotated[bool, typer.Option("--stage", help="Leave it at Stripe without handing it to the bank.")] = False,
    data: Data = DEFAULT_DATA,
) -> None:
    """Hand the evidence to the bank, which takes it once."""
    setup(Process.WORKER, data)
    from parkerflight.bookings import evidence
    from parkerflight.core import clock

    edited = _read(evidence_file) if evidence_file else None
    try:
        state = evidence.hand_in(
            owner_id=_owner(dispute), dispute_id=dispute, actor=f"operator:{by}", now=clock.now(), submit=not stage,
            edited=edited,
        )  # fmt: skip
    except ParkerError as error:
        _not_done(error)
    typer.echo(f"Stripe says: {state.status}" + (" (left there, not handed in)" if stage else ""))


def write(found: Pack, folder: Path) -> None:
    """The pack as files that only this user can read."""
    if (folder / "evidence.json").exists():
        raise typer.BadParameter(f"{folder} holds evidence already; choose another folder.")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    files = {
        "README.txt": _readme(found),
        "evidence.json": json.dumps(found.evidence, indent=2, ensure_ascii=False),
        "mandate.html": found.mandate_html,
        "timeline.txt": "\n".join(found.timeline) + "\n",
        "letters.txt": found.letters + "\n",
    }
    for name, text in files.items():
        write_private(folder / name, text)


def _readme(found: Pack) -> str:
    one = found.dispute
    due = f"{one.due_by:%d %B %Y, %H:%M} UTC" if one.due_by else "none is taken"
    return f"""Evidence for dispute {one.reference} ({one.reason or one.kind}), {one.amount}

Opened {one.opened_at:%d %B %Y, %H:%M} UTC; evidence is taken until: {due}.

evidence.json  what Stripe passes to the bank, field by field; change it if you know better
mandate.html   the permission the customer signed; print it to PDF and upload it as «customer signature» in Stripe's dashboard
timeline.txt   what the customer did, what we did, what they were told
letters.txt    the mails they got; upload as «customer communication»

The bank takes evidence once. Hand it in with:
  ./parker disputes submit {one.id} --by NAME --evidence evidence.json

This folder holds personal data: delete it once the dispute is decided.
"""


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{path}: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise typer.BadParameter(f"{path} must be an object of field and text.")
    return found


def _owner(dispute_id: UUID) -> UUID:
    from parkerflight.payments import queries

    owner = {one: owner for owner, one in queries.open_disputes()}.get(dispute_id)
    if owner is None:
        raise typer.BadParameter("there is no such open dispute")
    return owner


def _not_done(error: ParkerError) -> NoReturn:
    typer.echo(f"Not done: {error}", err=True)
    raise typer.Exit(1) from None
