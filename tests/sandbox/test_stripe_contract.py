"""Requests and answers against Stripe's published OpenAPI document, brought up to the pinned API version."""

import functools
import json
import re
from pathlib import Path

import pytest
import stripe
from jsonschema import Draft202012Validator

from sandbox.stripe.routes import ROUTES

CONTRACT = Path(__file__).parent / "contracts" / "stripe-openapi-trimmed.json"
IMPORTANT = {
    "payment_intent",
    "charge",
    "refund",
    "setup_intent",
    "payment_method",
    "event",
    "customer",
    "dispute",
    "balance_transaction",
    "webhook_endpoint",
    "radar.early_fraud_warning",
    "setup_attempt",
    "review",
}
# properties Stripe leaves out unless a feature is used, asked for with expand, or only for Connect platforms
OPTIONAL = {
    "payment_intent": {"hooks", "payment_details", "presentment_details", "secret_key_confirmation"},
    "charge": {"presentment_details", "refunds", "transfer", "authorization_code", "level3"},
    "refund": {
        *("description", "failure_balance_transaction", "failure_reason", "instructions_email", "next_action"),
        *("pending_reason", "presentment_details"),
    },
    "payment_method": {"custom", "link", "radar_options"},
    "event": {"account", "context"},
    "customer": {
        *("business_name", "cash_balance", "individual_name", "invoice_credit_balance", "sources", "subscriptions"),
        *("tax", "tax_ids"),
    },
    "webhook_endpoint": {"secret"},
    "dispute": {"network_reason_code"},
}


@functools.cache
def contract():
    document = json.loads(CONTRACT.read_text())
    deltas = document["x-endive-deltas"]["responses"]
    schemas = document["components"]["schemas"]
    for name in ("payment_intent", "setup_intent", "refund", "dispute"):
        for added in deltas[name]:
            schemas[name]["properties"].setdefault(added, {})
    return document


def null_allowed(node):
    """Stripe writes `nullable` beside types, enums and anyOf; JSON Schema wants null among the alternatives."""
    if isinstance(node, list):
        return [null_allowed(one) for one in node]
    if not isinstance(node, dict):
        return node
    plain = {name: null_allowed(value) for name, value in node.items() if name != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


@functools.cache
def components():
    return null_allowed(contract()["components"])


def shape(path):
    return re.sub(r"\{[^}]*\}", "{}", path)


@functools.cache
def operations():
    return {
        (method.upper(), shape(path)): operation
        for path, methods in contract()["paths"].items()
        for method, operation in methods.items()
        if method in ("get", "post", "delete")
    }


def allowed_parameters(method, path):
    """Names an operation takes in the pinned version: the document's, plus and minus the later changes."""
    operation = operations()[method, shape(path)]
    names = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
    for content in operation.get("requestBody", {}).get("content", {}).values():
        names |= set(content["schema"].get("properties", {}))
    for known, change in contract()["x-endive-deltas"]["requests"].items():
        if shape(known) == f"{method} {shape(path)}":
            names = (names | set(change["added"])) - set(change["removed"])
    return names


@functools.cache
def validator(method, path, *, failed):
    responses = operations()[method, shape(path)]["responses"]
    schema = responses["default" if failed else "200"]["content"]["application/json"]["schema"]
    return Draft202012Validator({**null_allowed(schema), "components": components()})


def problems(exchange):
    check = validator(exchange.method, exchange.path, failed=exchange.status >= 400)
    where = f"{exchange.method} {exchange.path} {exchange.status}"
    found = [f"{where}: {error.json_path} {error.message[:200]}" for error in check.iter_errors(exchange.answer)]
    strangers = set(exchange.sent) - allowed_parameters(exchange.method, exchange.path) - {"expand"}
    return found + [f"{where}: Stripe takes no {name}" for name in strangers if exchange.status < 400]


def objects_in(node):
    if isinstance(node, list):
        for one in node:
            yield from objects_in(one)
    if isinstance(node, dict):
        if isinstance(node.get("object"), str) and node["object"] in IMPORTANT and not node.get("deleted"):
            yield node
        for value in node.values():
            yield from objects_in(value)


def everything(world):
    """Walk through every kind of object and every kind of refusal once."""
    v1 = world.v1
    customer, method = world.saved("authenticationRequired")
    v1.payment_methods.update(method, {"allow_redisplay": "limited", "billing_details": {"name": "Ada"}})
    for card in ("authenticationRequired", "chargeCustomerFail", "radarBlock"):
        owner, other = world.saved(card)
        with pytest.raises(stripe.CardError):
            world.hold(owner, other)
    waiting = v1.payment_intents.create(
        {"amount": 900, "currency": "eur", "customer": customer, "payment_method": method, "confirm": True}
    )
    world.control("POST", f"payment_intents/{waiting.id}/authenticate", {"outcome": "success"})
    with pytest.raises(stripe.CardError):
        v1.setup_intents.create({"customer": customer, "payment_method": "pm_card_chargeDeclined", "confirm": True})
    held = world.hold(*world.saved(), expand=["latest_charge", "customer", "payment_method"])
    v1.payment_intents.update(held.id, {"metadata": {"pnr": "X"}})
    v1.payment_intents.cancel(held.id)
    for card in ("createDispute", "createDisputeInquiry", "createIssuerFraudRecord", "mastercard"):
        done = world.paid(card)
        if card in ("createDisputeInquiry", "mastercard"):
            v1.refunds.create({"payment_intent": done.id, "amount": 100, "reason": "requested_by_customer"})
    v1.refunds.create({"payment_intent": world.paid("refundFail").id})
    for _ in range(2):
        reviewed = world.paid("riskLevelElevated")
        world.control("POST", f"payment_intents/{reviewed.id}/review", {"action": "open"})
        v1.payment_intents.retrieve(reviewed.id, {"expand": ["latest_charge.review"]})
    v1.reviews.approve(v1.reviews.list().data[0].id)
    dispute = v1.disputes.list({"limit": 1}).data[0]
    v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    endpoint = v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/hook", "enabled_events": ["charge.expired"]})
    v1.webhook_endpoints.update(endpoint.id, {"description": "x"})
    v1.webhook_endpoints.delete(endpoint.id)
    world.hold(*world.saved())
    world.advance(8 * 86_400)
    for service in (
        *(v1.customers, v1.setup_intents, v1.payment_intents, v1.charges, v1.refunds, v1.disputes, v1.events),
        *(v1.balance_transactions, v1.radar.early_fraud_warnings, v1.webhook_endpoints, v1.reviews),
    ):
        for row in service.list({"limit": 100}).data:
            service.retrieve(row.id)
    v1.setup_attempts.list({"setup_intent": v1.setup_intents.list().data[0].id})
    v1.payment_methods.detach(method)
    v1.customers.delete(customer)
    with pytest.raises(stripe.InvalidRequestError):
        v1.customers.retrieve("cus_none")


class TestTheInterface:
    def test_takes_no_parameter_that_stripe_does_not_have(self):
        strangers = {
            f"{route.method} {route.path}": extra
            for route in ROUTES
            if (extra := set(route.takes.kinds) - allowed_parameters(route.method, route.path))
        }
        assert strangers == {}

    def test_answers_in_stripes_shapes(self, world):
        everything(world)
        assert len(world.exchanges) > 100
        assert sorted({problem for exchange in world.exchanges for problem in problems(exchange)}) == []

    def test_leaves_out_no_property(self, world):
        everything(world)
        schemas = contract()["components"]["schemas"]
        missing, seen = set(), set()
        for exchange in world.exchanges:
            for thing in objects_in(exchange.answer):
                kind = thing["object"]
                seen.add(kind)
                wanted = set(schemas[kind]["properties"]) - OPTIONAL.get(kind, set())
                missing |= {f"{kind}.{name}" for name in wanted - set(thing)}
        assert sorted(missing) == []
        assert seen == IMPORTANT

    def test_knows_every_event_it_sends(self, world):
        everything(world)
        names = operations()["POST", "/v1/webhook_endpoints"]["requestBody"]["content"]
        schema = names["application/x-www-form-urlencoded"]["schema"]["properties"]["enabled_events"]
        assert set(world.event_types()) <= set(schema["items"]["enum"])
