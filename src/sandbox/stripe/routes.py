"""Which endpoint is served by which function, and with which parameters."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.stripe import (
    balance,
    charges,
    customers,
    disputes,
    events,
    payment_intents,
    payment_methods,
    refunds,
    reviews,
    setup_attempts,
    setup_intents,
)
from sandbox.stripe.params import Fields, fields

NOTHING = fields()
READ_INTENT = fields("client_secret")


@dataclass(frozen=True)
class Route:
    """`serve` is called with the store, the parameters if it takes any, and the names in the path."""

    method: str
    path: str
    serve: Callable[..., Any]
    takes: Fields = NOTHING
    passes_params: bool = True


def _get(path: str, serve: Callable[..., Any], takes: Fields = NOTHING) -> Route:
    return Route("GET", path, serve, takes, passes_params=False)


def _list(path: str, serve: Callable[..., Any], takes: Fields) -> Route:
    return Route("GET", path, serve, takes)


def _post(path: str, serve: Callable[..., Any], takes: Fields) -> Route:
    return Route("POST", path, serve, takes)


def _act(path: str, serve: Callable[..., Any], method: str = "POST") -> Route:
    return Route(method, path, serve, NOTHING, passes_params=False)


PEOPLE = (
    _post("/v1/customers", customers.create, customers.CREATE),
    _list("/v1/customers", customers.listed, customers.LIST),
    _get("/v1/customers/{customer}", customers.retrieve),
    _post("/v1/customers/{customer}", customers.update, customers.UPDATE),
    _act("/v1/customers/{customer}", customers.delete, "DELETE"),
    _list("/v1/customers/{customer}/payment_methods", payment_methods.listed_of, payment_methods.LIST_OF),
    _get("/v1/customers/{customer}/payment_methods/{payment_method}", payment_methods.retrieve_of),
    _post("/v1/payment_methods", payment_methods.create, payment_methods.CREATE),
    _list("/v1/payment_methods", payment_methods.listed, payment_methods.LIST),
    _get("/v1/payment_methods/{payment_method}", payment_methods.retrieve),
    _post("/v1/payment_methods/{payment_method}", payment_methods.update, payment_methods.UPDATE),
    _post("/v1/payment_methods/{payment_method}/attach", payment_methods.attach, payment_methods.ATTACH),
    _act("/v1/payment_methods/{payment_method}/detach", payment_methods.detach),
)
INTENTS = (
    _post("/v1/setup_intents", setup_intents.create, setup_intents.CREATE),
    _list("/v1/setup_intents", setup_intents.listed, setup_intents.LIST),
    _get("/v1/setup_intents/{intent}", setup_intents.retrieve, READ_INTENT),
    _post("/v1/setup_intents/{intent}", setup_intents.update, setup_intents.UPDATE),
    _post("/v1/setup_intents/{intent}/confirm", setup_intents.confirm, setup_intents.CONFIRM),
    _post("/v1/setup_intents/{intent}/cancel", setup_intents.cancel, setup_intents.CANCEL),
    _list("/v1/setup_attempts", setup_attempts.listed, setup_attempts.LIST),
    _post("/v1/payment_intents", payment_intents.create, payment_intents.CREATE),
    _list("/v1/payment_intents", payment_intents.listed, payment_intents.LIST),
    _get("/v1/payment_intents/{intent}", payment_intents.retrieve, READ_INTENT),
    _post("/v1/payment_intents/{intent}", payment_intents.update, payment_intents.UPDATE),
    _post("/v1/payment_intents/{intent}/confirm", payment_intents.confirm, payment_intents.CONFIRM),
    _post("/v1/payment_intents/{intent}/capture", payment_intents.capture, payment_intents.CAPTURE),
    _post("/v1/payment_intents/{intent}/cancel", payment_intents.cancel, payment_intents.CANCEL),
)
MONEY = (
    _list("/v1/charges", charges.listed, charges.LIST),
    _get("/v1/charges/{charge}", charges.retrieve),
    _post("/v1/charges/{charge}", charges.update, charges.UPDATE),
    _post("/v1/refunds", refunds.create, refunds.CREATE),
    _list("/v1/refunds", refunds.listed, refunds.LIST),
    _get("/v1/refunds/{refund}", refunds.retrieve),
    _post("/v1/refunds/{refund}", refunds.update, refunds.UPDATE),
    _list("/v1/disputes", disputes.listed, disputes.LIST),
    _get("/v1/disputes/{dispute}", disputes.retrieve),
    _post("/v1/disputes/{dispute}", disputes.update, disputes.UPDATE),
    _act("/v1/disputes/{dispute}/close", disputes.close),
    _list("/v1/reviews", reviews.listed, reviews.LIST),
    _get("/v1/reviews/{review}", reviews.retrieve),
    _act("/v1/reviews/{review}/approve", reviews.approve),
    _list("/v1/radar/early_fraud_warnings", disputes.warnings, disputes.WARNINGS),
    _get("/v1/radar/early_fraud_warnings/{early_fraud_warning}", disputes.warning),
    _list("/v1/balance_transactions", balance.listed, balance.LIST),
    _get("/v1/balance_transactions/{transaction}", balance.retrieve),
)
NOTICES = (
    _list("/v1/events", events.listed, events.LIST),
    _get("/v1/events/{event}", events.retrieve),
    _post("/v1/webhook_endpoints", events.create_endpoint, events.CREATE_ENDPOINT),
    _list("/v1/webhook_endpoints", events.endpoints, events.ENDPOINTS),
    _get("/v1/webhook_endpoints/{webhook_endpoint}", events.retrieve_endpoint),
    _post("/v1/webhook_endpoints/{webhook_endpoint}", events.update_endpoint, events.UPDATE_ENDPOINT),
    _act("/v1/webhook_endpoints/{webhook_endpoint}", events.delete_endpoint, "DELETE"),
)
ROUTES = (*PEOPLE, *INTENTS, *MONEY, *NOTICES)
