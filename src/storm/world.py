"""What a story happens in: a database of its own, both vendors in this process, one clock, ids that follow from the seed."""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from parkerflight.core import clock, switches
from parkerflight.flights.duffel.adapter import DuffelProvider
from parkerflight.flights.operations import install as install_provider
from parkerflight.ops import postgres, template
from parkerflight.payments.door import install as install_gateway
from parkerflight.payments.stripe.adapter import StripeGateway
from parkerflight.settings.config import load
from sandbox.duffel.app import create_app as duffel_app
from sandbox.kit.clock import ClockState, VirtualClock
from sandbox.stripe.app import create_app as stripe_app
from storm.wire import DuffelTransport, StripeClient, Vendor

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # every story begins at this moment
FARES = 7  # one world of fares for all stories; their dates and routes differ
FAST = (("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off"), ("autovacuum", "off"))
HOOK = "http://127.0.0.1/api/webhooks/"


class _NoLimit:
    """The rate limit has tests of its own; here it would only make stories longer."""

    def acquire(self, key: str, now: datetime) -> timedelta:  # noqa: ARG002 - the limiter's shape
        return timedelta(0)

    def observe(self, key: str, headers: Any, now: datetime) -> None:
        """Nothing is learnt."""


class World:
    """Vendors, clock and database of this process; `begin` makes them new for a story."""

    def __init__(self, server: postgres.Server, name: str) -> None:
        self.server, self.database = server, name
        self.clock = VirtualClock()
        self.stripe = Vendor(stripe_app(seed=FARES, clock=self.clock), "stripe")
        self.duffel = Vendor(duffel_app(seed=FARES, clock=self.clock), "duffel")
        config = load()
        clock.install(self.clock.now)
        self._urandom = os.urandom
        install_gateway(
            StripeGateway(
                key=config.secret("stripe_api_key"), base="http://127.0.0.1", http_client=StripeClient(self.stripe)
            )
        )
        install_provider(
            DuffelProvider(
                base="http://127.0.0.1",
                token=config.secret("duffel_token"),
                limiter=_NoLimit(),
                webhook_secret=config.secret("duffel_webhook_secret"),
                transport=DuffelTransport(self.duffel),
            )
        )
        self.admin: psycopg.Connection[tuple[Any, ...]] | None = None

    def fresh_database(self) -> None:
        """An empty database, copied from the migrated template."""
        if self.admin is not None:
            self.admin.close()
        source = template.migrated(self.server)
        with psycopg.connect(self.server.url(), autocommit=True) as admin:
            admin.execute(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')
            admin.execute(f'CREATE DATABASE "{self.database}" TEMPLATE "{source}" OWNER parker_owner')
        self.admin = psycopg.connect(self.server.url(self.database), autocommit=True)

    def begin(self, seed: int) -> random.Random:
        """Set everything back to the first moment of the story `seed`, and return its source of chance."""
        self.clock._state = ClockState(real=0.0, virtual=START.timestamp(), rate=0.0)
        for vendor in (self.stripe, self.duffel):
            vendor.trouble = None
            # Ids of the story's own, never used again: a reset draws them from this seed on.
            vendor.sandbox.ids._seed = f"{vendor.name}/{seed}"
            vendor.control("POST", "/_sandbox/reset")
        self._open_hooks()
        switches.forget()
        draw = random.Random(f"urandom/{seed}")
        os.urandom = draw.randbytes
        return random.Random(f"story/{seed}")

    def end(self) -> None:
        """Give the process its real chance back."""
        os.urandom = self._urandom

    def _open_hooks(self) -> None:
        """Register our receivers; their secrets become this process's."""
        config = load()
        secret = config.secret("stripe_webhook_secret")
        self.stripe.control(
            "POST",
            "/_sandbox/webhook_endpoints",
            {"url": f"{HOOK}stripe", "secret": secret, "enabled_events": list(STRIPE_EVENTS)},
        )
        wish = {"url": f"{HOOK}duffel", "secret": config.secret("duffel_webhook_secret"), "events": list(DUFFEL_EVENTS)}
        self.duffel.control("POST", "/_sandbox/webhook", wish)

    def now(self) -> datetime:
        return self.clock.datetime()

    def advance(self, seconds: float) -> None:
        """Let time pass for everybody at once."""
        state = self.clock._state
        self.clock._state = ClockState(real=0.0, virtual=state.virtual + seconds, rate=0.0)
        for vendor in (self.stripe, self.duffel):
            vendor.sandbox.tick()


# What the product can act on; the rest would only be stored.
STRIPE_EVENTS = (
    "payment_intent.amount_capturable_updated", "payment_intent.payment_failed", "payment_intent.canceled", "charge.refunded",
    "refund.failed", "refund.updated", "payment_method.detached", "charge.dispute.created", "charge.dispute.closed",
    "radar.early_fraud_warning.created", "review.opened", "review.closed",
)  # fmt: skip
DUFFEL_EVENTS = (
    "order.created", "order.creation_failed", "payment.created", "order.airline_initiated_change_detected",
    "order_cancellation.created", "order_cancellation.confirmed",
)  # fmt: skip


def server() -> postgres.Server:
    """The storm's own PostgreSQL: fast because nobody's data depends on it."""
    return postgres.embedded(load().data, FAST)
