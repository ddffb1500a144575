"""What every call does with its answer: unwrap it, name its failure, walk its pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from parkerflight.core.errors import OutcomeUnknown, Retryable, Terminal
from parkerflight.flights.duffel import errors
from parkerflight.flights.duffel.wire import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from parkerflight.flights.duffel.client import Answer, Client, Route

OK, CREATED, ACCEPTED = 200, 201, 202
PAGE = 200  # the largest page there is


def data(answer: Answer) -> Any:
    """The wrapped content. Raises Retryable when the body is not JSON: cut short somewhere, so worth another try."""
    if not answer.readable:
        message = "The provider's answer was not JSON."
        raise Retryable("malformed_answer", message, reference=answer.reference, after=30.0)
    return answer.body.get("data") if isinstance(answer.body, dict) else None


def failure(answer: Answer) -> errors.Failure:
    """The answer as a failure, for the verdicts of `errors`."""
    return errors.read(answer.status, answer.body, answer.headers, answer.at)


def done[T](answer: Answer, read: Callable[[Any], T], what: str) -> T:
    """Read the answer to something that was carried out. Raises OutcomeUnknown when it cannot be read.

    To say «refused» or «try again» there would release money for a real ticket, or buy a second one.
    """
    try:
        return read(data(answer))
    except Exception as error:
        message = f"{what}, but the answer cannot be read: {error}"
        raise OutcomeUnknown("malformed_answer", message, reference=answer.reference) from error


def pages(client: Client, route: Route, query: Mapping[str, str], *, most: int) -> Iterator[Node]:
    """The pages of a list, each as the node that holds `data`.

    Raises Terminal("filter_ignored") after `most` pages that are not the last: then the list is not what was asked for.
    """
    asked = {**query, "limit": str(PAGE)}
    for _ in range(most):
        answer = client.read(route, query=asked)
        if answer.status != OK:
            raise errors.of_read(failure(answer))
        page = Node.of(answer.body if answer.readable else data(answer), "")
        yield page
        after = (page.node_or_none("meta") or Node({})).text_or_empty("after")
        if not after:
            return
        asked["after"] = after
    raise Terminal(
        "filter_ignored", f"The provider listed more than {most * PAGE} things; its filter cannot be trusted."
    )
