"""Problem details (RFC 9457), the one shape of every error over HTTP. Never echoes what was sent."""

import json
from math import ceil
from typing import Any

from django.http import HttpResponse

from parkerflight.core.errors import BadInput, Conflict, NotFound, ParkerError, Retryable, Terminal
from parkerflight.core.idempotency import KeyBusy, KeyMissing

OURS = "Something went wrong on our side."


def problem(status: int, code: str, title: str, *, after: float | None = None, **more: Any) -> HttpResponse:
    """An answer of type `urn:parkerflight:<code>`; `after` seconds become Retry-After."""
    body = {"type": f"urn:parkerflight:{code}", "title": title, "status": status, "code": code, **more}
    response = HttpResponse(json.dumps(body), status=status, content_type="application/problem+json")
    if after is not None:
        response["Retry-After"] = str(max(1, ceil(after)))
    return response


def of_error(error: ParkerError) -> HttpResponse:
    """What a person may know of one of our errors."""
    status = _status(error)
    if status == 500:  # noqa: PLR2004 - the server's own fault
        return problem(500, error.code, OURS)
    after = error.after if isinstance(error, Retryable) else None
    field = {"field": error.field} if isinstance(error, BadInput) and error.field else {}
    return problem(status, error.code, str(error), after=after, **field)


def _status(error: ParkerError) -> int:
    by_kind: tuple[tuple[type[ParkerError], int], ...] = (
        (NotFound, 404), (KeyMissing, 400), (Conflict, 409), (KeyBusy, 409), (BadInput, 422), (Terminal, 409), (Retryable, 503),
    )  # fmt: skip
    return next((status for kind, status in by_kind if isinstance(error, kind)), 500)
