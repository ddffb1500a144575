"""Nothing is written here beside the rate limit; `provider` is offered for callers that look for what acts."""

from parkerflight.flights.queries import provider

__all__ = ["provider"]
