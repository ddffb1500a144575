"""A limit on how often something may happen in this process: a bucket that fills with time."""

import threading
import time


class Bucket:
    """Holds `size` tokens and gains `a_second`. Safe between threads."""

    def __init__(self, *, size: float, a_second: float) -> None:
        self._size, self._rate = size, a_second
        self._level, self._at = size, time.monotonic()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Whether there was a token to take."""
        with self._lock:
            now = time.monotonic()
            self._level = min(self._size, self._level + (now - self._at) * self._rate)
            self._at = now
            if self._level < 1:
                return False
            self._level -= 1
            return True
