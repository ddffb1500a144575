"""The door other rooms use to reach the provider."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from parkerflight.flights.duffel.adapter import DuffelProvider
from parkerflight.flights.limiter import SharedLimiter
from parkerflight.settings.config import load

if TYPE_CHECKING:
    from parkerflight.flights.provider import FlightProvider


@lru_cache(maxsize=1)
def provider() -> FlightProvider:
    """The configured provider, made once a process. Raises ConfigurationError when its token is missing."""
    config = load()
    return DuffelProvider(base=config.duffel_base, token=config.secret("duffel_token"), limiter=SharedLimiter())
