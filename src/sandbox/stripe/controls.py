"""The routes by which a test plays the customer, the bank and the account's own staff."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from sandbox.kit.server import REQUEST_ID, Handler
from sandbox.stripe import disputes, events, payments, refunds, reviews, setup_intents
from sandbox.stripe.errors import JSON, invalid
from sandbox.stripe.store import Call, Store

Control = Callable[[Store, str, JSON], JSON]


def _authenticated(finish: Callable[..., JSON]) -> Control:
    def control(store: Store, name: str, wish: JSON) -> JSON:
        if wish.get("outcome") not in ("success", "failure"):
            raise invalid("outcome is success or failure", param="outcome")
        return finish(store, name, success=wish["outcome"] == "success")

    return control


def _review(store: Store, name: str, wish: JSON) -> JSON:
    """`{"action": "open"}`, or `{"action": "close", "reason": "approved"}`."""
    if wish.get("action") == "open":
        return reviews.start(store, name)
    found = store.get("review", store.get("payment_intent", name)["review"] or "")
    return reviews.end(store, found, wish.get("reason", "approved"))


def _dispute(store: Store, name: str, wish: JSON) -> JSON:
    """`{"reason": …, "amount": minor units, "inquiry": bool, "status": "lost"}`, all of it optional."""
    charge = _taken(store, name)
    amount: int = {"amount": charge["amount_captured"], **wish}["amount"]
    return disputes.start(
        store,
        charge,
        str(wish.get("reason", "fraudulent")),
        amount,
        inquiry=bool(wish.get("inquiry")),
        lost=wish.get("status") == "lost",
    )


def _warning(store: Store, name: str, _: JSON) -> JSON:
    return disputes.warn(store, _taken(store, name))


def _taken(store: Store, name: str) -> JSON:
    charge = store.objects.get(store.get("payment_intent", name)["latest_charge"] or "")
    if charge is None or not charge["captured"]:
        raise invalid("Only money that was taken can be disputed.")
    return charge


def _decide(store: Store, name: str, wish: JSON) -> JSON:
    """`{"won": bool}`; a lost dispute may still be won."""
    return disputes.decide(store, store.get("dispute", name), won=bool(wish.get("won")))


def _fail_refund(store: Store, name: str, wish: JSON) -> JSON:
    """`{"reason": …}`: the bank sends the money back, however long ago the refund succeeded."""
    return refunds.fail(store, store.get("refund", name), wish.get("reason", "expired_or_canceled_card"))


def _endpoint(store: Store, _: str, wish: JSON) -> JSON:
    """`{"url": …, "secret": …, "enabled_events": […]}`: an endpoint whose secret is known beforehand."""
    made = events.create_endpoint(store, {"url": wish["url"], "enabled_events": wish.get("enabled_events", ["*"])})
    store.secrets[made["id"]] = wish["secret"]
    return {**made, "secret": wish["secret"]}


CONTROLS: dict[str, Control] = {
    "setup_intents/{name}/authenticate": _authenticated(setup_intents.authenticate),
    "payment_intents/{name}/authenticate": _authenticated(payments.authenticate),
    "payment_intents/{name}/review": _review,
    "payment_intents/{name}/dispute": _dispute,
    "payment_intents/{name}/early_fraud_warning": _warning,
    "disputes/{name}/decide": _decide,
    "refunds/{name}/fail": _fail_refund,
    "webhook_endpoints": _endpoint,
}


def routes(store: Store, answer: Callable[[JSON], web.Response]) -> list[web.RouteDef]:
    """Return the routes; refusals leave as Stripe's errors."""

    def serving(control: Control) -> Handler:
        async def serve(request: web.Request) -> web.StreamResponse:
            wish: Any = await request.json() if request.can_read_body else {}
            store.call = Call(request[REQUEST_ID])
            return answer(control(store, request.match_info.get("name", ""), wish))

        return serve

    return [web.post(f"/_sandbox/{path}", serving(control)) for path, control in CONTROLS.items()]
