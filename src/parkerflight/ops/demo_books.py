"""How a disaster ended: what was promised, what came of it, and what each of the three books says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

from parkerflight.bookings import queries as bookings
from parkerflight.core.money import Money
from parkerflight.ops import demo_strikes
from parkerflight.ops.demo_disasters import End
from parkerflight.payments import queries as payments

if TYPE_CHECKING:
    from uuid import UUID

    from parkerflight.campaigns.queries import CampaignView
    from parkerflight.ops.demo_stage import Stage

HELD = frozenset({"authorising", "needs_customer", "held", "capturing", "releasing"})  # money that is, or may be, held


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


def show(stage: Stage, campaign: CampaignView, result: dict[str, Any], *, kept: bool) -> None:
    """What the books say, how it ended, and the moral."""
    assert stage.disaster is not None
    stage.console.print(_table(stage, campaign.id, result["ledgers"], campaign.cap.currency))
    agree = "the books agree" if result["ledgers"]["agree"] else "[red]the books do not agree[/red]"
    broken = len(result["invariants"]["violations"])
    stage.console.print(f"  {agree}; {result['invariants']['checked']} invariants checked, {broken} violated")
    if kept:
        stage.console.print(f"  [bold green]✔ {result['ended']}[/bold green], as promised. {stage.disaster.moral}")
    else:
        told = f"promised: {result['promised']}; ended: {result['ended']}"
        stage.console.print(f"  [bold red]✘ {told}[/bold red]  Logs: {stage.installation.logs}")


def _table(stage: Stage, campaign_id: UUID, ledgers: dict[str, Any], currency: str) -> Table:
    table = Table(title="What the books say", box=box.SIMPLE, title_justify="left")
    for name in ("", "held", "taken", "given back", "orders that stand", "tickets"):
        table.add_column(name, justify="right" if name else "left")
    money = ledgers["stripe"]["totals"].get(currency.lower(), {})
    table.add_row(
        "Stripe", *(str(Money(int(money.get(kind, 0)), currency)) for kind in ("held", "captured", "refunded"))
    )
    orders = [one for one in ledgers["duffel"]["orders"] if one["status"] != "cancelled"]
    paid = sum((Money.parse(one["paid"], currency) for one in orders), start=Money(0, currency))
    table.add_row("Duffel", "", str(paid), "", str(len(orders)), str(sum(one["tickets"] for one in orders)))
    trips = [trip for trip in bookings.trips(stage.owner) if trip.campaign_id == campaign_id]
    tickets = sum(len(trip.order["tickets"]) for trip in trips)
    table.add_row("Parker", *map(str, _our_money(stage, campaign_id, currency)), str(len(trips)), str(tickets))
    return table


def _our_money(stage: Stage, campaign_id: UUID, currency: str) -> tuple[Money, Money, Money]:
    """What our own books say is held, taken and given back."""
    tried = [one["id"] for one in bookings.attempts_of(stage.owner, campaign_id)]
    rows = [payment for attempt_id in tried for payment in payments.payments_of(stage.owner, attempt_id)]
    nothing = Money(0, currency)
    return (
        sum((one.amount for one in rows if one.state in HELD), start=nothing),
        sum((one.captured for one in rows), start=nothing),
        sum((one.refunded for one in rows), start=nothing),
    )
