"""Rules that make the sandbox misbehave on a chosen call.

A rule is JSON: `route` is matched with fnmatch against "METHOD path" (for webhooks "WEBHOOK event.type"), `nth` is
the first matching call that is hit (counted from the rule's creation), `times` how many calls are hit from there on.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

CALL_ACTIONS = frozenset(
    {"status", "rate_limit", "slow", "close_before", "close_after", "error_after", "malformed"},
)
WEBHOOK_ACTIONS = frozenset({"duplicate", "delay", "lose", "reorder"})


class FaultRuleError(ValueError):
    """The rule cannot be understood."""


@dataclass
class Fault:
    """One rule with its counters. `seconds` is real time for `slow` and virtual time for `delay`."""

    route: str
    action: str
    nth: int = 1
    times: int = 1
    status: int = 500
    code: str = ""
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    seen: int = 0
    fired: int = 0

    def take(self) -> bool:
        """Count one matching call and say whether this one is to be hit."""
        self.seen += 1
        hit = self.nth <= self.seen < self.nth + self.times
        self.fired += hit
        return hit


RULE_FIELDS = frozenset(Fault.__dataclass_fields__) - {"seen", "fired"}


class FaultBook:
    """The rules in force. Every matching rule counts a call; the oldest rule that hits it decides."""

    def __init__(self) -> None:
        self.rules: list[Fault] = []

    def add(self, rule: Mapping[str, Any]) -> Fault:
        """Put a rule in force. Raises FaultRuleError when a field or the action is unknown."""
        unknown = set(rule) - RULE_FIELDS
        if unknown or not isinstance(rule.get("route"), str):
            raise FaultRuleError(f"a rule needs a route and knows no {sorted(unknown)}")
        fault = Fault(**rule)
        allowed = WEBHOOK_ACTIONS if fault.route.startswith("WEBHOOK ") else CALL_ACTIONS
        if fault.action not in allowed:
            raise FaultRuleError(f"{fault.action!r} is none of {sorted(allowed)}")
        if fault.nth < 1 or fault.times < 1:
            raise FaultRuleError("nth and times count from 1")
        self.rules.append(fault)
        return fault

    def match(self, method: str, path: str) -> Fault | None:
        """Return the rule that hits this call, or None."""
        if not self.rules:
            return None
        call = f"{method} {path}"
        hits = [rule for rule in self.rules if fnmatchcase(call, rule.route) and rule.take()]
        return hits[0] if hits else None

    def clear(self) -> None:
        self.rules.clear()

    def report(self) -> list[dict[str, Any]]:
        return [asdict(rule) for rule in self.rules]
