"""Reading JSON whose shape is promised but not trusted: each refusal names the path of the field."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from parkerflight.core.errors import BadInput, Terminal
from parkerflight.core.money import Money

MALFORMED = "malformed_offer"
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?")


def malformed(path: str, problem: str) -> Terminal:
    """The error for a field that is missing or of the wrong type; its message begins with the field's path."""
    return Terminal(MALFORMED, f"{path} {problem}")


def duration(text: str) -> timedelta | None:
    """An ISO 8601 duration of days, hours, minutes and seconds, such as `PT6H34M` or `P1DT2H`; None when it is not."""
    found = _DURATION.fullmatch(text)
    if not found or not any(found.groups()):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    try:
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        return None


@dataclass(frozen=True, slots=True)
class Node:
    """A JSON object and where it was found. `x` reads a required field; `x_or…` an optional one."""

    fields: dict[str, Any]
    path: str = ""

    @classmethod
    def of(cls, value: Any, path: str) -> Node:
        """The object at `path`. Raises Terminal("malformed_offer") when it is something else."""
        if not isinstance(value, dict):
            raise malformed(
                path or "the answer", "is missing" if value is None else f"is not an object but {_kind(value)}"
            )
        return cls(value, path)

    def at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def require(self, name: str, kind: type, said: str) -> Any:
        """The field `name` of type `kind`; `said` is that type in words."""
        value = self.fields.get(name)
        if value is None:
            raise malformed(self.at(name), "is missing")
        # bool is an int to Python, but not to JSON.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise malformed(self.at(name), f"is not {said} but {_kind(value)}")
        return value

    def text(self, name: str) -> str:
        value: str = self.require(name, str, "text")
        if not value:
            raise malformed(self.at(name), "is empty")
        return value

    def text_or_empty(self, name: str) -> str:
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""

    def flag(self, name: str) -> bool:
        return bool(self.require(name, bool, "true or false"))

    def flag_or(self, name: str, *, default: bool) -> bool:
        value = self.fields.get(name)
        return value if isinstance(value, bool) else default

    def whole_or(self, name: str, default: int) -> int:
        value = self.fields.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else default

    def node(self, name: str) -> Node:
        return Node.of(self.fields.get(name), self.at(name))

    def node_or_none(self, name: str) -> Node | None:
        value = self.fields.get(name)
        return Node(value, self.at(name)) if isinstance(value, dict) else None

    def nodes(self, name: str) -> list[Node]:
        items = self.require(name, list, "a list")
        return [Node.of(item, f"{self.at(name)}[{index}]") for index, item in enumerate(items)]

    def some_nodes(self, name: str) -> list[Node]:
        """A required list that may not be empty."""
        found = self.nodes(name)
        if not found:
            raise malformed(self.at(name), "is an empty list")
        return found

    def nodes_or_none(self, name: str) -> list[Node]:
        """An optional list; elements that are not objects are left out."""
        items = self.fields.get(name)
        pairs = enumerate(items) if isinstance(items, list) else ()
        return [Node(item, f"{self.at(name)}[{index}]") for index, item in pairs if isinstance(item, dict)]

    def texts_or_none(self, name: str) -> tuple[str, ...]:
        items = self.fields.get(name)
        return tuple(item for item in items if isinstance(item, str)) if isinstance(items, list) else ()

    def money(self, name: str) -> Money:
        """`<name>_amount` and `<name>_currency`, a decimal string and an ISO 4217 code."""
        amount, currency = self.text(f"{name}_amount"), self.text(f"{name}_currency")
        try:
            return Money.parse(amount, currency)
        except BadInput as error:
            field = f"{name}_currency" if error.field == "currency" else f"{name}_amount"
            raise malformed(self.at(field), f"cannot be read: {error}") from None
        except ArithmeticError:
            raise malformed(self.at(f"{name}_amount"), "is outside all reason") from None

    def money_or_none(self, name: str) -> Money | None:
        amount, currency = self.text_or_empty(f"{name}_amount"), self.text_or_empty(f"{name}_currency")
        try:
            return Money.parse(amount, currency) if amount and currency else None
        except (BadInput, ArithmeticError):
            return None

    def local(self, name: str) -> datetime:
        """A local time without offset. One with an offset is refused: which wall clock it means would be a guess."""
        moment = self._datetime(name)
        if moment.tzinfo is not None:
            raise malformed(self.at(name), "carries an offset, but local time without one was promised")
        return moment

    def moment(self, name: str) -> datetime:
        """A moment, aware, UTC."""
        found = self._datetime(name)
        try:
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except OverflowError:
            raise malformed(self.at(name), "is outside the calendar") from None

    def moment_or_none(self, name: str) -> datetime | None:
        return self.moment(name) if self.fields.get(name) is not None else None

    def duration_or_none(self, name: str) -> timedelta | None:
        return duration(self.text_or_empty(name))

    def _datetime(self, name: str) -> datetime:
        text = self.text(name)
        try:
            date.fromisoformat(text[:10])
            return datetime.fromisoformat(text)
        except ValueError:
            raise malformed(self.at(name), "is not a date and time") from None


def _kind(value: Any) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return names.get(type(value), "null")
