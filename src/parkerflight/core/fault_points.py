"""Named places where a test may kill the process: after every commit and every vendor call of the saga.

A no-op unless `PARKER_FAULT_POINT` names the point, which settings allow only while both vendors are sandboxes.
"""

import os
import signal

from parkerflight.settings.config import load


def fault_point(name: str) -> None:
    """Die here, at once and without clean-up, when the configuration names this point."""
    if load().fault_point == name:
        os.kill(os.getpid(), signal.SIGKILL)
