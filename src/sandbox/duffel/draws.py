"""Stable draws: the same words always give the same number, in every process and on every platform."""

import hashlib
from functools import lru_cache


@lru_cache(maxsize=200_000)
def _digest(words: tuple[object, ...]) -> int:
    text = "\x1f".join(map(str, words)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())


def draw(*words: object) -> float:
    """Return a number in [0, 1) that depends on nothing but the words."""
    return _digest(words) / 2**64


def pick(limit: int, *words: object) -> int:
    """Return a whole number in [0, limit) that depends on nothing but the words."""
    return _digest(words) % limit
