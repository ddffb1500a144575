"""The house's letter: a subject, a few paragraphs, at most one button; as plain text and as HTML. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from django.template import Context, Engine

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Letter:
    """A finished message; its repr shows nothing."""

    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)


def compose(
    subject: str, paragraphs: Sequence[str], *, itinerary: Sequence[str] = (), action: str = "", link: str = ""
) -> Letter:
    """The letter; empty paragraphs are left out, and so is the button without an `action`."""
    view = {
        "subject": subject,
        "paragraphs": [one for one in paragraphs if one],
        "itinerary": itinerary,
        "action": action,
        "link": link,
    }
    return Letter(
        subject=subject,
        text=_engine().get_template("notifications/letter.txt").render(Context(view, autoescape=False)),
        html=_engine().get_template("notifications/letter.html").render(Context(view, autoescape=True)),
    )


@cache
def _engine() -> Engine:
    return Engine(dirs=[str(TEMPLATES)])
