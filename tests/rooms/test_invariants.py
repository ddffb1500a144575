"""Each invariant finds the damage it is made for; on a clean booking none complains."""

import logging
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import psycopg
import pytest
from tests.scenario import cli, last_json

from parkerflight.bookings import completion
from parkerflight.ops import checking, invariants, queries
from parkerflight.ops.models import CheckRun

OLD = "'2026-01-01'"
ATTEMPT, PAYMENT, BOOKING = "bookings_bookingattempt", "payments_payment", "bookings_booking"
CANCELLATION = """INSERT INTO bookings_cancellation (id, owner_id, booking_id, quote_id, currency, refund_to, to_card_minor,
    penalty_minor, state, reason, tries, created_at, updated_at, human_since)
    SELECT gen_random_uuid(), owner_id, id, 'ore_1', currency, 'balance', {to_card}, 0, '{state}', '', 0, {at}, {at}, {human}
    FROM bookings_booking"""
REFUND = """INSERT INTO payments_refund (id, owner_id, payment_id, amount_minor, currency, cause, reference, status,
    failure_reason, created_at, updated_at)
    SELECT gen_random_uuid(), owner_id, id, 1, currency, 'x', '', 'pending', '', '2026-01-01', '2026-01-01' FROM payments_payment"""
SECOND = """INSERT INTO payments_payment (id, owner_id, attempt_id, try_no, card_id, mandate_id, amount_minor, currency, captured_minor,
    refunded_minor, intent, intent_ended, superseded, charge, state, failure_code, failure_kind, review_open, disputed,
    created_at, updated_at)
    SELECT gen_random_uuid(), owner_id, {attempt}, 2, card_id, mandate_id, amount_minor, currency, {captured}, 0, 'pi_2', false, true,
    '', '{state}', '', '', false, false, created_at, updated_at FROM payments_payment"""
DISPUTE = """INSERT INTO payments_dispute (id, owner_id, payment_id, reference, kind, status, reason, amount_minor, currency, due_by,
    opened_at, heard_at)
    SELECT gen_random_uuid(), owner_id, id, 'dp_1', 'dispute', 'needs_response', '', 1, currency, {at}, {at}, {at} FROM payments_payment"""
WORKED = "INSERT INTO procrastinate_periodic_defers (task_name) VALUES ('x'); "

DAMAGE = {
    "captured_without_ticket": f"UPDATE {BOOKING} SET tickets = 0, booked_at = {OLD}",
    "captured_twice_for_one_attempt": SECOND.format(attempt="attempt_id", captured="amount_minor", state="captured"),
    "captured_payment_is_not_the_attempts": f"UPDATE {ATTEMPT} SET payment_id = NULL",
    "ticket_without_capture": f"UPDATE {PAYMENT} SET captured_minor = 0, state = 'held'",
    "captured_amount_is_not_the_ticket_price": f"UPDATE {PAYMENT} SET captured_minor = captured_minor - 1",
    "authorisation_past_its_capture_time": f"UPDATE {PAYMENT} SET state = 'held', capture_before = {OLD}",
    "amount_above_the_mandate": "UPDATE payments_mandate SET cap_minor = 1",
    "payment_outside_its_mandate": f"UPDATE payments_mandate SET revoked_at = {OLD}",
    "released_but_money_still_held": f"UPDATE {ATTEMPT} SET state = 'released'",
    "earlier_payment_still_held": SECOND.format(attempt="attempt_id", captured=0, state="needs_customer"),
    "payment_without_an_attempt": SECOND.format(attempt="gen_random_uuid()", captured=0, state="held"),
    "dispute_near_its_deadline": DISPUTE.format(at=OLD),
    "cancelled_without_its_refund": CANCELLATION.format(to_card=5, state="settled", at=OLD, human="NULL"),
    "refunded_more_than_was_promised": REFUND,
    "refund_never_sent": REFUND,
    "cancelled_booking_without_a_reason": f"UPDATE {BOOKING} SET cancelled_at = {OLD}",
    "cancellation_of_a_standing_booking": CANCELLATION.format(to_card=0, state="confirmed", at=OLD, human="NULL"),
    "cancellation_needs_a_person": CANCELLATION.format(to_card=0, state="confirming", at=OLD, human=OLD),
    "cancellation_in_one_state_too_long": CANCELLATION.format(to_card=0, state="confirming", at=OLD, human="NULL"),
    "hold_near_its_deadline": f"UPDATE {ATTEMPT} SET state = 'held', hold_until = {OLD}",
    "hold_outlived_its_deadline": f"UPDATE {ATTEMPT} SET state = 'needs_customer', hold_until = {OLD}",
    "attempt_in_one_state_too_long": f"UPDATE {ATTEMPT} SET state = 'ordering', updated_at = {OLD}",
    "attempt_nobody_looks_at": f"UPDATE {ATTEMPT} SET state = 'unknown', due_at = {OLD}",
    "attempt_needs_a_person": f"UPDATE {ATTEMPT} SET state = 'unknown', human_since = {OLD}",
    "attempt_without_its_claim": f"UPDATE {ATTEMPT} SET state = 'unknown'",
    "order_without_a_booking": f"UPDATE {ATTEMPT} SET order_id = 'ord_other'",
    "campaign_books_without_an_attempt": "UPDATE campaigns_campaign SET status = 'booking'",
    "completed_campaign_without_a_booking": f"DELETE FROM {BOOKING}",
    "campaign_active_after_a_stop": "UPDATE campaigns_campaign SET status = 'active', wish = 'paused'",
    "booked_but_not_told": f"UPDATE {ATTEMPT} SET updated_at = {OLD}",
    "message_not_delivered": WORKED
    + f"""INSERT INTO notifications_message (id, owner_id, event_key, channel, recipient, subject, body, attachments, state, tries,
    last_error, created_at, provider_id) SELECT id, owner_id, 'x', 'email', '', '', '', '', 'queued', 0, '', {OLD}, '' FROM {BOOKING}""",
    "balance_is_low": "INSERT INTO flights_wallet VALUES ('GBP', 0, 0, 0, 0, 0, 1, now())",
    "reservation_without_an_attempt": f"INSERT INTO flights_wallethold SELECT id, 'GBP', 1, 0, 0 FROM {ATTEMPT}",
    "job_waits_too_long": WORKED
    + f"INSERT INTO procrastinate_jobs (queue_name, task_name, scheduled_at) VALUES ('x', 'x', {OLD})",
    "job_lost_by_its_worker": """WITH lost AS (
        INSERT INTO procrastinate_jobs (queue_name, task_name, status) VALUES ('x', 'x', 'doing') RETURNING id)
        INSERT INTO procrastinate_events (job_id, type, at) SELECT id, 'started', '2026-01-01' FROM lost""",
}
# A second standing ticket is refused by a partial unique index.
HELD_BY_THE_DATABASE = {
    "two_tickets_for_one_campaign": (
        f"""CREATE TEMPORARY TABLE other AS SELECT * FROM {BOOKING};
        UPDATE other SET id = gen_random_uuid(), order_id = 'ord_2';
        ALTER TABLE {BOOKING} DISABLE TRIGGER ALL; INSERT INTO {BOOKING} SELECT * FROM other""",
        "booking_one_live_per_campaign",
    ),
}
CAPTURING = f"UPDATE {PAYMENT} SET captured_minor = 0, state = 'held'; UPDATE {ATTEMPT} SET state = 'capturing', updated_at = {OLD}"
LEGAL = {
    "tickets that come a day after the money": (
        f"UPDATE {BOOKING} SET tickets = 0, booked_at = booked_at - interval '1 day'",
        "captured_without_ticket",
    ),
    "a refund of everything": (
        f"UPDATE {PAYMENT} SET refunded_minor = captured_minor; UPDATE {BOOKING} SET cancelled_at = booked_at",
        "captured_without_ticket",
    ),
    "an order whose tickets are late for hours": (
        f"UPDATE {ATTEMPT} SET state = 'ordered', reason = 'tickets_late', updated_at = {OLD}",
        "attempt_in_one_state_too_long",
    ),
    "captures that an operator stopped": (
        f"INSERT INTO core_switch VALUES ('captures', true, '', {OLD}); {CAPTURING}",
        "ticket_without_capture",
    ),
    "bookings that an operator stopped": (
        f"""INSERT INTO core_switch VALUES ('bookings', true, '', {OLD});
        UPDATE {ATTEMPT} SET state = 'prepared', updated_at = {OLD}""",
        "attempt_in_one_state_too_long",
    ),
    "a veto window of a day": (
        f"UPDATE {ATTEMPT} SET state = 'held', updated_at = {OLD}",
        "attempt_in_one_state_too_long",
    ),
    "a cancellation that somebody once had to look at": (
        CANCELLATION.format(to_card=0, state="settled", at=OLD, human=OLD),
        "cancellation_needs_a_person",
    ),
    "a refund made at the gateway itself": (
        REFUND.replace("'x', ''", "'outside:re_1', ''"),
        "refunded_more_than_was_promised",
    ),
    "a queue that no worker ever served": (
        f"INSERT INTO procrastinate_jobs (queue_name, task_name, scheduled_at) VALUES ('x', 'x', {OLD})",
        "job_waits_too_long",
    ),
}
# Nobody may hide behind a reason that was true of an earlier state, or a switch that was turned back long ago.
NOT_LEGAL = {
    "a capture behind late tickets": (
        f"UPDATE {ATTEMPT} SET state = 'capturing', reason = 'tickets_late', updated_at = {OLD}",
        "attempt_in_one_state_too_long",
    ),
    "a stop that ended": (
        f"INSERT INTO core_switch VALUES ('captures', false, '', {OLD}); {CAPTURING}",
        "ticket_without_capture",
    ),
    "a ticket that was cancelled after its money was taken": (
        f"UPDATE {BOOKING} SET cancelled_at = booked_at; UPDATE {ATTEMPT} SET state = 'released'",
        "captured_without_ticket",
    ),
}


class TestInvariants:
    def test_all_hold_after_a_booking(self, booked, as_role):
        with as_role("backoffice"):
            assert invariants.check(booked.clock.now()) == []

    def test_are_each_tried(self):
        assert DAMAGE.keys() | HELD_BY_THE_DATABASE.keys() == invariants.INVARIANTS.keys()

    @pytest.mark.parametrize("name", DAMAGE)
    def test_name_the_damage(self, booked, as_role, admin, name):
        admin.execute(DAMAGE[name])
        with as_role("backoffice"):
            assert name in {violation.invariant for violation in invariants.check(booked.clock.now())}

    @pytest.mark.parametrize("name", HELD_BY_THE_DATABASE)
    def test_cannot_be_broken_where_the_database_holds_them(self, booked, admin, name):
        damage, constraint = HELD_BY_THE_DATABASE[name]
        with pytest.raises(psycopg.errors.UniqueViolation, match=constraint), admin.transaction():
            admin.execute(damage.replace("order_id = 'ord_2'", "order_id = 'ord_2', attempt_id = gen_random_uuid()"))

    @pytest.mark.parametrize(("change", "name"), LEGAL.values(), ids=LEGAL.keys())
    def test_say_nothing_about(self, booked, as_role, admin, change, name):
        admin.execute(change)
        assert name not in broken(booked, as_role)

    @pytest.mark.parametrize(("change", "name"), NOT_LEGAL.values(), ids=NOT_LEGAL.keys())
    def test_see_through(self, booked, as_role, admin, change, name):
        admin.execute(change)
        assert name in broken(booked, as_role)

    def test_end_the_command_with_exit_code_one_and_the_ids(self, booked, admin):
        attempt = booked.attempts[0]["id"]
        completion.confirm(owner_id=booked.owner_id, attempt_id=attempt, now=booked.clock.now())
        assert cli("invariants", "--json", PARKER_PROCESS="backoffice").returncode == 0
        admin.execute(DAMAGE["attempt_needs_a_person"])
        done = cli("invariants", "--json", PARKER_PROCESS="backoffice")
        assert done.returncode == 1
        found = {one["invariant"]: one["ids"] for one in last_json(done.stdout)["violations"]}
        assert found["attempt_needs_a_person"] == [str(attempt)]


def broken(booked, as_role):
    with as_role("backoffice"):
        return {violation.invariant for violation in invariants.check(booked.clock.now())}


class TestTheWatcher:
    def test_tells_what_is_new_once_and_that_it_is_over(self, booked, as_role, admin, caplog):
        caplog.set_level(logging.INFO)
        attempt = str(booked.attempts[0]["id"])
        with as_role("backoffice"):
            checking.run(booked.clock.now())
            assert [one for one in caplog.records if one.name == checking.__name__] == []
            admin.execute(DAMAGE["attempt_needs_a_person"])
            checking.run(booked.clock.now())
            checking.run(booked.clock.now())
            admin.execute(f"UPDATE {ATTEMPT} SET state = 'completed', human_since = NULL")
            checking.run(booked.clock.now())
        said = [
            (one.levelname, one.getMessage()) for one in caplog.records if "attempt_needs_a_person" in one.getMessage()
        ]
        assert said == [
            ("ERROR", f"alert invariant=attempt_needs_a_person ids={attempt}"),
            ("INFO", f"cleared invariant=attempt_needs_a_person ids={attempt}"),
        ]

    def test_keeps_its_runs_for_a_month(self, booked, as_role):
        with as_role("backoffice"):
            checking.run(booked.clock.now() - timedelta(days=31))
            checking.run(booked.clock.now() - timedelta(days=29))
            checking.run(booked.clock.now())
            assert CheckRun.objects.count() == 2

    def test_shows_the_team_its_last_run_while_it_is_fresh(self, booked, as_role, admin):
        with as_role("backoffice"):
            ran_at = booked.clock.now()
            checking.run(ran_at)
            admin.execute(DAMAGE["attempt_needs_a_person"])
            shown = queries.latest_checks(booked.clock.advance(minutes=4))
            assert {(one.at, one.ids) for one in shown} == {(ran_at, ())}
            shown = queries.latest_checks(booked.clock.advance(minutes=8))
            assert shown[0].ids
            assert shown[0].at == booked.clock.now()

    def test_runs_as_a_process_that_survives_a_vendor_that_is_away(self, booked, as_role, admin):
        booked.duffel.fault(route="GET /air/orders", nth=1, times=500, action="status", status=500)
        command = [sys.executable, "-m", "parkerflight", "watch"]
        watcher = subprocess.Popen(
            command, env={**os.environ, "PARKER_PROCESS": "backoffice"}, stderr=subprocess.PIPE, text=True
        )
        try:
            deadline = time.monotonic() + 30
            while not admin.execute("SELECT 1 FROM ops_checkrun").fetchone():
                assert time.monotonic() < deadline, "nobody watched"
                time.sleep(0.1)
            time.sleep(1)
            assert watcher.poll() is None
        finally:
            watcher.send_signal(signal.SIGTERM)
            assert watcher.wait(timeout=20) == 0
