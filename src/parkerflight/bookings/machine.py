"""The attempt's states and which may follow which. Plain data: every path of the saga is a walk here.

Holds, customer authentication and cancellation get their own states; the main line for instant fares is below.
"""

from enum import StrEnum

from parkerflight.core.errors import ParkerError


class State(StrEnum):
    """Recovery points of one attempt."""

    PREPARED = "prepared"
    AUTHORISING = "authorising"
    AUTHORISED = "authorised"
    ORDERING = "ordering"
    """The order was, or was about to be, sent. Found in this state after a crash it is unknown whether it arrived."""
    UNKNOWN = "unknown"
    ORDERED = "ordered"
    CAPTURING = "capturing"
    COMPLETED = "completed"
    REFUSED = "refused"
    """The order was refused for certain; the money is still held and must be let go."""
    RELEASED = "released"


NEXT: dict[State, frozenset[State]] = {
    State.PREPARED: frozenset({State.AUTHORISING, State.RELEASED}),
    State.AUTHORISING: frozenset({State.AUTHORISED, State.RELEASED}),
    State.AUTHORISED: frozenset({State.ORDERING, State.REFUSED}),
    State.ORDERING: frozenset({State.ORDERED, State.UNKNOWN, State.REFUSED}),
    State.UNKNOWN: frozenset({State.ORDERED, State.REFUSED}),
    State.ORDERED: frozenset({State.CAPTURING}),
    State.CAPTURING: frozenset({State.COMPLETED}),
    State.REFUSED: frozenset({State.RELEASED}),
    State.COMPLETED: frozenset(),
    State.RELEASED: frozenset(),
}

SETTLED = frozenset({State.COMPLETED.value, State.RELEASED.value})


class IllegalTransition(ParkerError):
    """A step tried to go where the machine does not lead: a bug, stopped before it costs money."""


def check(before: State, after: State) -> None:
    """Raise IllegalTransition unless `after` may follow `before`."""
    if after not in NEXT[before]:
        raise IllegalTransition("illegal_transition", f"{before} does not lead to {after}")
