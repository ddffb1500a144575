"""Where the demo plays, and how it speaks."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from rich.console import Console

    from parkerflight.ops.demo_disasters import Disaster
    from parkerflight.ops.processes import Installation


@dataclass
class Stage:
    """Where the demo plays and what it has learnt."""

    installation: Installation
    console: Console
    disaster: Disaster | None
    moment: datetime
    owner_id: UUID | None = None
    searches: int = 0
    seen: list[int] = field(default_factory=list)
    crashed: bool = False
    struck: bool = False
    """The disaster has happened and was shown."""
    helped: bool = False
    """The person in the story, or one of the team, did their part."""
    decided: bool = False
    """It was one of the team."""
    events: set[tuple[UUID, int]] = field(default_factory=set)
    """Lines of the attempts' timelines that were shown."""
    last_seen: tuple[Any, float] = (None, 0.0)
    """How the live attempt stood, and since when (monotonic seconds)."""

    @property
    def owner(self) -> UUID:
        """The campaign's owner, once the cast is on the stage."""
        assert self.owner_id is not None
        return self.owner_id

    def line(self, what: str, text: str) -> None:
        """One line: who or what, and what there is to say."""
        self.console.print(f"[cyan]{what:>10}[/cyan]  {text}")

    def move_to(self, moment: datetime, rate: float = 0.0) -> None:
        """Move the virtual clock, which never goes back."""
        self.moment = max(moment, self.moment)
        self.installation.set_clock(self.moment, rate)


def post(url: str, body: dict[str, Any]) -> None:
    """Tell a sandbox something through its back door."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=5):  # noqa: S310
        pass


def get(url: str) -> Any:
    """Ask a sandbox something through its back door."""
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def confirm_in_browser(url: str, card: str) -> None:
    """What Stripe's script in the person's browser does when they confirm a payment with a saved card."""
    form = urllib.parse.urlencode({"payment_method": card}).encode()
    request = urllib.request.Request(url, form, {"Authorization": "Bearer sk_test_browser"})  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=5):  # noqa: S310
        pass
