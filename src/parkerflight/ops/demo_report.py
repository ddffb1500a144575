"""What the demo ends with: the trip, the money, the ledgers, and where to look next."""

from __future__ import annotations

import json
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.panel import Panel
from rich.table import Table

from parkerflight.bookings import queries as bookings
from parkerflight.core.money import Money
from parkerflight.payments import queries as payments

if TYPE_CHECKING:
    from uuid import UUID

    from rich.console import Console

    from parkerflight.bookings.queries import Trip
    from parkerflight.campaigns.queries import CampaignView
    from parkerflight.ops.processes import Installation

# The spans worth telling: (name, first state, last state).
SPANS = (
    ("match_to_authorised", "prepared", "authorised"),
    ("match_to_ordered", "prepared", "ordered"),
    ("ordered_to_captured", "ordered", "completed"),
    ("match_to_captured", "prepared", "completed"),
)


def trip_of(owner_id: UUID, campaign_id: UUID) -> Trip | None:
    """The campaign's booked trip, if there is one."""
    return next((trip for trip in bookings.trips(owner_id) if trip.campaign_id == campaign_id), None)


def result(
    owner_id: UUID, campaign: CampaignView, installation: Installation, checked: dict[str, Any]
) -> dict[str, Any]:
    """The demo's outcome as one JSON-ready object; amounts are decimal strings in major units."""
    trip = trip_of(owner_id, campaign.id)
    tried = bookings.attempts_of(owner_id, campaign.id)
    last = tried[-1] if tried else None
    payment = payments.payment(owner_id, last["payment_id"]) if last and last["payment_id"] else None
    ledgers = _ledgers(installation)
    return {
        "campaign": {
            "id": str(campaign.id),
            "status": campaign.status,
            "cap": campaign.cap.amount(),
            "currency": campaign.cap.currency,
        },
        "offer": {"id": last["offer_id"], **_money(Money(last["total_minor"], last["currency"]))} if last else None,
        "order": _order(trip) if trip else None,
        "payment": {
            "authorised": payment.amount.amount(),
            "captured": payment.captured.amount(),
            "refunded": payment.refunded.amount(),
        }
        if payment
        else None,
        "searches": campaign.looks,
        "invariants": checked,
        "ledgers": {**ledgers, "agree": _agree(ledgers, trip)},
        "timings_ms": _timings(owner_id, last["id"]) if last else {},
        "mails": sorted(str(path) for path in (installation.data / "mails").glob("*")),
    }


def _money(money: Money) -> dict[str, str]:
    return {"total": money.amount(), "currency": money.currency}


def _order(trip: Trip) -> dict[str, Any]:
    return {
        "id": trip.order_id,
        "booking_reference": trip.order["booking_reference"],
        "tickets": [ticket["number"] for ticket in trip.order["tickets"]],
    }


def _timings(owner_id: UUID, attempt_id: UUID) -> dict[str, int]:
    reached: dict[str, int] = {}
    for event in bookings.timeline(owner_id, attempt_id):
        reached.setdefault(event.state, event.wall_ms)
    return {name: reached[last] - reached[first] for name, first, last in SPANS if first in reached and last in reached}


def _ledgers(installation: Installation) -> dict[str, Any]:
    found = {}
    for vendor, base in (("stripe", installation.stripe_base), ("duffel", installation.duffel_base)):
        with urllib.request.urlopen(f"{base}/_sandbox/ledger", timeout=5) as answer:  # noqa: S310 - loopback
            found[vendor] = json.load(answer)
    return found


def _agree(ledgers: dict[str, Any], trip: Trip | None) -> bool:
    """Whether the vendors' own books hold exactly this trip: one order ticketed, one payment captured, nothing held.

    Without a trip: no order that stands, and no money held or taken.
    """
    orders = [order for order in ledgers["duffel"]["orders"] if order["status"] != "cancelled"]
    paid = [one for one in ledgers["stripe"]["payment_intents"] if one["captured"] or one["held"]]
    if trip is None:
        return not orders and not paid
    return (
        [order["id"] for order in orders] == [trip.order_id]
        and [(one["captured"], one["held"], one["refunded"]) for one in paid] == [(trip.total.minor, 0, 0)]
        and Money.parse(str(orders[0]["total_amount"]), orders[0]["currency"]) == trip.total
        and orders[0]["tickets"] == orders[0]["passengers"]
    )


def show(console: Console, found: dict[str, Any], trip: Trip | None, installation: Installation) -> None:
    """Print the ending for a person."""
    if trip is None:
        console.print(
            f"\n[red]No booking:[/red] the campaign is {found['campaign']['status']}. Logs: {installation.logs}"
        )
        return
    console.print(
        Panel(_itinerary(trip), title=f"Booked  {trip.order['booking_reference']}", border_style="green", expand=False)
    )
    payment, offer = found["payment"], found["offer"]
    console.print(f"  authorised {payment['authorised']}  captured {payment['captured']}  refunded {payment['refunded']}  {offer['currency']}"
                  f"   (cap {found['campaign']['cap']})")  # fmt: skip
    violations = len(found["invariants"]["violations"])
    agree = "agree" if found["ledgers"]["agree"] else "[red]do not agree[/red]"
    console.print(
        f"  {found['searches']} searches; {found['invariants']['checked']} invariants checked, {violations} violated; vendors' ledgers {agree}"
    )
    console.print(
        "  " + "  ".join(f"{name.replace('_', ' ')} {value} ms" for name, value in found["timings_ms"].items())
    )
    what = "letter" if found["mails"][1:] else "confirmation"
    for mail in found["mails"]:
        console.print(f"  {what}  {_from_here(mail)}", soft_wrap=True)


def _from_here(path: str) -> str:
    """Short when the file lies below the current directory."""
    return path.removeprefix(f"{Path.cwd()}/")


def _itinerary(trip: Trip) -> Table:
    table = Table(box=box.SIMPLE, show_header=True, header_style="dim")
    for name in ("flight", "from", "to", "operated by"):
        table.add_column(name)
    for one in trip.order["slices"]:
        for segment in one["segments"]:
            table.add_row(
                f"{segment['marketing_carrier']} {segment['marketing_flight_number']}",
                _place(segment["origin"], segment["departing_at"]),
                _place(segment["destination"], segment["arriving_at"]),
                segment["operating_carrier_name"],
            )
    numbers = ", ".join(ticket["number"] for ticket in trip.order["tickets"])
    table.add_row("", f"ticket {numbers}", f"{trip.total}", "")
    return table


def _place(place: dict[str, Any], local: str) -> str:
    moment = datetime.fromisoformat(local)
    return f"{place['city_name'] or place['name']} ({place['iata_code']}) {moment:%a %d %b %H:%M}"
