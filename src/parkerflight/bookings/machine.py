"""The attempt's states and which may follow which. Plain data: every path of the saga is a walk here."""

from enum import StrEnum

from parkerflight.core.errors import ParkerError


class State(StrEnum):
    """Recovery points of one attempt."""

    PREPARED = "prepared"
    HOLDING = "holding"
    """The unpaid order was, or was about to be, sent. Found here after a crash it is unknown whether it arrived."""
    HELD = "held"
    """The airline keeps the seats; nothing is paid."""
    NEEDS_CUSTOMER = "needs_customer"
    """The bank wants the cardholder; the seats are held meanwhile."""
    AUTHORISING = "authorising"
    AUTHORISED = "authorised"
    ORDERING = "ordering"
    """The order was, or was about to be, sent. Found here after a crash it is unknown whether it arrived."""
    PAYING = "paying"
    """The payment of a held order was, or was about to be, sent; as with ordering."""
    REPRICING = "repricing"
    """The price moved and nothing was bought at the old one; decide anew."""
    UNKNOWN = "unknown"
    ORDERED = "ordered"
    CAPTURING = "capturing"
    COMPLETED = "completed"
    REFUSED = "refused"
    """Nothing was bought, for certain; held seats and held money must be let go."""
    RELEASED = "released"


NEXT: dict[State, frozenset[State]] = {
    State.PREPARED: frozenset({State.AUTHORISING, State.HOLDING, State.RELEASED}),
    # The first two: the airline wants another price for the hold; nothing was made.
    State.HOLDING: frozenset({State.PREPARED, State.AUTHORISING, State.HELD, State.UNKNOWN, State.REFUSED}),
    State.HELD: frozenset({State.AUTHORISING, State.AUTHORISED, State.NEEDS_CUSTOMER, State.REFUSED}),
    State.NEEDS_CUSTOMER: frozenset({State.AUTHORISED, State.AUTHORISING, State.REFUSED}),
    State.AUTHORISING: frozenset(
        {State.AUTHORISED, State.AUTHORISING, State.HOLDING, State.NEEDS_CUSTOMER, State.REFUSED}
    ),
    State.AUTHORISED: frozenset({State.ORDERING, State.PAYING, State.REPRICING, State.REFUSED}),
    State.ORDERING: frozenset({State.ORDERED, State.UNKNOWN, State.REPRICING, State.AUTHORISED, State.REFUSED}),
    State.PAYING: frozenset({State.ORDERED, State.UNKNOWN, State.REPRICING, State.AUTHORISED, State.REFUSED}),
    State.REPRICING: frozenset({State.AUTHORISED, State.AUTHORISING, State.REFUSED}),
    # The last two: whoever was taken for dead came back with a certain answer.
    State.UNKNOWN: frozenset({State.ORDERED, State.HELD, State.REFUSED, State.REPRICING, State.AUTHORISED}),
    State.ORDERED: frozenset({State.CAPTURING}),
    State.CAPTURING: frozenset({State.COMPLETED, State.REFUSED}),
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
