"""`parker wallet`: our balance at the flight provider as we know it, topping it up here too, and being warned in time."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parkerflight.core.errors import ParkerError
from parkerflight.ops.entry import setup
from parkerflight.settings.config import REPOSITORY, Process

if TYPE_CHECKING:
    from parkerflight.core.money import Money
    from parkerflight.flights.wallet import WalletView

wallet = typer.Typer(no_args_is_help=True, help="Look at our balance at the flight provider, and keep it in step.")
Data = Annotated[Path, typer.Option("--data", help="Directory that holds the database, keys, mails and logs.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]
Amount = Annotated[str, typer.Argument(help="For example 2500.00")]
Currency = Annotated[str, typer.Argument(help="ISO 4217, for example GBP")]
Reason = Annotated[str, typer.Option(help="Why, for the books: the transfer's reference. No names of travellers.")]
DEFAULT_DATA = REPOSITORY / ".parker" / "data"
COLUMNS = ("available", "reserved", "spent", "topped_up", "alarm_below")


@wallet.command("show")
def show(data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Show each currency: available, set aside for attempts, paid to airlines, topped up, alarm."""
    setup(Process.WORKER, data)
    from parkerflight.flights import wallet as ledger

    views = ledger.state()
    if as_json:
        typer.echo(json.dumps({"wallets": [_plain(view) for view in views]}))
    elif views:
        _table(views)
    else:
        typer.echo("No balance is tracked: bookings are not stopped by us. Begin with ./parker wallet top-up.")


@wallet.command("top-up")
def top_up(
    amount: Amount, currency: Currency, reason: Reason, data: Data = DEFAULT_DATA, as_json: Json = False
) -> None:
    """Record money that was put into the balance at the provider. The first time, record all that is there."""
    setup(Process.WORKER, data)
    from parkerflight.core import clock
    from parkerflight.flights import wallet as ledger

    _do(lambda: ledger.top_up(amount=_money(amount, currency), reason=reason, now=clock.now()))
    show(data, as_json)


@wallet.command("adjust", context_settings={"ignore_unknown_options": True})
def adjust(
    amount: Amount, currency: Currency, reason: Reason, data: Data = DEFAULT_DATA, as_json: Json = False
) -> None:
    """Correct our figure to what the provider shows; an amount below zero takes away."""
    setup(Process.WORKER, data)
    from parkerflight.core import clock
    from parkerflight.flights import wallet as ledger

    _do(lambda: ledger.adjust(amount=_money(amount, currency), reason=reason, now=clock.now()))
    show(data, as_json)


@wallet.command("alarm")
def alarm(amount: Amount, currency: Currency, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Let `parker invariants` complain when less than this is available; 0 turns it off."""
    setup(Process.WORKER, data)
    from parkerflight.core import clock
    from parkerflight.flights import wallet as ledger

    def change() -> None:
        below = _money(amount, currency)
        ledger.set_alarm(currency=currency, below=below if below.minor else None, now=clock.now())

    _do(change)
    show(data, as_json)


def _do(change: Callable[[], None]) -> None:
    try:
        change()
    except ParkerError as error:
        typer.echo(f"Not done: {error}", err=True)
        raise typer.Exit(1) from None


def _money(amount: str, currency: str) -> "Money":
    from parkerflight.core.money import Money

    return Money.parse(amount, currency)


def _plain(view: "WalletView") -> dict[str, object]:
    parts = {name: getattr(view, name) for name in COLUMNS}
    amounts = {name: None if part is None else part.amount() for name, part in parts.items()}
    return {"currency": view.available.currency, **amounts, "low": view.low}


def _table(views: "list[WalletView]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("currency")
    for name in COLUMNS:
        table.add_column(name.replace("_", " "), justify="right")
    for view in views:
        parts = [getattr(view, name) for name in COLUMNS]
        cells = ["" if part is None else f"{part.decimal:,f}" for part in parts]
        table.add_row(view.available.currency, *cells, style="red" if view.low else None)
    Console().print(table)
