"""Duffel's error envelope and the errors it documents."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import web

DOCUMENTATION = "https://duffel.com/docs/api/overview/errors"


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry of the `errors` list. `source` is a field with its pointer, or the name of an airline."""

    kind: str
    code: str
    message: str
    source: dict[str, str] | str | None = None

    def view(self) -> dict[str, Any]:
        shown = {
            "type": self.kind,
            "title": self.code.replace("_", " ").capitalize(),
            "code": self.code,
            "message": self.message,
            "documentation_url": DOCUMENTATION,
        }
        return shown if self.source is None else shown | {"source": self.source}


class DuffelError(Exception):
    """A refusal: one HTTP status and one or more problems."""

    def __init__(self, status: int, *problems: Problem) -> None:
        super().__init__(", ".join(problem.code for problem in problems))
        self.status = status
        self.problems = problems


def body(status: int, problems: tuple[Problem, ...], request_id: str) -> bytes:
    """Return the error envelope as JSON bytes."""
    meta = {"status": int(status), "request_id": request_id}
    return json.dumps({"errors": [problem.view() for problem in problems], "meta": meta}).encode()


def response(status: int, problems: tuple[Problem, ...], request_id: str) -> web.Response:
    """Return the error envelope as an HTTP answer."""
    return web.Response(status=status, body=body(status, problems, request_id), content_type="application/json")


def field_problem(code: str, pointer: str, message: str) -> Problem:
    """Return a validation problem that points at one field, like `/passengers/0/id`."""
    return Problem("validation_error", code, message, {"field": pointer.rsplit("/", 1)[-1], "pointer": pointer})


def invalid(code: str, pointer: str, message: str) -> DuffelError:
    return DuffelError(HTTPStatus.UNPROCESSABLE_ENTITY, field_problem(code, pointer, message))


def required(pointer: str) -> Problem:
    name = pointer.rsplit("/", 1)[-1]
    return field_problem("validation_required", pointer, f"Field '{name}' can't be blank")


def state_error(code: str, message: str) -> DuffelError:
    """Return a 422 that says the resource is in the wrong state."""
    return DuffelError(HTTPStatus.UNPROCESSABLE_ENTITY, Problem("invalid_state_error", code, message))


def airline_error(status: int, code: str, message: str, airline: str) -> DuffelError:
    return DuffelError(status, Problem("airline_error", code, message, airline.lower().replace(" ", "_")))


def not_found(what: str = "resource") -> DuffelError:
    return DuffelError(
        HTTPStatus.NOT_FOUND,
        Problem("invalid_request_error", "not_found", f"The {what} you are trying to access does not exist."),
    )


def linked_not_found(pointer: str) -> DuffelError:
    return invalid("not_found", pointer, "Linked record(s) not found")


def bad_request(code: str, message: str) -> DuffelError:
    return DuffelError(HTTPStatus.BAD_REQUEST, Problem("invalid_request_error", code, message))


# What a status forced by a fault rule means when the rule names no code.
FORCED = {
    429: Problem("rate_limit_error", "rate_limit_exceeded", "Too many requests hit the API too quickly."),
    502: Problem(
        "airline_error", "airline_unknown", "The airline responded with an unexpected error.", "duffel_airways"
    ),
    503: Problem("api_error", "service_unavailable", "The service is temporarily unavailable. Please retry later."),
    504: Problem("api_error", "gateway_timeout_error", "The request took too long. Please retry later."),
}
_SERVER_ERROR = Problem(
    "api_error",
    "internal_server_error",
    "Something went wrong. The order may still have been created on the airline's side. "
    "Please contact our support team and attach the `request_id` to your message.",
)


def forced(status: int, code: str, request_id: str) -> web.Response:
    """Return the answer for a fault rule: a known error of that status, or the code the rule names."""
    problem = FORCED.get(status, _SERVER_ERROR)
    if code:
        kind = "api_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_state_error"
        kind = problem.kind if problem.code == code else "airline_error" if code == "order_not_created" else kind
        problem = Problem(kind, code, f"Forced by the sandbox: {code}.", problem.source)
    return response(status, (problem,), request_id)
