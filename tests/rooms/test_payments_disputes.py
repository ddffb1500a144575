"""Disputes, warnings and reviews: heard in any order, answered once."""

import json

import pytest
from tests.till import PRICE, Till

from parkerflight.core.errors import NotFound, OutcomeUnknown, Terminal
from parkerflight.payments import operations as payments
from parkerflight.payments import queries
from parkerflight.payments.gateway import DisputeKind


@pytest.fixture
def till(owner, as_role, stripe_sandbox, virtual_clock):
    return Till(owner, as_role, stripe_sandbox, virtual_clock)


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
