"""Named places where a process may die in a test: after every commit and every call to a vendor.

A no-op unless `PARKER_FAULT_POINT` names the point, or the simulator listens; settings allow both only while both
vendors are sandboxes.
"""

import os
import signal
import sys
from collections.abc import Callable

from parkerflight.core.errors import ParkerError
from parkerflight.settings.config import load

_listener: Callable[[str], None] | None = None


def fault_point(name: str) -> None:
    """Die here, at once and without clean-up, when the configuration names this point."""
    if _listener is not None:
        _listener(name)
    elif load().fault_point == name:
        os.kill(os.getpid(), signal.SIGKILL)


def armed() -> bool:
    """Whether anybody listens: names that cost something to make are made only then."""
    return _listener is not None or load().fault_point != ""


def committed() -> None:
    """The point right after a commit made by `core.tenancy.scope`, named after the function that opened the scope.

    By construction no commit of a room can lack one: `parkerflight.bookings.orders.bought` is `bookings.orders.bought.commit`.
    """
    frame = sys._getframe(1)  # noqa: SLF001 - the caller's name is all that is wanted, and only in tests
    here = {__name__, "parkerflight.core.tenancy", "contextlib"}
    while frame.f_back is not None and frame.f_globals.get("__name__") in here:
        frame = frame.f_back
    module = str(frame.f_globals.get("__name__", "")).removeprefix("parkerflight.")
    fault_point(f"{module}.{frame.f_code.co_name}.commit")


def listen(listener: Callable[[str], None] | None) -> None:
    """Tell `listener` of every point that is passed; it may raise to end the work there. None stops telling."""
    global _listener  # noqa: PLW0603 - one simulator a process
    if listener is not None and not load().offline:
        raise ParkerError("not_offline", "fault points are for sandboxes only")
    _listener = listener
