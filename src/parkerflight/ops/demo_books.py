"""How a disaster ended: what was promised, what came of it, and what each of the three books says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

from parkerflight.core.money import Money
from parkerflight.ops import demo_strikes
from parkerflight.ops.demo_disasters import End

if TYPE_CHECKING:
    from parkerflight.campaigns.queries import CampaignView
    from parkerflight.ops.demo_stage import Stage


def verdict(stage: Stage, campaign: CampaignView) -> dict[str, str]:
    """`fault`, `story`, `promised` and `ended`, for the result; the plain demo promises a booking."""
    disaster = stage.disaster
    return {
        "fault": disaster.name if disaster else "",
        "story": disaster.story if disaster else "",
        "promised": disaster.promised if disaster else End.COMPLETED,
        "ended": ended(stage, campaign),
    }


def ended(stage: Stage, campaign: CampaignView) -> str:
    """One of `End`; otherwise what kept the story from its end."""
    if not demo_strikes.fired(stage):
        return "nothing went wrong"
    if campaign.status == "completed":
        return End.DECIDED if stage.decided else End.COMPLETED
    if campaign.status == "action_required":
        return End.RELEASED
    return campaign.status


def show(stage: Stage, result: dict[str, Any], *, kept: bool) -> None:
    """What the books say, how it ended, and the moral."""
    assert stage.disaster is not None
    stage.console.print(_table(result))
    agree = "the books agree" if result["ledgers"]["agree"] else "[red]the books do not agree[/red]"
    broken = len(result["invariants"]["violations"])
    stage.console.print(f"  {agree}; {result['invariants']['checked']} invariants checked, {broken} violated")
    if kept:
        stage.console.print(f"  [bold green]✔ {result['ended']}[/bold green], as promised. {stage.disaster.moral}")
    else:
        told = f"promised: {result['promised']}; ended: {result['ended']}"
        stage.console.print(f"  [bold red]✘ {told}[/bold red]  Logs: {stage.installation.logs}")


def _table(result: dict[str, Any]) -> Table:
    table = Table(title="What the books say", box=box.SIMPLE, title_justify="left")
    for name in ("", "held", "taken", "given back", "orders that stand", "tickets"):
        table.add_column(name, justify="right" if name else "left")
    ledgers, currency = result["ledgers"], result["campaign"]["currency"]
    money = ledgers["stripe"]["totals"].get(currency.lower(), {})
    held, taken, back = (Money(int(money.get(kind, 0)), currency) for kind in ("held", "captured", "refunded"))
    orders = [one for one in ledgers["duffel"]["orders"] if one["status"] != "cancelled"]
    table.add_row("Stripe", str(held), str(taken), str(back), "", "")
    table.add_row(
        "Duffel", "", _paid(orders, currency), "", str(len(orders)), str(sum(one["tickets"] for one in orders))
    )
    ours, order = result["payment"] or {}, result["order"]
    booked = bool(order)
    table.add_row(
        "Parker", *(_ours(ours, kind, currency) for kind in ("held", "captured", "refunded")), str(int(booked)),
        str(len(order["tickets"]) if order else 0),
    )  # fmt: skip
    return table


def _paid(orders: list[dict[str, Any]], currency: str) -> str:
    return str(sum((Money.parse(one["paid"], currency) for one in orders), start=Money(0, currency)))


def _ours(payment: dict[str, str], kind: str, currency: str) -> str:
    return str(Money.parse(payment.get(kind, "0"), currency))
