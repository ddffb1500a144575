"""The back door: reviews, late failures, disputes and warnings that a test brings on."""

import urllib.error

import pytest


class TestAReview:
    def test_opens_on_the_charge_and_closes_for_a_reason(self, world):
        done = world.paid()
        world.control("POST", f"payment_intents/{done.id}/review", {"action": "open"})
        charge = world.v1.payment_intents.retrieve(done.id, {"expand": ["latest_charge.review"]}).latest_charge
        assert (charge.outcome.type, charge.review.open) == ("manual_review", True)
        world.control("POST", f"payment_intents/{done.id}/review", {"action": "close", "reason": "refunded_as_fraud"})
        review = world.v1.reviews.retrieve(charge.review.id)
        assert (review.open, review.closed_reason) == (False, "refunded_as_fraud")
        assert world.event_types()[-2:] == ["review.opened", "review.closed"]
        assert world.v1.reviews.list().data == []

    def test_is_refused_where_there_is_nothing_to_review_or_to_close(self, world):
        intent = world.v1.payment_intents.create({"amount": 900, "currency": "usd"})
        for action in ("open", "close"):
            with pytest.raises(urllib.error.HTTPError):
                world.control("POST", f"payment_intents/{intent.id}/review", {"action": action})


class TestARefund:
    def test_may_fail_long_after_it_succeeded(self, world):
        done = world.paid()
        given = world.v1.refunds.create({"payment_intent": done.id, "metadata": {"refund_id": "r1"}})
        assert (given.status, given.metadata["refund_id"]) == ("succeeded", "r1")
        world.advance(20 * 86_400)
        world.control("POST", f"refunds/{given.id}/fail", {"reason": "lost_or_stolen_card"})
        again = world.v1.refunds.retrieve(given.id)
        assert (again.status, again.failure_reason) == ("failed", "lost_or_stolen_card")
        assert world.ledger()["payment_intents"][0]["refunded"] == 0
        assert "refund.failed" in world.event_types()
        with pytest.raises(urllib.error.HTTPError):
            world.control("POST", f"refunds/{given.id}/fail")


class TestADispute:
    def test_may_be_born_lost_and_won_late(self, world):
        made = world.control("POST", f"payment_intents/{world.paid().id}/dispute", {"status": "lost"})
        assert (made["status"], made["evidence_details"]["due_by"]) == ("lost", 0)
        world.control("POST", f"disputes/{made['id']}/decide", {"won": True})
        assert world.v1.disputes.retrieve(made["id"]).status == "won"
        assert world.event_types()[-2:] == ["charge.dispute.funds_reinstated", "charge.dispute.closed"]

    def test_needs_money_that_was_taken(self, world):
        held = world.hold(*world.saved())
        for what in ("dispute", "early_fraud_warning"):
            with pytest.raises(urllib.error.HTTPError):
                world.control("POST", f"payment_intents/{held.id}/{what}")

    def test_may_be_announced_by_a_warning(self, world):
        done = world.paid()
        made = world.control("POST", f"payment_intents/{done.id}/early_fraud_warning")
        assert world.v1.radar.early_fraud_warnings.retrieve(made["id"]).payment_intent == done.id


class TestAnEndpoint:
    def test_may_be_made_with_a_secret_known_beforehand(self, world, inbox):
        world.control("POST", "webhook_endpoints", {"url": inbox.url, "secret": "whsec_known"})
        world.customer()
        world.settle()
        headers, body = inbox.received[0]
        assert world.client.construct_event(body, headers["Stripe-Signature"], "whsec_known", tolerance=10**9)
