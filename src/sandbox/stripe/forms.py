"""Form encoding with nested brackets, both from query strings and bodies."""

import re
from typing import Any
from urllib.parse import parse_qsl

KEYS = re.compile(r"\[([^\]]*)\]")


def parse(encoded: str) -> dict[str, Any]:
    """Turn `a[b]=1&c[]=2&c[]=3` into `{"a": {"b": "1"}, "c": {"0": "2", "1": "3"}}`; lists stay keyed by position."""
    result: dict[str, Any] = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        _put(result, name, value)
    return result


def _put(result: dict[str, Any], name: str, value: str) -> None:
    head, bracket, _ = name.partition("[")
    path = [head, *KEYS.findall(name)] if bracket else [head]
    node = result
    for key in path[:-1]:
        inner = node.setdefault(key or str(len(node)), {})
        if not isinstance(inner, dict):
            return
        node = inner
    node[path[-1] or str(len(node))] = value
