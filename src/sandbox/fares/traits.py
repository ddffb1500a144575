"""What kind of route it is. Published panels disagree because routes do: each kind here answers for one kind of panel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sandbox.fares.hashing import Floats, Hashes, bell, chain, field

RESTLESS_SHARE = 0.035  # twitching all day (Ryanair, MAA-DXB); more would lift the daily rates above the Google panel
RULED_SHARE = 0.15  # advance-purchase rules bite (22 US routes); on Google's long routes the cliffs show only faintly
TEMPO_SPREAD = 0.75  # logarithmic; route change rates of the Google panel spread 0.016 to 0.357 a day (5 % to 95 %)
RESTLESS_TEMPO = 0.75  # they have their flips and drift besides
TEMPO_LIMIT = 4.0  # keeps chances below one
RULED_TEMPO = 0.38  # the 22 ruled routes are monopolies: 0.029 drops a flight-day, where Google's minima have 0.069


@dataclass(frozen=True, slots=True)
class Traits:
    """One entry a cell. `key` is the route's hash, `tempo` multiplies the rate of everything that happens by chance."""

    key: Hashes
    restless: NDArray[np.bool_]
    ruled: NDArray[np.bool_]
    tempo: Floats


def traits(world: Hashes, route: NDArray[np.int64]) -> Traits:
    key = chain(world, route)
    kind = chain(key, 1)
    ruled = field(kind, 1) < RULED_SHARE
    tempo = np.exp(TEMPO_SPREAD * bell(chain(key, 2)) - TEMPO_SPREAD**2 / 2)
    restless = (field(kind, 0) < RESTLESS_SHARE) & ~ruled
    tempo *= np.where(ruled, RULED_TEMPO, np.where(restless, RESTLESS_TEMPO, 1.0))
    return Traits(key, restless, ruled, np.minimum(tempo, TEMPO_LIMIT))
