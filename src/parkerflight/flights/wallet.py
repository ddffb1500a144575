"""Our own ledger of the pre-funded balance at the provider (being written)."""

from datetime import datetime
from uuid import UUID

from parkerflight.core.money import Money


def reserve(*, attempt_id: UUID, amount: Money, now: datetime) -> bool:  # noqa: ARG001
    return True


def spend(*, attempt_id: UUID, amount: Money, now: datetime) -> None:  # noqa: ARG001
    return None


def unreserve(*, attempt_id: UUID, now: datetime) -> None:  # noqa: ARG001
    return None


def refund(*, attempt_id: UUID, amount: Money, now: datetime) -> None:  # noqa: ARG001
    return None
