"""Webhooks at the door: real signatures, and a real web process that a sandbox delivers to."""

import hashlib
import hmac
import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from django.test import Client
from tests.bench import START

from parkerflight.core import switches
from parkerflight.core.switches import Stop
from parkerflight.inbox.models import Event, Vendor
from parkerflight.interfaces.limits import Bucket
from parkerflight.interfaces.webhooks import views
from parkerflight.settings.config import load

STRIPE, DUFFEL = "/api/webhooks/stripe", "/api/webhooks/duffel"


@pytest.fixture(autouse=True)
def _fresh_limits():
    views.BUCKETS.update({vendor: Bucket(size=300, a_second=60) for vendor in Vendor})


@pytest.fixture
def door(database, as_role):
    """The web process's view, in this process."""
    with as_role("web"):
        yield Client(SERVER_NAME="localhost")


def stripe_body(event_id: str = "evt_1", **thing: object) -> bytes:
    about = {"id": "pi_1", "object": "payment_intent", "metadata": {"owner_id": "", "payment_id": ""}} | thing
    event = {"id": event_id, "object": "event", "type": "payment_intent.succeeded", "data": {"object": about}}
    return json.dumps(event, indent=1).encode()


def signature(body: bytes, secret: str, at: float = START.timestamp()) -> str:
    digest = hmac.new(secret.encode(), f"{int(at)}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={int(at)},v1={digest}"


def to_stripe(door, body: bytes, given: str | None = None):
    headers = {"Stripe-Signature": given or signature(body, load().secret("stripe_webhook_secret"))}
    return door.generic("POST", STRIPE, body, content_type="application/json", headers=headers)


def is_problem(answer, status: int, code: str) -> None:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == code


class TestTheDoorForStripe:
    def test_takes_a_signed_event_once_and_its_repetition_too(self, door, admin):
        assert to_stripe(door, stripe_body()).status_code == 200
        assert to_stripe(door, stripe_body()).status_code == 200
        row = admin.execute(
            "SELECT vendor, event_id, kind, object_id, subject, body_sha256, duplicates FROM inbox_event"
        ).fetchone()
        assert row[:4] == ("stripe", "evt_1", "payment_intent.succeeded", "pi_1")
        assert row[4] == {"intent": "pi_1"}
        assert row[5:] == (hashlib.sha256(stripe_body()).hexdigest(), 1)
        jobs = admin.execute("SELECT task_name FROM procrastinate_jobs").fetchall()
        assert jobs == [("bookings.hear",)]

    @pytest.mark.parametrize("given", ["", "t=1,v1=00", "nonsense", "v1=é"])
    def test_refuses_what_stripe_did_not_sign_and_stores_nothing(self, door, given):
        is_problem(to_stripe(door, stripe_body(), given or "-"), 400, "bad_signature")
        assert not Event.objects.exists()

    def test_refuses_a_body_that_was_touched_on_the_way(self, door):
        given = signature(stripe_body(), load().secret("stripe_webhook_secret"))
        is_problem(to_stripe(door, stripe_body() + b" ", given), 400, "bad_signature")

    def test_refuses_an_old_recording(self, door):
        given = signature(stripe_body(), load().secret("stripe_webhook_secret"), START.timestamp() - 3600)
        assert to_stripe(door, stripe_body(), given).status_code == 400

    def test_refuses_what_is_signed_but_no_event(self, door):
        assert to_stripe(door, b"[]").status_code == 400
        assert to_stripe(door, b"\xff\xfe").status_code == 400

    def test_says_nothing_about_the_person_to_the_log(self, door, caplog):
        caplog.set_level(logging.DEBUG)
        secret = stripe_body(receipt_email="amelia.hartwell@example.org")
        to_stripe(door, secret, "t=1,v1=00")
        to_stripe(door, secret)
        assert "webhook refused: vendor=stripe code=bad_signature" in caplog.text
        assert "amelia" not in caplog.text

    def test_takes_no_more_than_a_megabyte(self, door):
        big = stripe_body(description="x" * 2**20)
        is_problem(to_stripe(door, big), 413, "too_large")
        assert not Event.objects.exists()

    def test_is_open_to_post_only(self, door):
        answer = door.get(STRIPE)
        is_problem(answer, 405, "method_not_allowed")
        assert answer["Allow"] == "POST"

    def test_puts_off_a_flood_and_leaves_the_other_vendor_alone(self, door):
        views.BUCKETS[Vendor.STRIPE] = Bucket(size=2, a_second=0.001)
        answers = [to_stripe(door, stripe_body(f"evt_{number}")) for number in range(3)]
        assert [one.status_code for one in answers] == [200, 200, 429]
        assert answers[2]["Retry-After"] == "1"
        assert door.post(DUFFEL).status_code != 429

    def test_stays_open_while_the_system_is_read_only(self, door, as_role, database):
        with as_role("backoffice"):
            switches.turn(Stop.READ_ONLY, on=True, reason="tests", now=START)
        with as_role("web"):
            assert to_stripe(door, stripe_body()).status_code == 200

    def test_asks_to_come_again_when_the_secret_is_missing(self, door, monkeypatch):
        monkeypatch.delitem(load()._kept, "stripe_webhook_secret")
        answer = to_stripe(door, stripe_body(), "t=1,v1=00")
        is_problem(answer, 503, "not_set_up")
        assert "Retry-After" in answer


class TestTheDoorForDuffel:
    BODY = json.dumps(
        {
            "id": "wev_1", "type": "order.created", "api_version": "v2", "live_mode": False,
            "idempotency_key": "ord_1", "created_at": "2026-11-23T09:00:00Z",
            "data": {"object": {"id": "ord_1", "offer_id": "off_1"}},
        }
    ).encode()  # fmt: skip

    def test_stores_the_ids_and_nothing_else(self, door, admin):
        answer = self._send(door, signature(self.BODY, load().secret("duffel_webhook_secret")))
        assert answer.status_code == 200
        row = admin.execute("SELECT event_id, kind, object_id, subject FROM inbox_event").fetchone()
        assert row == ("wev_1", "order.created", "ord_1", {"order_id": "ord_1", "offer_id": "off_1"})

    def test_refuses_what_duffel_did_not_sign(self, door):
        is_problem(self._send(door, "t=1,v1=00"), 400, "wrong_signature")

    def _send(self, door, given: str):
        headers = {"X-Duffel-Signature": given}
        return door.generic("POST", DUFFEL, self.BODY, content_type="application/json", headers=headers)


@contextmanager
def web_process(**env: str) -> Iterator[str]:
    """A real web server; yields its address once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
               "--workers", "1", "--log-level", "warning", "parkerflight.interfaces.wsgi:application"]  # fmt: skip
    process = subprocess.Popen(command, env={**os.environ, "PARKER_PROCESS": "web", **env})
    try:
        _wait(lambda: _answers(f"http://127.0.0.1:{port}/healthz"))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def _wait(condition, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.mark.journey
class TestADelivery:
    def test_by_the_sandbox_reaches_the_inbox_once_even_when_repeated(self, database, stripe_sandbox, admin):
        http = httpx.Client(
            base_url=stripe_sandbox.base, headers={"Authorization": f"Bearer {load().secret('stripe_api_key')}"}
        )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            early = probe.getsockname()[1]
        made = http.post(
            "/v1/webhook_endpoints",
            data={"url": f"http://127.0.0.1:{early}{STRIPE}", "enabled_events[]": "customer.created"},
        ).raise_for_status().json()  # fmt: skip
        with web_process(STRIPE_WEBHOOK_SECRET=made["secret"]) as base:
            http.post(f"/v1/webhook_endpoints/{made['id']}", data={"url": base + STRIPE}).raise_for_status()
            stripe_sandbox.fault(route="WEBHOOK customer.created", action="duplicate", times=1)
            customer = http.post("/v1/customers", data={"name": "Amelia Hartwell"}).raise_for_status().json()
            _wait(lambda: admin.execute("SELECT duplicates FROM inbox_event").fetchall() == [(1,)])
        row = admin.execute("SELECT kind, object_id, handled_at FROM inbox_event").fetchone()
        assert row == ("customer.created", customer["id"], None)
        assert admin.execute("SELECT count(*) FROM procrastinate_jobs").fetchone() == (1,)

    def test_is_asked_to_come_again_while_the_database_is_down(self, database):
        body = stripe_body()
        headers = {"Stripe-Signature": signature(body, load().secret("stripe_webhook_secret"))}
        with web_process(PARKER_DATABASE_NAME="parker_is_not_there") as base:
            answer = httpx.post(base + STRIPE, content=body, headers=headers, timeout=30)
            assert answer.status_code == 503
            assert answer.json()["code"] == "try_again"
            assert int(answer.headers["Retry-After"]) > 0
