"""Truths that must hold at every moment, one query each that must return nothing. Runs as `parker_backoffice`."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

# An attempt passes any state but these within minutes; longer means nobody is working on it.
TOO_LONG_MINUTES = 30


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken invariant and the ids that break it."""

    invariant: str
    ids: list[str]


INVARIANTS: dict[str, str] = {
    "captured_without_ticket": """
        SELECT p.id FROM payments_payment p JOIN bookings_bookingattempt a ON a.payment_id = p.id
        LEFT JOIN bookings_booking b ON b.attempt_id = a.id
        WHERE p.captured_minor > p.refunded_minor AND (b.id IS NULL
              OR (b.tickets < b.passengers AND b.cancelled_at IS NULL AND b.booked_at < %(now)s - interval '6 days'))""",
    "captured_twice_for_one_attempt": """
        SELECT attempt_id FROM payments_payment WHERE captured_minor > refunded_minor
        GROUP BY attempt_id HAVING count(*) > 1""",
    "captured_payment_is_not_the_attempts": """
        SELECT p.id FROM payments_payment p WHERE p.captured_minor > p.refunded_minor AND NOT EXISTS (
            SELECT 1 FROM bookings_bookingattempt a WHERE a.payment_id = p.id)""",
    "ticket_without_capture": """
        SELECT b.id FROM bookings_booking b JOIN bookings_bookingattempt a ON a.id = b.attempt_id
        LEFT JOIN payments_payment p ON p.id = a.payment_id
        WHERE (a.state = 'completed' OR b.booked_at < %(now)s - interval '12 hours') AND a.human_since IS NULL
          AND b.tickets > 0 AND b.cancelled_at IS NULL AND COALESCE(p.captured_minor, 0) = 0
          AND NOT EXISTS (SELECT 1 FROM core_switch s WHERE s.name IN ('captures', 'read_only') AND s.on)""",
    "captured_amount_is_not_the_ticket_price": """
        SELECT b.id FROM bookings_booking b JOIN bookings_bookingattempt a ON a.id = b.attempt_id
        JOIN payments_payment p ON p.id = a.payment_id
        WHERE a.state = 'completed'
          AND (p.captured_minor <> b.total_minor + b.fee_minor OR p.currency <> b.currency)""",
    "cancelled_without_its_refund": """
        SELECT c.id FROM bookings_cancellation c JOIN bookings_booking b ON b.id = c.booking_id
        JOIN bookings_bookingattempt a ON a.id = b.attempt_id JOIN payments_payment p ON p.id = a.payment_id
        WHERE c.state = 'refunded' AND c.reason <> 'refund_failed' AND p.refunded_minor < c.to_card_minor""",
    "refunded_more_than_was_promised": """
        SELECT p.id FROM payments_payment p JOIN bookings_bookingattempt a ON a.payment_id = p.id
        JOIN bookings_booking b ON b.attempt_id = a.id
        WHERE p.refunded_minor > 0 AND b.cancelled_at IS NULL""",
    "authorisation_past_its_capture_time": """
        SELECT id FROM payments_payment WHERE state IN ('held', 'capturing', 'releasing') AND capture_before < %(now)s""",
    "two_tickets_for_one_campaign": """
        SELECT campaign_id FROM bookings_booking WHERE cancelled_at IS NULL GROUP BY campaign_id HAVING count(*) > 1""",
    "amount_above_the_mandate": """
        SELECT p.id FROM payments_payment p JOIN payments_mandate m ON m.id = p.mandate_id
        WHERE p.amount_minor > m.cap_minor OR p.currency <> m.currency""",
    "released_but_money_still_held": """
        SELECT p.id FROM payments_payment p JOIN bookings_bookingattempt a ON a.id = p.attempt_id
        WHERE a.state = 'released'
          AND p.state IN ('created', 'authorising', 'needs_customer', 'held', 'releasing', 'capturing', 'captured')""",
    "earlier_payment_still_held": """
        SELECT p.id FROM payments_payment p JOIN bookings_bookingattempt a ON a.id = p.attempt_id
        WHERE a.state = 'completed' AND a.payment_id <> p.id AND p.state IN ('created', 'authorising', 'held', 'releasing')""",
    "hold_near_its_deadline": """
        SELECT id FROM bookings_bookingattempt
        WHERE state IN ('held', 'needs_customer', 'authorising', 'authorised') AND order_id <> ''
          AND hold_until < %(now)s + interval '10 minutes'""",
    "hold_outlived_its_deadline": """
        SELECT id FROM bookings_bookingattempt
        WHERE state NOT IN ('completed', 'released', 'ordered', 'capturing') AND order_id <> '' AND hold_until < %(now)s - interval '2 hours'""",
    "attempt_in_one_state_too_long": """
        SELECT id FROM bookings_bookingattempt
        WHERE state NOT IN ('completed', 'released', 'unknown', 'held', 'needs_customer')
          AND reason NOT IN ('tickets_late', 'bookings_stopped', 'captures_stopped')
          AND updated_at < %(now)s - %(too_long)s * interval '1 minute'""",
    "attempt_needs_a_person": """
        SELECT id FROM bookings_bookingattempt WHERE human_since IS NOT NULL AND state NOT IN ('completed', 'released')""",
    "cancellation_needs_a_person": """
        SELECT id FROM bookings_cancellation WHERE human_since IS NOT NULL""",
    "cancellation_in_one_state_too_long": """
        SELECT id FROM bookings_cancellation
        WHERE state IN ('confirming', 'confirmed') AND updated_at < %(now)s - %(too_long)s * interval '1 minute'""",
    "campaign_books_without_an_attempt": """
        SELECT c.id FROM campaigns_campaign c WHERE c.status = 'booking' AND NOT EXISTS (
            SELECT 1 FROM bookings_bookingattempt a
            WHERE a.campaign_id = c.id AND a.state NOT IN ('completed', 'released'))""",
    "booked_but_not_told": """
        SELECT a.id FROM bookings_bookingattempt a
        WHERE a.state = 'completed' AND a.updated_at < %(now)s - interval '1 hour' AND NOT EXISTS (
            SELECT 1 FROM notifications_message m
            WHERE m.owner_id = a.owner_id AND m.event_key = 'booking.confirmed:' || a.id::text)""",
    "completed_campaign_without_a_booking": """
        SELECT c.id FROM campaigns_campaign c WHERE c.status = 'completed' AND NOT EXISTS (
            SELECT 1 FROM bookings_booking b WHERE b.campaign_id = c.id)""",
    "campaign_active_after_a_stop": """
        SELECT id FROM campaigns_campaign WHERE wish <> '' AND status <> 'booking'""",
    "balance_is_low": "SELECT currency FROM flights_wallet WHERE available_minor < alarm_below_minor",
    "reservation_without_an_attempt": """
        SELECT h.attempt_id FROM flights_wallethold h LEFT JOIN bookings_bookingattempt a ON a.id = h.attempt_id
        WHERE h.reserved_minor > 0 AND (a.id IS NULL OR a.state IN ('completed', 'released'))""",
}


def check(now: datetime) -> list[Violation]:
    """Run every invariant; an empty list means that all hold."""
    found = []
    with connection.cursor() as cursor:
        for name, query in INVARIANTS.items():
            cursor.execute(query, {"now": now, "too_long": TOO_LONG_MINUTES})
            ids = [str(row[0]) for row in cursor.fetchall()]
            if ids:
                found.append(Violation(name, ids))
    return found
