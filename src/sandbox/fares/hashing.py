"""Counter-based random numbers: a draw is a hash of what it belongs to, so any moment can be priced without the past.

The mixing function is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
"""

import numpy as np
from numpy.typing import NDArray

type Hashes = NDArray[np.uint64]
type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]

_GAMMA = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio: SplitMix64's increment
_FIRST = np.uint64(0xBF58476D1CE4E5B9)  # the two multipliers are David Stafford's "Mix13", as in SplitMix64
_SECOND = np.uint64(0x94D049BB133111EB)
_FIELD_BITS = 16  # four independent draws from one hash; 1/65,536 is finer than any probability used here
_FIELD_MASK = np.uint64(0xFFFF)
FIELD_SCALE = 1.0 / 65_536


def mix(words: Hashes) -> Hashes:
    """Return one well-mixed 64-bit word for each input word; the input is not changed."""
    mixed = words + _GAMMA
    mixed ^= mixed >> np.uint64(30)
    mixed *= _FIRST
    mixed ^= mixed >> np.uint64(27)
    mixed *= _SECOND
    mixed ^= mixed >> np.uint64(31)
    return mixed


def chain(key: Hashes, word: Ints | int) -> Hashes:
    """Return the hash of `key` followed by `word`; both broadcast."""
    return mix(key ^ (np.atleast_1d(np.asarray(word, dtype=np.int64)).view(np.uint64) * _GAMMA))


def unit(hashes: Hashes) -> Floats:
    """Return numbers in (0, 1), never the ends, so that a logarithm is safe."""
    return ((hashes >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def raw_field(hashes: Hashes, which: int) -> Hashes:
    """Return the 16-bit field number `which` (0..3) as a whole number: cheap to compare with a threshold."""
    return (hashes >> np.uint64(_FIELD_BITS * which)) & _FIELD_MASK


def field(hashes: Hashes, which: int) -> Floats:
    """Return the 16-bit field number `which` (0..3) as a number in (0, 1)."""
    return (raw_field(hashes, which).astype(np.float64) + 0.5) * FIELD_SCALE


def bell(hashes: Hashes) -> Floats:
    """Return nearly normal numbers of mean 0 and deviation 1: the sum of four uniforms, bounded at 3.5."""
    total = sum(field(hashes, which) for which in range(4))
    return np.asarray((total - 2.0) * 3.0**0.5, dtype=np.float64)
