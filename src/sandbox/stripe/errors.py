"""Errors in Stripe's envelope."""

from typing import Any

JSON = dict[str, Any]

DOC_URL = "https://stripe.com/docs/error-codes/"


class StripeError(Exception):
    """An answer with an error envelope.

    `began` says whether the endpoint had begun its work: only then is the answer kept under the idempotency key.
    """

    def __init__(self, status: int, *, kind: str = "invalid_request_error", began: bool = True, **fields: Any) -> None:
        super().__init__(fields.get("message", ""))
        self.status = status
        self.began = began
        self.fields: JSON = {"type": kind, **{name: value for name, value in fields.items() if value is not None}}
        if self.fields.get("code"):
            self.fields["doc_url"] = DOC_URL + self.fields["code"].replace("_", "-")

    def body(self, request_id: str = "") -> JSON:
        log_url = {"request_log_url": f"https://dashboard.stripe.com/test/logs/{request_id}"} if request_id else {}
        return {"error": {**self.fields, **log_url}}


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> StripeError:
    """Return a 400 for parameters that do not hold up by themselves; never kept under an idempotency key."""
    return StripeError(400, message=message, param=param, code=code, began=False)


def refused(message: str, *, code: str | None = None, param: str | None = None, **embedded: Any) -> StripeError:
    """Return a 400 for a request that makes sense but not in the object's present state."""
    return StripeError(400, message=message, code=code, param=param, **embedded)


def missing(kind: str, wanted: str, param: str = "id", *, status: int = 404) -> StripeError:
    """Return `resource_missing`: a 404 for an id in the path, a 400 for one among the parameters."""
    return StripeError(status, code="resource_missing", message=f"No such {kind}: '{wanted}'", param=param)
