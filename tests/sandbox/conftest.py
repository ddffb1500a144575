"""A Stripe sandbox on loopback, in a thread, with a clock that stands still until a test moves it."""

import asyncio
import http.server
import json
import threading
import time
import urllib.request
from dataclasses import dataclass, field

import pytest
import stripe
from aiohttp import web

from sandbox.kit.clock import VirtualClock
from sandbox.kit.server import serve
from sandbox.stripe import forms
from sandbox.stripe.app import create_app

HOUR = 3_600
DAY = 86_400


class Loop:
    """An event loop in a thread."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()


@dataclass
class Exchange:
    """One request and its answer; `path` is the route's pattern."""

    method: str
    path: str
    sent: dict
    status: int
    answer: dict


def recorder(exchanges):
    @web.middleware
    async def record(request, handler):
        response = await handler(request)
        resource = request.match_info.route.resource
        if resource is not None and request.path.startswith("/v1/") and response.body is not None:
            sent = forms.parse(request.query_string) | forms.parse(await request.text())
            answer = json.loads(response.body)
            exchanges.append(Exchange(request.method, resource.canonical, sent, response.status, answer))
        return response

    return record


@dataclass
class StripeWorld:
    url: str
    clock: VirtualClock
    exchanges: list
    client: stripe.StripeClient = field(init=False)

    def __post_init__(self):
        self.client = self.client_with("sk_test_sandbox")

    def client_with(self, key, **options):
        return stripe.StripeClient(key, base_addresses={"api": self.url}, **options)

    @property
    def v1(self):
        return self.client.v1

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sandbox/{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def advance(self, seconds):
        return self.control("POST", "clock", {"advance": seconds})

    def fault(self, route, action, **more):
        return self.control("POST", "faults", {"route": route, "action": action, **more})

    def ledger(self):
        return self.control("GET", "ledger")

    def customer(self, **more):
        return self.v1.customers.create({"email": "ada@example.com", **more})

    def saved(self, name="visa"):
        """A customer and a card saved with consent, 3D Secure finished where asked for."""
        customer = self.customer()
        setup = self.v1.setup_intents.create(
            {
                "customer": customer.id,
                "payment_method": f"pm_card_{name}",
                "confirm": True,
                "usage": "off_session",
                "allowed_payment_method_types": ["card"],
            }
        )
        method = setup.payment_method
        if setup.status == "requires_action":
            self.control("POST", f"setup_intents/{setup.id}/authenticate", {"outcome": "success"})
        return customer.id, method

    def hold(self, customer, method, options=None, /, **more):
        """Authorise 250.00 USD with the customer away."""
        wish = {
            "amount": 25_000,
            "currency": "usd",
            "customer": customer,
            "payment_method": method,
            "capture_method": "manual",
            "confirm": True,
            "off_session": True,
            "metadata": {"booking": "b1"},
        }
        return self.v1.payment_intents.create({**wish, **more}, options or {})

    def paid(self, name="visa"):
        customer, method = self.saved(name)
        return self.v1.payment_intents.capture(self.hold(customer, method).id)

    def event_types(self):
        return [event.type for event in reversed(self.v1.events.list({"limit": 100}).data)]

    def settle(self):
        """Wait until no webhook is due any more."""
        wait_for(lambda: self.control("GET", "webhooks")["pending"] == 0)


def wait_for(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def stripe_server():
    loop, clock = Loop(), VirtualClock()
    clock.set_rate(0)

    exchanges = []

    async def start():
        app = create_app(seed=7, clock=clock)
        app.middlewares.insert(0, recorder(exchanges))
        return await serve(app)

    runner, port = loop.run(start())
    yield StripeWorld(f"http://127.0.0.1:{port}", clock, exchanges)
    loop.run(runner.cleanup())
    loop.close()


@pytest.fixture
def world(stripe_server):
    stripe_server.control("POST", "reset")
    stripe_server.exchanges.clear()
    return stripe_server


class Inbox:
    """A webhook receiver; `answers` are the statuses it gives, one after the other, then 200."""

    def __init__(self):
        self.received = []
        self.answers = []
        inbox = self

        class Receiver(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                inbox.received.append((dict(self.headers), body))
                self.send_response(inbox.answers.pop(0) if inbox.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                """Keep the test output clean."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def types(self):
        return [json.loads(body)["type"] for _, body in self.received]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def inbox():
    receiver = Inbox()
    yield receiver
    receiver.close()
