"""Ids that look random but follow from the seed, so that a failing run can be repeated."""

import random
import string

ALPHABET = string.ascii_letters + string.digits


class IdSource:
    """Draws ids from its own generator: nothing else that uses randomness can shift them."""

    def __init__(self, seed: int | str) -> None:
        self._seed = seed
        self._random = random.Random(str(seed))

    def new(self, prefix: str, length: int = 24) -> str:
        """Return `prefix_` and `length` letters and digits."""
        return f"{prefix}_{self.letters(length)}"

    def letters(self, length: int) -> str:
        return "".join(self._random.choices(ALPHABET, k=length))

    def rewind(self) -> None:
        """Start again from the seed."""
        self._random = random.Random(str(self._seed))
