"""The API put together: who may ask, what there is to ask, what an error looks like."""

import logging
import traceback

from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from parkerflight.core.errors import ParkerError
from parkerflight.interfaces.api import aftercare, reads, writes
from parkerflight.interfaces.api.access import Bearer, router
from parkerflight.interfaces.problems import OURS, of_error, problem

log = logging.getLogger(__name__)
RETRY_SECONDS = 5.0  # a restarted database is back within seconds
api = NinjaAPI(title="Parker Flight", version="1", auth=Bearer(), docs_url=None)
REGISTERED = (reads, writes, aftercare)  # importing them put their paths on the router
api.add_router("", router)


@api.exception_handler(ParkerError)
def ours(request: HttpRequest, error: ParkerError) -> HttpResponse:  # noqa: ARG001 - ninja's signature
    """Refusals say what to do; the rest is our fault."""
    response = of_error(error)
    if response.status_code >= 500:  # noqa: PLR2004 - the server's own faults
        log.warning("request failed: code=%s", error.code)
    return response


@api.exception_handler(ValidationError)
def malformed(request: HttpRequest, error: ValidationError) -> HttpResponse:  # noqa: ARG001
    """What is wrong where, without repeating what was sent."""
    errors = [{"field": ".".join(str(one) for one in item["loc"][2:]), "title": item["msg"]} for item in error.errors]
    return problem(
        422, "malformed", "The request is not what this endpoint takes.", field=errors[0]["field"], errors=errors
    )


@api.exception_handler(AuthenticationError)
def nobody(request: HttpRequest, error: AuthenticationError) -> HttpResponse:  # noqa: ARG001
    """Say how to sign the request."""
    response = problem(401, "not_signed_in", "Send the header Authorization: Bearer with a token that is still good.")
    response["WWW-Authenticate"] = "Bearer"
    return response


@api.exception_handler(HttpError)
def other(request: HttpRequest, error: HttpError) -> HttpResponse:  # noqa: ARG001
    """The framework's own refusals, such as a body that is no JSON."""
    return problem(error.status_code, "bad_request", "The request cannot be read; send JSON.")


@api.exception_handler(RequestDataTooBig)
def too_large(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:  # noqa: ARG001
    """No request needs a megabyte."""
    return problem(413, "too_large", "Requests are smaller than a megabyte.")


@api.exception_handler(OperationalError)
def later(request: HttpRequest, error: OperationalError) -> HttpResponse:  # noqa: ARG001
    """The database is away or overloaded; whoever sends the same key again loses nothing."""
    log.error("the database does not answer: %s", type(error).__name__)
    return problem(503, "try_again", OURS, after=RETRY_SECONDS)


@api.exception_handler(Exception)
def unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
    """Our bug. The log gets where it happened, never the error's text: that may quote what was sent."""
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("request failed: %s %s\n%s", request.method, type(error).__name__, where)
    return problem(500, "internal", OURS)
