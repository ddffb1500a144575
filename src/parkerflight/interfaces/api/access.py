"""Who asks, and the one list of paths: reads and writes of a path must be registered together."""

from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from ninja.security import HttpBearer

from parkerflight.accounts import operations as accounts

router = Router()


class Bearer(HttpBearer):
    """`Authorization: Bearer …` with a token from `accounts.operations.issue_token`."""

    def authenticate(self, request: HttpRequest, token: str) -> UUID | None:  # noqa: ARG002 - ninja's signature
        return accounts.owner_of_token(token)


def owner_of(request: HttpRequest) -> UUID:
    """The account whose token came with the request."""
    owner: UUID = request.auth  # type: ignore[attr-defined]  # ninja puts what `authenticate` returned here
    return owner
