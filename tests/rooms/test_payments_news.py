"""What happens outside: webhooks proved and read, payments looked at again, disputes heard in any order and answered."""

import hashlib
import hmac
import json
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from tests.bench import START
from tests.till import PRICE, Till

from parkerflight.core.errors import NotFound, OutcomeUnknown, Terminal
from parkerflight.core.money import Money
from parkerflight.payments import operations as payments
from parkerflight.payments import queries
from parkerflight.payments.gateway import BadSignature, DisputeKind
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


class TestLookingAgain:
    def look(self, till, payment_id):
        return payments.refresh(owner_id=till.owner_id, payment_id=payment_id, now=till.clock.now())

    def test_notices_a_hold_that_lapsed(self, till):
        payment_id = till.held()
        till.clock.advance(days=6)
        assert self.look(till, payment_id).state == "released"

    def test_notices_money_taken_and_given_back_outside(self, till):
        payment_id = till.held()
        intent = till.state(payment_id).intent
        till.browser.payment_intents.capture(intent)
        till.browser.refunds.create({"payment_intent": intent, "amount": 500})
        state = self.look(till, payment_id)
        assert (state.state, state.captured, state.refunded) == ("captured", PRICE, Money(500, "GBP"))

    def test_leaves_a_hold_alone(self, till):
        payment_id = till.held()
        before = till.state(payment_id)
        assert self.look(till, payment_id) == before

    def test_notices_a_superseded_payment_that_was_taken_while_the_next_one_is_live(self, till):
        first = till.held()
        second = payments.supersede_payment(
            owner_id=till.owner_id, payment_id=first, mandate_id=till.mandate_id, card_id=till.card_id, amount=PRICE,
            campaign_id=uuid4(), now=till.clock.now(),
        )  # fmt: skip
        till.browser.payment_intents.capture(till.state(first).intent)
        assert self.look(till, first).state == "captured"
        assert till.state(second).state == "created"
        assert till.run(payments.refund, first, amount=PRICE, cause="superseded").status == "succeeded"

    def test_notices_a_review_and_its_end(self, till):
        payment_id = till.held()
        path = f"payment_intents/{till.state(payment_id).intent}/review"
        assert not till.state(payment_id).review_open
        till.control(path, action="open")
        assert self.look(till, payment_id).review_open
        till.control(path, action="close", reason="approved")
        assert not self.look(till, payment_id).review_open

    def test_changes_nothing_the_second_time(self, till, admin):
        payment_id = till.taken()
        first = self.look(till, payment_id)
        entries = admin.execute("SELECT count(*) FROM audit_entry").fetchone()
        assert self.look(till, payment_id) == first
        assert admin.execute("SELECT count(*) FROM audit_entry").fetchone() == entries

    def test_calls_nobody_before_there_is_anything_to_look_at(self, till):
        assert self.look(till, till.prepare()).state == "created"

    def test_lists_every_payment_since_a_moment_over_all_pages(self, till, monkeypatch):
        monkeypatch.setattr("parkerflight.payments.stripe.adapter.PAGE", 2)
        made = {str(till.held()) for _ in range(5)}
        seen = list(payments.gateway().payments_since(START))
        assert {view.metadata["payment_id"] for view in seen} == made
        assert len(seen) == 5
        till.clock.advance(minutes=1)
        assert list(payments.gateway().payments_since(till.clock.now())) == []

    def test_knows_whose_customer_a_customer_is(self, till):
        till.held()
        customer = till.stripe.ledger()["payment_intents"][0]["customer"]
        assert payments.gateway().owner_of_customer(customer) == till.owner_id


class TestADispute:
    def hear(self, till, reference, kind=DisputeKind.DISPUTE):
        return payments.hear_dispute(reference=reference, kind=kind, now=till.clock.now())

    def opened(self, till, **how):
        payment_id = till.taken()
        made = till.control(f"payment_intents/{till.state(payment_id).intent}/dispute", **how)
        return payment_id, made["id"]

    def test_is_written_down_with_its_deadline(self, till):
        payment_id, reference = self.opened(till)
        state = self.hear(till, reference)
        assert (state.payment_id, state.status, state.amount) == (payment_id, "needs_response", PRICE)
        assert state.due_by > till.clock.now()
        assert till.state(payment_id).disputed
        assert [one.id for one in queries.disputes(till.owner_id, payment_id)] == [state.id]

    def test_is_one_however_often_it_is_heard(self, till):
        payment_id, reference = self.opened(till)
        assert self.hear(till, reference) == self.hear(till, reference)
        assert len(queries.disputes(till.owner_id, payment_id)) == 1

    def test_may_be_born_lost_and_won_late(self, till):
        _, reference = self.opened(till, status="lost")
        state = self.hear(till, reference)
        assert (state.status, state.due_by) == ("lost", None)
        assert state.closed_at
        till.control(f"disputes/{reference}/decide", won=True)
        assert self.hear(till, reference).status == "won"

    def test_may_be_heard_first_when_it_is_over(self, till):
        _, reference = self.opened(till)
        till.control(f"disputes/{reference}/decide", won=False)
        assert self.hear(till, reference).status == "lost"

    def test_may_be_for_more_than_was_taken(self, till):
        _, reference = self.opened(till, amount=PRICE.minor + 900)
        assert self.hear(till, reference).amount.minor == PRICE.minor + 900

    def test_of_somebody_elses_payment_is_nobodys(self, till):
        intent = till.browser.payment_intents.create(
            {"amount": 900, "currency": "gbp", "payment_method": "pm_card_visa", "confirm": True,
             "allowed_payment_method_types": ["card"]}
        )  # fmt: skip
        made = till.control(f"payment_intents/{intent.id}/dispute")
        assert self.hear(till, made["id"]) is None
        assert self.hear(till, "du_none") is None

    def test_early_warning_and_review_are_heard_too(self, till):
        payment_id = till.taken()
        intent = till.state(payment_id).intent
        warning = till.control(f"payment_intents/{intent}/early_fraud_warning")
        review = till.control(f"payment_intents/{intent}/review", action="open")
        assert self.hear(till, warning["id"], DisputeKind.EARLY_FRAUD_WARNING).status == "actionable"
        assert self.hear(till, review["id"], DisputeKind.REVIEW).status == "open"
        assert till.state(payment_id).review_open
        till.control(f"payment_intents/{intent}/review", action="close", reason="approved")
        assert self.hear(till, review["id"], DisputeKind.REVIEW).status == "approved"
        assert not till.state(payment_id).review_open
        assert not till.state(payment_id).disputed

    def test_is_out_of_a_strangers_reach(self, till, stranger):
        payment_id, reference = self.opened(till)
        state = self.hear(till, reference)
        assert queries.disputes(stranger, payment_id) == []
        with pytest.raises(NotFound):
            self.stage(till, state, owner_id=stranger)

    def stage(self, till, dispute, evidence=None, **changes):
        wanted = {"owner_id": till.owner_id, "dispute_id": dispute.id, "submit": False, "now": till.clock.now()}
        texts = evidence or {"customer_name": "Ada Example", "uncategorized_text": "The ticket was flown."}
        return payments.stage_evidence(**(wanted | changes), evidence=texts)

    def gateways(self, till, reference):
        return till.browser.disputes.retrieve(reference)

    def test_takes_evidence_staged_then_handed_in_once(self, till):
        _, reference = self.opened(till)
        dispute = self.hear(till, reference)
        assert self.stage(till, dispute).evidence_submitted_at is None
        assert self.gateways(till, reference).evidence.customer_name == "Ada Example"
        assert self.gateways(till, reference).evidence_details.submission_count == 0
        for _ in range(2):
            state = self.stage(till, dispute, submit=True)
            assert (state.status, state.evidence_submitted_at) == ("under_review", till.clock.now())
        assert self.gateways(till, reference).evidence_details.submission_count == 1

    @pytest.mark.parametrize("action", ["close_after", "close_before", "error_after", "status", "malformed"])
    def test_hands_evidence_in_once_when_the_answer_is_lost(self, till, action):
        _, reference = self.opened(till)
        dispute = self.hear(till, reference)
        till.stripe.fault(route="POST /v1/disputes/*", action=action)
        with pytest.raises(OutcomeUnknown):
            self.stage(till, dispute, submit=True)
        assert self.stage(till, dispute, submit=True).status == "under_review"
        assert self.gateways(till, reference).evidence_details.submission_count == 1

    def test_keeps_no_evidence_in_our_books(self, till, admin):
        _, reference = self.opened(till)
        self.stage(till, self.hear(till, reference))
        for table in ("payments_vendorcall", "payments_dispute", "audit_entry"):
            rows = admin.execute(f"SELECT to_json(t) FROM {table} t").fetchall()
            assert "Ada Example" not in json.dumps(rows)

    def test_takes_no_evidence_after_its_deadline_or_its_end(self, till):
        _, reference = self.opened(till)
        dispute = self.hear(till, reference)
        with pytest.raises(Terminal, match="No evidence"):
            self.stage(till, dispute, now=dispute.due_by)
        _, lost = self.opened(till, status="lost")
        with pytest.raises(Terminal, match="No evidence"):
            self.stage(till, self.hear(till, lost))
