"""A disputed payment: everything that speaks for it, gathered once, handed in once."""

import json
import logging

import pytest
from tests.scenario import cli

from parkerflight.bookings import evidence, evidence_texts
from parkerflight.bookings import tasks as _tasks  # noqa: F401 - the jobs the saga queues
from parkerflight.core.errors import BadInput, NotFound, Terminal
from parkerflight.payments import operations as payments
from parkerflight.payments import queries as payment_queries
from parkerflight.payments.gateway import DisputeKind

ACTOR = "operator:kim"


@pytest.fixture
def disputed(booked, mails):
    """A booked and paid trip whose cardholder disputes the payment, heard of in our books."""
    from parkerflight.bookings import completion
    from parkerflight.notifications import operations as notifications
    from parkerflight.notifications.models import Message

    attempt = booked.attempts[-1]["id"]
    completion.confirm(owner_id=booked.owner_id, attempt_id=attempt, now=booked.clock.now())
    for message_id in list(Message.objects.values_list("id", flat=True)):
        notifications.deliver(message_id=message_id, now=booked.clock.now())
    booked.clock.advance(days=3)
    return Disputed(booked)


class Disputed:
    """The dispute in the sandbox and in our books."""

    def __init__(self, scenario, reason="fraudulent"):
        self.scenario = scenario
        payment_id = scenario.attempts[-1]["payment_id"]
        intent = payment_queries.payment(scenario.owner_id, payment_id).intent
        made = scenario.stripe.http.post(f"/_sandbox/payment_intents/{intent}/dispute", json={"reason": reason})
        self.reference = made.raise_for_status().json()["id"]
        self.state = self.hear()

    def hear(self):
        now = self.scenario.clock.now()
        return payments.hear_dispute(reference=self.reference, kind=DisputeKind.DISPUTE, now=now)

    @property
    def ids(self):
        return {"owner_id": self.scenario.owner_id, "dispute_id": self.state.id}

    def pack(self, **changes):
        return evidence.pack(**(self.ids | {"actor": ACTOR, "now": self.scenario.clock.now()} | changes))

    def hand_in(self, **changes):
        wanted = {"actor": ACTOR, "now": self.scenario.clock.now(), "submit": True}
        return evidence.hand_in(**(self.ids | wanted | changes))

    def at_the_gateway(self):
        headers = {"Authorization": "Bearer sk_test_sandbox"}
        return self.scenario.stripe.http.get(f"/v1/disputes/{self.reference}", headers=headers).json()


class TestThePack:
    def test_names_the_ticket_the_traveller_and_the_day(self, disputed):
        trip = disputed.scenario.trips[0]
        texts = disputed.pack().evidence
        assert trip.order["booking_reference"] in texts["product_description"]
        assert trip.order["tickets"][0]["number"] in texts["product_description"]
        assert texts["customer_name"] == "Amelia Hartwell"
        assert texts["customer_email_address"] == "owner@example.org"
        assert texts["customer_purchase_ip"] == "203.0.113.9"
        assert str(trip.total) in texts["uncategorized_text"]

    def test_shows_the_permission_word_for_word_and_when_it_was_signed(self, disputed):
        pack = disputed.pack()
        payment = payment_queries.payment(disputed.scenario.owner_id, disputed.state.payment_id)
        mandate = payments.mandate_document(owner_id=disputed.scenario.owner_id, mandate_id=payment.mandate_id)
        assert mandate.text in pack.evidence["uncategorized_text"]
        assert mandate.text in pack.evidence["cancellation_policy_disclosure"]
        assert mandate.text_sha256 in pack.evidence["uncategorized_text"]
        assert pack.mandate_html == mandate.html
        assert "permission signed from 203.0.113.9" in pack.evidence["access_activity_log"]

    def test_tells_what_happened_in_order_with_the_letters(self, disputed):
        pack = disputed.pack()
        told = "\n".join(pack.timeline)
        assert list(pack.timeline) == sorted(pack.timeline)
        for step in ("mandate signed", "campaign activated", "attempt ordered", "attempt completed", "mail sent: "):
            assert step in told
        reference = disputed.scenario.trips[0].order["booking_reference"]
        assert reference in pack.letters or "Booked" in pack.letters

    def test_is_the_same_each_time_whatever_happened_since(self, disputed):
        first = disputed.pack()
        disputed.scenario.clock.advance(days=1)
        assert disputed.pack().evidence == first.evidence

    def test_has_only_fields_that_take_text_and_none_empty(self, disputed):
        texts = disputed.pack().evidence
        files = {"customer_communication", "receipt", "service_documentation", "customer_signature"}
        assert not files & texts.keys(), "Stripe wants uploaded files there"
        assert all(text.strip() for text in texts.values())
        assert "refund_refusal_explanation" not in texts

    def test_is_written_down_with_its_purpose_and_shows_nothing_in_logs(self, disputed, admin):
        pack = disputed.pack()
        entries = admin.execute(
            "SELECT actor, action, details FROM audit_entry WHERE action LIKE 'dispute.%'"
        ).fetchall()
        assert entries == [(ACTOR, "dispute.evidence_opened", {"purpose": "dispute"})]
        assert "Amelia" not in repr(pack)

    def test_is_out_of_a_strangers_reach(self, disputed, stranger):
        with pytest.raises(NotFound):
            disputed.pack(owner_id=stranger)


class TestTheLimits:
    def test_are_kept_by_cutting_the_longest_texts(self):
        texts = {f"field_{number}": "x" * 30_000 for number in range(9)} | {"customer_name": "Amelia"}
        kept = evidence_texts.fitted(texts)
        assert sum(map(len, kept.values())) <= evidence_texts.MOST_TOGETHER
        assert max(map(len, kept.values())) <= evidence_texts.MOST_A_FIELD
        assert kept["customer_name"] == "Amelia"

    def test_leave_short_texts_alone(self):
        assert evidence_texts.fitted({"customer_name": "Amelia"}) == {"customer_name": "Amelia"}

    def test_refuse_edited_texts_that_are_too_long(self, disputed):
        with pytest.raises(BadInput, match=r"20,000"):
            disputed.hand_in(edited={"uncategorized_text": "x" * 20_001})
        assert disputed.at_the_gateway()["evidence_details"]["submission_count"] == 0


class TestHandingIn:
    def test_leaves_our_texts_with_the_dispute_once(self, disputed):
        wanted = disputed.pack().evidence
        for _ in range(2):
            assert disputed.hand_in().status == "under_review"
        there = disputed.at_the_gateway()
        assert there["evidence_details"]["submission_count"] == 1
        assert {name: there["evidence"][name] for name in wanted} == wanted

    def test_may_stage_first(self, disputed):
        assert disputed.hand_in(submit=False).status == "needs_response"
        assert disputed.at_the_gateway()["evidence"]["customer_name"] == "Amelia Hartwell"
        assert disputed.hand_in().status == "under_review"

    @pytest.mark.parametrize(("text", "verdict"), [("winning_evidence", "won"), ("losing_evidence", "lost")])
    def test_ends_as_the_bank_decides(self, disputed, text, verdict):
        disputed.hand_in(edited=disputed.pack().evidence | {"uncategorized_text": text})
        disputed.scenario.clock.advance(minutes=2)
        ended = disputed.hear()
        assert (ended.status, bool(ended.closed_at)) == (verdict, True)
        assert payment_queries.open_disputes() == []

    def test_comes_too_late_after_the_deadline(self, disputed):
        with pytest.raises(Terminal, match="No evidence"):
            disputed.hand_in(now=disputed.state.due_by)


class TestHearingOfOne:
    def test_alerts_the_team_with_the_deadline_and_no_personal_data(self, booked, caplog):
        with caplog.at_level(logging.WARNING):
            disputed = Disputed(booked)
        told = " ".join(record.getMessage() for record in caplog.records)
        assert str(disputed.state.id) in told
        assert f"{disputed.state.due_by:%Y-%m-%d}" in told
        assert "Amelia" not in told


class TestTheCommand:
    def test_lists_packs_and_submits(self, disputed, tmp_path):
        worker = {"PARKER_PROCESS": "worker"}
        listed = cli("disputes", "list", "--json", **worker)
        assert [one["id"] for one in json.loads(listed.stdout)] == [str(disputed.state.id)], listed.stderr[-800:]
        folder = tmp_path / "pack"
        packed = cli("disputes", "pack", str(disputed.state.id), "--out", str(folder), "--by", "kim", **worker)
        assert packed.returncode == 0, packed.stderr[-800:]
        names = {path.name for path in folder.iterdir()}
        assert names == {"README.txt", "evidence.json", "mandate.html", "timeline.txt", "letters.txt"}
        assert (folder / "evidence.json").stat().st_mode & 0o077 == 0
        again = cli("disputes", "pack", str(disputed.state.id), "--out", str(folder), "--by", "kim", **worker)
        assert again.returncode == 2
        handed = cli(
            "disputes", "submit", str(disputed.state.id), "--by", "kim", "--evidence", str(folder / "evidence.json"),
            **worker,
        )  # fmt: skip
        assert "under_review" in handed.stdout, handed.stderr[-800:]

    def test_refuses_what_is_no_open_dispute(self, disputed, tmp_path):
        nobody = "00000000-0000-4000-8000-000000000000"
        assert cli("disputes", "submit", nobody, "--by", "kim", PARKER_PROCESS="worker").returncode == 2
