"""Webhooks of the gateway: proved by their signature, then read for what they are about."""

import hashlib
import hmac
import json
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from tests.bench import START
from tests.till import Till

from parkerflight.payments import operations as payments
from parkerflight.payments.gateway import BadSignature
from parkerflight.settings.config import load

SECRET = "whsec_for_tests"


@pytest.fixture
def till(owner, as_role, stripe_sandbox, virtual_clock):
    return Till(owner, as_role, stripe_sandbox, virtual_clock)


@pytest.fixture
def secret(monkeypatch):
    real = type(load()).secret
    monkeypatch.setattr(
        "parkerflight.settings.config.Config.secret",
        lambda self, name: SECRET if name == "stripe_webhook_secret" else real(self, name),
    )
    return SECRET


def signed(body, secret=SECRET, at=START):
    stamp = int(at.timestamp())
    mac = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={stamp},v1={mac}"}


def event(kind, thing, previous=None):
    data = {"object": thing} | ({"previous_attributes": previous} if previous else {})
    return json.dumps({"id": "evt_1", "object": "event", "type": kind, "data": data}, indent=2).encode()


INTENT = {"id": "pi_1", "object": "payment_intent", "customer": "cus_1", "metadata": {}}


class TestANotice:
    def test_says_what_it_is_about_and_whose_it_is(self, secret):
        owner_id, payment_id = uuid4(), uuid4()
        ids = {"owner_id": str(owner_id), "payment_id": str(payment_id)}
        body = event("payment_intent.canceled", INTENT | {"metadata": ids})
        read = payments.gateway().read_event(body, signed(body), now=START)
        assert (read.id, read.kind, read.object_id) == ("evt_1", "payment_intent.canceled", "pi_1")
        assert (read.owner_id, read.payment_id, read.intent) == (owner_id, payment_id, "pi_1")

    @pytest.mark.parametrize("kind", ["charge", "refund", "dispute", "review", "radar.early_fraud_warning"])
    def test_names_the_payment_of_an_object_without_our_ids(self, secret, kind):
        body = event(f"{kind}.created", {"id": "x_1", "object": kind, "payment_intent": "pi_9"})
        read = payments.gateway().read_event(body, signed(body), now=START)
        assert (read.object_id, read.intent, read.owner_id, read.payment_id) == ("x_1", "pi_9", None, None)

    def test_names_the_customer_a_card_was_taken_from(self, secret):
        thing = {"id": "pm_1", "object": "payment_method", "customer": None}
        body = event("payment_method.detached", thing, {"customer": "cus_7"})
        read = payments.gateway().read_event(body, signed(body), now=START)
        assert (read.object_id, read.customer, read.intent) == ("pm_1", "cus_7", "")

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Stripe-Signature": ""},
            {"Stripe-Signature": "t=1,v1=00"},
            {"Stripe-Signature": "nonsense"},
            {"Stripe-Signature": f"t={int(START.timestamp())}"},
        ],
    )
    def test_without_a_signature_is_refused(self, secret, headers):
        with pytest.raises(BadSignature):
            payments.gateway().read_event(event("x", INTENT), headers, now=START)

    def test_that_was_changed_by_one_byte_is_refused(self, secret):
        body = event("payment_intent.canceled", INTENT)
        with pytest.raises(BadSignature):
            payments.gateway().read_event(body + b" ", signed(body), now=START)

    def test_of_another_secret_is_refused(self, secret):
        body = event("payment_intent.canceled", INTENT)
        with pytest.raises(BadSignature):
            payments.gateway().read_event(body, signed(body, "whsec_other"), now=START)

    @pytest.mark.parametrize("blank", ["", "   ", "\n"])
    def test_is_refused_while_the_secret_is_blank(self, monkeypatch, blank):
        monkeypatch.setattr("parkerflight.settings.config.Config.secret", lambda *_: blank)
        from parkerflight.payments.stripe import notices

        body = event("payment_intent.canceled", INTENT)
        with pytest.raises(BadSignature):
            notices.read(body, signed(body, blank), blank, now=START)

    @pytest.mark.parametrize(("age", "taken"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)])
    def test_is_taken_for_five_minutes_either_way_by_the_time_given(self, secret, age, taken):
        body = event("payment_intent.canceled", INTENT)
        headers = signed(body, at=START - timedelta(seconds=age))
        if taken:
            assert payments.gateway().read_event(body, headers, now=START)
        else:
            with pytest.raises(BadSignature):
                payments.gateway().read_event(body, headers, now=START)

    @pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"data": 1}', b"\xff\xfe", b'{"id": 1, "data": {}}'])
    def test_that_is_signed_but_no_event_is_refused(self, secret, body):
        with pytest.raises(BadSignature):
            payments.gateway().read_event(body, signed(body), now=START)

    def test_from_the_gateway_itself_is_taken(self, secret, till):
        hook = Receiver()
        try:
            till.control("webhook_endpoints", url=hook.url, secret=SECRET)
            payment_id = till.held()
            body, headers = hook.wait_for("payment_intent.amount_capturable_updated")
        finally:
            hook.close()
        read = payments.gateway().read_event(body, headers, now=till.clock.now())
        assert (read.payment_id, read.owner_id) == (payment_id, till.owner_id)


class Receiver:
    def __init__(self):
        import http.server
        import threading

        self.received = received = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                received.append((self.rfile.read(int(self.headers["Content-Length"])), dict(self.headers)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                """Quiet."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def wait_for(self, kind):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            for body, headers in self.received:
                if json.loads(body)["type"] == kind:
                    return body, headers
            time.sleep(0.02)
        raise AssertionError("the notice did not come")

    def close(self):
        self.server.shutdown()
        self.server.server_close()
