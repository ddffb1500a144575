"""The door other rooms use to reach the provider."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from parkerflight.flights.duffel.adapter import DuffelProvider
from parkerflight.flights.limiter import SharedLimiter
from parkerflight.settings.config import ConfigurationError, load

if TYPE_CHECKING:
    from parkerflight.flights.provider import FlightProvider
    from parkerflight.settings.config import Config

_installed: FlightProvider | None = None


def provider() -> FlightProvider:
    """The configured provider, made once a process. Raises ConfigurationError when its token is missing."""
    return _installed or _configured()


def install(instead: FlightProvider | None) -> None:
    """Use this provider in this process; None goes back to the configured one. For the simulator."""
    global _installed  # noqa: PLW0603 - one provider a process
    _installed = instead


@lru_cache(maxsize=1)
def _configured() -> FlightProvider:
    config = load()
    return DuffelProvider(
        base=config.duffel_base,
        token=config.secret("duffel_token"),
        webhook_secret=_webhook_secret(config),
        limiter=SharedLimiter(),
    )


def _webhook_secret(config: Config) -> str:
    """Without it webhooks are refused, and sweeps find what they would have told; searching and booking go on."""
    try:
        return config.secret("duffel_webhook_secret")
    except ConfigurationError:
        return ""
