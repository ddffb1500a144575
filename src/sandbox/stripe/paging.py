"""Pages and time bounds of list endpoints."""

from collections.abc import Callable
from typing import Any

from sandbox.stripe.errors import JSON, invalid, missing


def cut(rows: list[JSON], params: JSON, limit: int) -> tuple[list[JSON], bool]:
    """Return one page of rows and whether there are more after it."""
    ids = [row["id"] for row in rows]
    for name in ("starting_after", "ending_before"):
        if name in params and params[name] not in ids:
            raise missing("object", params[name], name, status=400)
    if "ending_before" in params:
        before = rows[: ids.index(params["ending_before"])]
        return before[-limit:], len(before) > limit
    if "starting_after" in params:
        rows = rows[ids.index(params["starting_after"]) + 1 :]
    return rows[:limit], len(rows) > limit


def created_filter(wish: Any) -> Callable[[JSON], bool]:
    """Return a test for the `created` parameter: a moment or bounds, in unix seconds."""
    if wish in (None, ""):
        return lambda _: True
    try:
        bounds = {name: int(value) for name, value in wish.items()} if isinstance(wish, dict) else {"": int(wish)}
    except ValueError:
        raise invalid("Invalid timestamp.", param="created") from None
    tests: dict[str, Callable[[int, int], bool]] = {
        "": lambda at, bound: at == bound,
        "gt": lambda at, bound: at > bound,
        "gte": lambda at, bound: at >= bound,
        "lt": lambda at, bound: at < bound,
        "lte": lambda at, bound: at <= bound,
    }
    if unknown := set(bounds) - set(tests):
        raise invalid(f"Received unknown parameter: created[{unknown.pop()}]", code="parameter_unknown")
    return lambda row: all(tests[name](row["created"], bound) for name, bound in bounds.items())
