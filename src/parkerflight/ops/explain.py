"""`offers explain`: judge captured Duffel answers by a cap and wishes, without any account or database."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.table import Column, Table
from rich.text import Text

from parkerflight.campaigns.rules.matcher import Judgement, Verdict, decide, judge, route
from parkerflight.campaigns.rules.refusals import way
from parkerflight.campaigns.rules.trip import Criteria
from parkerflight.core.errors import Terminal
from parkerflight.flights.duffel import parse
from parkerflight.flights.duffel.wire import Node, malformed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from parkerflight.core.money import Money
    from parkerflight.flights.types import Offer

HELP = (
    "Judge captured Duffel answers (an offer, a list of offers, or an offer request with its offers). "
    "Captured offers are old, so expiry counts only when --now says at which moment to judge."
)
ANY_CONNECTIONS = 99  # more than any journey has
MOST_BYTES = 64 * 2**20  # the adapter takes no larger answer either
COLUMNS = ("Offer", "Airline", "Route", "Departs", "Arrives", "Conn.", "Bags", "Total", "Verdict", "Reason")
ADULT_AT = 18
WIDE = 150  # columns of a terminal that hold the ten cells without cutting ids and times into pieces
TIME = "%Y-%m-%d %H:%M"


def explain(
    files: Sequence[Path],
    cap: Money,
    *,
    max_connections: int | None = None,
    bags: int = 0,
    airlines_in: Sequence[str] = (),
    airlines_out: Sequence[str] = (),
    refundable: bool = False,
    changeable: bool = False,
    now: datetime | None = None,
    console: Console,
) -> int:
    """Print a table a file. Returns 0, or 1 when a file could not be used; the others are still shown.

    `max_connections` None means any. `now` None leaves expiry out; a naive one is taken as UTC.
    """
    wishes = {
        "max_connections": ANY_CONNECTIONS if max_connections is None else max_connections,
        "min_checked_bags": bags,
        "airlines_in": tuple(code.upper() for code in airlines_in),
        "airlines_out": tuple(code.upper() for code in airlines_out),
        "refundable_only": refundable,
        "changeable_only": changeable,
    }
    failed = False
    for file in files:
        try:
            offers, problems = read(file)
        except Terminal as error:
            failed = True
            console.print(Text(f"{file}: {error}", style="red"), soft_wrap=True)
            continue
        _show(file, [_judged(offer, cap, now, wishes) for offer in offers], problems, console)
    return int(failed)


def read(file: Path) -> tuple[list[Offer], list[str]]:
    """The offers in a file, and what is wrong with those left out.

    Raises Terminal when there is none to be had; its message names the missing field, or what else is wrong.
    """
    content = _content(file)
    where = ""
    if isinstance(content, dict) and "errors" in content and "data" not in content:
        raise malformed("data", "is missing: this is an error answer, not offers")
    if isinstance(content, dict) and "data" in content:
        content, where = content["data"], "data"
    if not isinstance(content, list):
        return _offers(content, where)
    found: list[Offer] = []
    problems: list[str] = []
    for index, item in enumerate(content):
        try:
            offers, wrong = _offers(item, f"{where}[{index}]")
        except Terminal as error:
            offers, wrong = [], [str(error)]
        found += offers
        problems += wrong
    return _some(found, problems)


def _offers(value: Any, path: str) -> tuple[list[Offer], list[str]]:
    """An offer request with its offers, or a single offer."""
    if "offers" in Node.of(value, path).fields:
        return _some(*parse.offers(value, path=path))
    return [parse.offer(value, path=path)], []


def _some(found: list[Offer], problems: list[str]) -> tuple[list[Offer], list[str]]:
    """An empty search is an answer; a file in which nothing could be read is none."""
    if problems and not found:
        raise Terminal("malformed_offer", problems[0])
    return found, problems


def _content(file: Path) -> Any:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise Terminal("unreadable_file", f"is larger than {MOST_BYTES // 2**20} MB")
        return json.loads(file.read_bytes())
    except OSError as error:
        raise Terminal("unreadable_file", f"cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise Terminal("not_json", f"is not JSON: {error}") from None


def _judged(offer: Offer, cap: Money, now: datetime | None, wishes: dict[str, Any]) -> Judgement:
    """Judge by the wishes alone: places, dates and party are taken from the offer itself."""
    if now is None:
        verdict = judge(replace(offer, expires_at=None), _like(offer, wishes), cap, datetime.max.replace(tzinfo=UTC))
        return Judgement(offer, verdict.refusals)
    return judge(offer, _like(offer, wishes), cap, now if now.tzinfo else now.replace(tzinfo=UTC))


def _like(offer: Offer, wishes: dict[str, Any]) -> Criteria:
    first, last = offer.slices[0], offer.slices[-1]
    ages = tuple(one.age for one in offer.passengers if one.age is not None and one.age < ADULT_AT)
    back = last.departing_at.date() if len(offer.slices) > 1 else None
    return Criteria(
        origins=(first.segments[0].origin.iata_code, last.segments[-1].destination.iata_code),
        destinations=(first.segments[-1].destination.iata_code, last.segments[0].origin.iata_code),
        departure_from=first.departing_at.date(),
        departure_to=first.departing_at.date(),
        return_from=back,
        return_to=back,
        adults=len(offer.passengers) - len(ages),
        minor_ages=ages,
        **wishes,
    )


def _show(file: Path, judgements: list[Judgement], problems: list[str], console: Console) -> None:
    verdict = decide(judgements)
    console.print(Text(str(file), style="bold"), soft_wrap=True)
    if judgements:
        console.print((_wide if console.width >= WIDE else _narrow)(verdict))
    console.print(Text(verdict.explain()), soft_wrap=True)
    for problem in problems:
        console.print(Text(f"{file}: left out an offer: {problem}", style="yellow"), soft_wrap=True)


def _wide(verdict: Verdict) -> Table:
    # Folded, not cut: an offer's id is there to be copied.
    table = Table(*(Column(name, overflow="fold") for name in COLUMNS), show_lines=True)
    for one in verdict.judgements:
        table.add_row(*(Text(cell) for cell in _cells(one.offer)), _word(one, verdict), Text(one.sentence))
    return table


def _narrow(verdict: Verdict) -> Table:
    """Stack the same cells in two columns, for a terminal that has no room for ten."""
    table = Table(Column("Offer", no_wrap=True), "Journey and verdict", show_lines=True)
    for one in verdict.judgements:
        offer_id, airline, _, _, _, connections, bags, total = _cells(one.offer)
        journey = [f"{way(part)}  {part.departing_at:{TIME}} - {part.arriving_at:{TIME}}" for part in one.offer.slices]
        facts = f"{connections} connections, {bags} bags"
        right = Text("\n".join([*journey, facts, ""])) + _word(one, verdict) + Text(f": {one.sentence}")
        table.add_row(Text(f"{offer_id}\n{airline}\n{total}"), right)
    return table


def _word(one: Judgement, verdict: Verdict) -> Text:
    if not one.accepted:
        return Text("refused", style="yellow")
    best = one.offer is verdict.best
    return Text("best" if best else "fits", style="bold green" if best else "green")


def _cells(offer: Offer) -> tuple[str, ...]:
    return (
        offer.id,
        f"{offer.owner} {offer.owner_name}".strip(),
        route(offer),
        "\n".join(f"{one.departing_at:{TIME}}" for one in offer.slices),
        "\n".join(f"{one.arriving_at:{TIME}}" for one in offer.slices),
        str(offer.max_connections),
        str(offer.checked_bags),
        str(offer.total),
    )
