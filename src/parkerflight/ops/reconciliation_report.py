"""A reconciliation's report for a terminal."""

from rich.console import Console
from rich.table import Table

from parkerflight.ops.findings import Report, Severity

COLOURS = {Severity.PERSON: "red", Severity.WOKEN: "yellow", Severity.WATCH: "cyan"}


def show(report: Report) -> None:
    """Print what was compared and, worst first, what differs and what to do."""
    console = Console()
    counted = ", ".join(f"{number} {what}" for what, number in report.counts.items())
    console.print(f"Since {report.since:%d %b %Y %H:%M} UTC: {counted}.")
    if not report.findings:
        console.print("[green]The books agree.[/green]")
        return
    table = Table()
    for column in ("who", "what", "ours", "theirs", "details", "what to do"):
        table.add_column(column, overflow="fold")
    for one in sorted(report.findings, key=lambda one: list(COLOURS).index(one.severity)):
        who = f"[{COLOURS[one.severity]}]{one.severity}[/]"
        table.add_row(who, one.kind, one.ours, one.theirs, one.details, one.advice)
    console.print(table)
    console.print(f"{len(report.for_people)} of {len(report.findings)} need a person.")
