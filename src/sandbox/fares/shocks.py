"""Fares that go away again: dips and bumps of one flight, sales of a route, flash sales and mistakes.

Time is cut into fixed blocks and each block of each owner may hold one shock, drawn by hashing. To price a moment only
the blocks a lifetime can reach back to are looked at, which is why lifetimes are cut off after a few blocks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sandbox.fares.hashing import FIELD_SCALE, Floats, Hashes, chain, field, raw_field

DAY = 86_400.0
DEPTH = 0.13  # logarithmic; 0.115 is measured on 209 Google routes, stacking and competing flights take the rest away


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Shocks of one length: block length and mean life in days, how many blocks back they reach, their share.

    Two shares because two panels differ: on routes watched once a day dips last longer than on restless ones.
    """

    tag: int
    block: float
    mean: float
    back: int
    share: float = 1.0
    restless_share: float = 1.0


# The mixture of lifetimes fitted to how long dips of ten per cent last: 8 hours, 3 days, 25 days. The pooled shares are
# .40/.35/.25; restless routes (Ryanair every 4 hours) sit above them on the short side, others (Google daily) below.
LIFETIMES = (
    Lifetime(tag=11, block=1.0, mean=1 / 3, back=2, share=0.20, restless_share=0.53),
    Lifetime(tag=12, block=4.0, mean=3.0, back=3, share=0.38, restless_share=0.22),
    Lifetime(tag=13, block=5.0, mean=25.0, back=10, share=0.42, restless_share=0.25),
)


@dataclass(frozen=True, slots=True)
class Found:
    """Shocks that run at the moment asked about: row in the owner array, the shock's own hash, when it began."""

    row: NDArray[np.int64]
    shock: Hashes
    began: Floats


def running(owner: Hashes, at: Floats, chance: Floats, life: Lifetime) -> Found:
    """Find the shocks running at `at` (unix seconds); `chance` is the chance that a block holds one, below one."""
    block = life.block * DAY
    now = np.floor(at / block).astype(np.int64)
    limit = np.minimum(chance / FIELD_SCALE, 65_535.0).astype(np.uint64)
    salted = chain(owner, life.tag)
    pieces = [_in_block(salted, now - back, at, limit, life) for back in range(life.back + 1)]
    return Found(*(np.concatenate(part) for part in zip(*pieces, strict=True)))


def _in_block(
    salted: Hashes, index: NDArray[np.int64], at: Floats, limit: Hashes, life: Lifetime
) -> tuple[NDArray[np.int64], Hashes, Floats]:
    drawn = chain(salted, index)
    row = np.flatnonzero(raw_field(drawn, 0) < limit)
    drawn = drawn[row]
    began = (index[row] + field(drawn, 1)) * (life.block * DAY)
    lasts = np.minimum(-np.log(field(drawn, 2)) * life.mean, life.back * life.block) * DAY
    alive = np.flatnonzero((began <= at[row]) & (at[row] < began + lasts))
    return row[alive], drawn[alive], began[alive]


def share_of(life: Lifetime, restless: NDArray[np.bool_]) -> Floats:
    """Return the share of shocks that have this lifetime, one a cell."""
    return np.where(restless, life.restless_share, life.share)
