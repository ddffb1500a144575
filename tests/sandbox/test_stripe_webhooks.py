"""Webhooks: signed for Stripe's own verifier, repeated until taken, and troubled by faults on request."""

import json

import pytest
import stripe

from tests.sandbox.conftest import wait_for


@pytest.fixture
def endpoint(world, inbox):
    wish = {"url": inbox.url, "enabled_events": ["customer.created", "payment_intent.succeeded"]}
    return world.v1.webhook_endpoints.create(wish)


def arrived(inbox, count):
    wait_for(lambda: len(inbox.received) >= count)
    return inbox.types()


@pytest.mark.usefixtures("endpoint")
class TestAWebhook:
    def test_convinces_stripes_own_verifier(self, world, inbox, endpoint):
        customer = world.customer()
        arrived(inbox, 1)
        headers, body = inbox.received[0]
        event = world.client.construct_event(body, headers["Stripe-Signature"], endpoint.secret)
        assert (event.type, event.data.object.id) == ("customer.created", customer.id)
        with pytest.raises(stripe.SignatureVerificationError):
            world.client.construct_event(body + b" ", headers["Stripe-Signature"], endpoint.secret)

    def test_names_the_request_behind_it(self, world, inbox):
        customer = world.v1.customers.create({}, {"idempotency_key": "key-1"})
        arrived(inbox, 1)
        request = json.loads(inbox.received[0][1])["request"]
        assert request == {"id": customer.last_response.request_id, "idempotency_key": "key-1"}

    def test_comes_only_for_the_events_wanted(self, world, inbox):
        world.paid()
        assert sorted(arrived(inbox, 2)) == ["customer.created", "payment_intent.succeeded"]
        world.settle()
        assert len(inbox.received) == 2

    def test_is_counted_down_once_taken(self, world):
        world.customer()
        wait_for(lambda: world.v1.events.list({"delivery_success": True}).data)
        assert world.v1.events.list({"delivery_success": False}).data == []

    def test_is_repeated_on_the_virtual_clock_after_a_failure(self, world, inbox):
        inbox.answers = [500, 404]
        world.customer()
        arrived(inbox, 1)
        wait_for(lambda: world.v1.events.list({"delivery_success": False}).data)
        world.advance(11)
        arrived(inbox, 2)
        wait_for(lambda: world.control("GET", "webhooks")["deliveries"][0]["attempts"] == 2)
        world.advance(31)
        arrived(inbox, 3)
        wait_for(lambda: world.control("GET", "webhooks")["deliveries"][0]["state"] == "delivered")
        assert world.control("GET", "webhooks")["deliveries"][0]["statuses"] == [500, 404, 200]
        assert len({body for _, body in inbox.received}) == 1

    def test_stops_when_the_endpoint_is_disabled_or_deleted(self, world, endpoint):
        world.v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
        world.customer()
        world.v1.webhook_endpoints.update(endpoint.id, {"disabled": False})
        world.v1.webhook_endpoints.delete(endpoint.id)
        world.customer()
        assert world.control("GET", "webhooks")["deliveries"] == []

    def test_shows_its_secret_once(self, world, endpoint):
        assert endpoint.secret.startswith("whsec_")
        assert "secret" not in world.v1.webhook_endpoints.retrieve(endpoint.id)


@pytest.mark.usefixtures("endpoint")
class TestATroubledWebhook:
    def test_is_lost(self, world, inbox):
        world.fault("WEBHOOK customer.*", "lose")
        world.customer()
        world.customer(email="second@example.com")
        arrived(inbox, 1)
        world.settle()
        (only,) = inbox.received
        assert json.loads(only[1])["data"]["object"]["email"] == "second@example.com"
        assert len(world.v1.events.list({"type": "customer.created"}).data) == 2

    def test_comes_twice_with_the_same_id(self, world, inbox):
        world.fault("WEBHOOK customer.created", "duplicate")
        world.customer()
        arrived(inbox, 2)
        assert len({json.loads(body)["id"] for _, body in inbox.received}) == 1

    def test_waits_on_the_virtual_clock(self, world, inbox):
        world.fault("WEBHOOK customer.created", "delay", seconds=3_600)
        world.customer(email="late@example.com")
        world.customer(email="early@example.com")
        arrived(inbox, 1)
        assert world.control("GET", "webhooks")["pending"] == 1
        world.advance(3_601)
        arrived(inbox, 2)
        mails = [json.loads(body)["data"]["object"]["email"] for _, body in inbox.received]
        assert mails == ["early@example.com", "late@example.com"]

    def test_swaps_with_the_next(self, world, inbox):
        world.fault("WEBHOOK customer.created", "reorder")
        world.paid()
        assert arrived(inbox, 2) == ["payment_intent.succeeded", "customer.created"]
