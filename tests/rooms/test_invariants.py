"""Each invariant finds the damage it is made for; on a clean booking none complains."""

import pytest
from tests.scenario import cli, last_json

from parkerflight.bookings import completion
from parkerflight.ops import invariants

DAMAGE = {
    "captured_without_ticket": "UPDATE bookings_booking SET tickets = 0",
    "ticket_without_capture": "UPDATE payments_payment SET captured_minor = 0, state = 'held'",
    "captured_amount_is_not_the_ticket_price": "UPDATE payments_payment SET captured_minor = captured_minor - 1",
    "authorisation_past_its_capture_time": "UPDATE payments_payment SET state = 'held', capture_before = '2026-01-01'",
    "amount_above_the_mandate": "UPDATE payments_mandate SET cap_minor = 1",
    "released_but_money_still_held": "UPDATE bookings_bookingattempt SET state = 'released'",
    "attempt_in_one_state_too_long": "UPDATE bookings_bookingattempt SET state = 'ordering', updated_at = '2026-01-01'",
    "attempt_needs_a_person": "UPDATE bookings_bookingattempt SET state = 'unknown', human_since = '2026-01-01'",
    "campaign_books_without_an_attempt": "UPDATE campaigns_campaign SET status = 'booking'",
    "completed_campaign_without_a_booking": "DELETE FROM bookings_booking",
    "booked_but_not_told": "UPDATE bookings_bookingattempt SET updated_at = '2026-01-01'",
    "balance_is_low": "INSERT INTO flights_wallet VALUES ('GBP', 0, 0, 0, 0, 0, 1, now())",
    "reservation_without_an_attempt": "INSERT INTO flights_wallethold SELECT id, 'GBP', 1, 0, 0 FROM bookings_bookingattempt",
}
HELD_BY_THE_DATABASE = {"two_tickets_for_one_campaign"}  # a unique constraint refuses the damage itself


class TestInvariants:
    def test_all_hold_after_a_booking(self, booked, as_role):
        with as_role("backoffice"):
            assert invariants.check(booked.clock.now()) == []

    def test_are_each_tried(self):
        assert DAMAGE.keys() | HELD_BY_THE_DATABASE == invariants.INVARIANTS.keys()

    @pytest.mark.parametrize("name", DAMAGE)
    def test_name_the_damage(self, booked, as_role, admin, name):
        admin.execute(DAMAGE[name])
        with as_role("backoffice"):
            assert name in {violation.invariant for violation in invariants.check(booked.clock.now())}

    def test_end_the_command_with_exit_code_one_and_the_ids(self, booked, admin):
        attempt = booked.attempts[0]["id"]
        completion.confirm(owner_id=booked.owner_id, attempt_id=attempt, now=booked.clock.now())
        assert cli("invariants", "--json", PARKER_PROCESS="backoffice").returncode == 0
        admin.execute(DAMAGE["attempt_needs_a_person"])
        done = cli("invariants", "--json", PARKER_PROCESS="backoffice")
        assert done.returncode == 1
        found = {one["invariant"]: one["ids"] for one in last_json(done.stdout)["violations"]}
        assert found["attempt_needs_a_person"] == [str(attempt)]
