"""Errors say whether retrying can help. A vendor adapter raises one of these and nothing else."""


class ParkerError(Exception):
    """Base of what we raise on purpose. `code` is stable and machine-readable; `str()` is one sentence for a person."""

    def __init__(self, code: str, message: str, *, reference: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reference = reference
        """The vendor's request id, for their support; empty when there is none."""


class Retryable(ParkerError):
    """Nothing happened; the same request may be sent again, no sooner than `after` seconds from now."""

    def __init__(self, code: str, message: str, *, reference: str = "", after: float = 5.0) -> None:
        super().__init__(code, message, reference=reference)
        self.after = after


class Terminal(ParkerError):
    """Nothing happened and repeating the request cannot help."""


class OutcomeUnknown(ParkerError):
    """The request may or may not have been carried out: ask the vendor, never assume."""


class BadInput(ParkerError):
    """What a person gave cannot be used; the message says what to do. `field` names where."""

    def __init__(self, code: str, message: str, *, field: str = "") -> None:
        super().__init__(code, message)
        self.field = field


class Conflict(BadInput):
    """What was asked is fine in itself, but not in the state the thing is in now."""


class NotFound(ParkerError):
    """There is no such thing, or it is not yours; the two are not told apart."""
