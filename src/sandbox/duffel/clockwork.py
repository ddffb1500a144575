"""Moments as Duffel writes them."""

from datetime import UTC, datetime


def stamp(unix: float) -> str:
    """Return unix seconds as an ISO 8601 UTC time with microseconds."""
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def stamp_or_none(unix: float | None) -> str | None:
    return None if unix is None else stamp(unix)


def duration(minutes: int) -> str:
    """Return minutes as an ISO 8601 duration like PT7H55M or P1DT2H."""
    days, rest = divmod(minutes, 1_440)
    hours, left = divmod(rest, 60)
    time = (f"{hours}H" if hours else "") + (f"{left}M" if left else "")
    return "P" + (f"{days}D" if days else "") + (f"T{time}" if time else "") if minutes else "PT0M"
