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


# What several queries share, by the name they use it under.
PARTS = {
    # An attempt in any other state is in flight.
    "settled": "('completed', 'released')",
    # A simulator without workers has nobody to empty the queue.
    "worked": "EXISTS (SELECT 1 FROM procrastinate_periodic_defers)",
    # A switch that was just turned back leaves its attempts waiting for their next look, 30 seconds away.
    "bookings_stopped": """EXISTS (SELECT 1 FROM core_switch s WHERE s.name IN ('bookings', 'read_only')
        AND (s.on OR s.changed_at > %(now)s - interval '10 minutes'))""",
    "captures_stopped": """EXISTS (SELECT 1 FROM core_switch s WHERE s.name IN ('captures', 'read_only')
        AND (s.on OR s.changed_at > %(now)s - interval '10 minutes'))""",
}

MONEY = {
    "captured_without_ticket": """
        SELECT p.id FROM payments_payment p JOIN bookings_bookingattempt a ON a.payment_id = p.id
        LEFT JOIN bookings_booking b ON b.attempt_id = a.id
        WHERE p.captured_minor > p.refunded_minor AND (b.id IS NULL
              OR (b.tickets < b.passengers AND b.cancelled_at IS NULL AND b.booked_at < %(now)s - interval '6 days')
              OR (b.cancelled_at IS NOT NULL AND a.state IN ('refused', 'released')))""",
    "captured_twice_for_one_attempt": """
        SELECT attempt_id FROM payments_payment WHERE captured_minor > refunded_minor
        GROUP BY attempt_id HAVING count(*) > 1""",
    "captured_payment_is_not_the_attempts": """
        SELECT p.id FROM payments_payment p WHERE p.captured_minor > p.refunded_minor AND NOT EXISTS (
            SELECT 1 FROM bookings_bookingattempt a WHERE a.payment_id = p.id AND a.id = p.attempt_id)""",
    "ticket_without_capture": """
        SELECT b.id FROM bookings_booking b JOIN bookings_bookingattempt a ON a.id = b.attempt_id
        LEFT JOIN payments_payment p ON p.id = a.payment_id
        WHERE b.cancelled_at IS NULL AND COALESCE(p.captured_minor, 0) = 0 AND (a.state = 'completed' OR (
              a.state = 'capturing' AND a.updated_at < %(now)s - interval '1 hour' AND NOT {captures_stopped}))""",
    "captured_amount_is_not_the_ticket_price": """
        SELECT b.id FROM bookings_booking b JOIN bookings_bookingattempt a ON a.id = b.attempt_id
        JOIN payments_payment p ON p.id = a.payment_id
        WHERE a.state = 'completed'
          AND (p.captured_minor <> b.total_minor + b.fee_minor OR p.currency <> b.currency)""",
    "authorisation_past_its_capture_time": """
        SELECT id FROM payments_payment WHERE state IN ('held', 'capturing', 'releasing') AND capture_before < %(now)s""",
    "amount_above_the_mandate": """
        SELECT p.id FROM payments_payment p JOIN payments_mandate m ON m.id = p.mandate_id
        WHERE p.amount_minor > m.cap_minor OR p.currency <> m.currency""",
    "payment_outside_its_mandate": """
        SELECT p.id FROM payments_payment p JOIN payments_mandate m ON m.id = p.mandate_id
        WHERE p.card_id <> m.card_id OR p.owner_id <> m.owner_id OR p.created_at > m.valid_until
           OR p.created_at > m.revoked_at OR p.created_at < m.agreed_at""",
    "released_but_money_still_held": """
        SELECT p.id FROM payments_payment p JOIN bookings_bookingattempt a ON a.id = p.attempt_id
        WHERE a.state = 'released'
          AND p.state IN ('created', 'authorising', 'needs_customer', 'held', 'releasing', 'capturing', 'captured')""",
    "earlier_payment_still_held": """
        SELECT p.id FROM payments_payment p JOIN bookings_bookingattempt a ON a.id = p.attempt_id
        WHERE a.state = 'completed' AND a.payment_id <> p.id
          AND p.state IN ('created', 'authorising', 'needs_customer', 'held', 'releasing', 'capturing')""",
    "payment_without_an_attempt": """
        SELECT p.id FROM payments_payment p LEFT JOIN bookings_bookingattempt a ON a.id = p.attempt_id
        WHERE a.id IS NULL AND p.state NOT IN ('released', 'declined', 'refunded')""",
    "dispute_near_its_deadline": """
        SELECT id FROM payments_dispute
        WHERE closed_at IS NULL AND evidence_submitted_at IS NULL AND due_by < %(now)s + interval '3 days'""",
}

REFUNDS = {
    "cancelled_without_its_refund": """
        SELECT c.id FROM bookings_cancellation c JOIN bookings_booking b ON b.id = c.booking_id
        JOIN bookings_bookingattempt a ON a.id = b.attempt_id LEFT JOIN payments_payment p ON p.id = a.payment_id
        WHERE c.state IN ('refunded', 'settled') AND c.reason <> 'refund_failed'
          AND COALESCE(p.refunded_minor, 0) < c.to_card_minor""",
    "refunded_more_than_was_promised": """
        SELECT r.payment_id FROM payments_refund r
        WHERE r.status NOT IN ('failed', 'canceled') AND r.cause NOT LIKE 'outside:%%'
        GROUP BY r.payment_id HAVING sum(r.amount_minor) > COALESCE((
            SELECT sum(c.to_card_minor) FROM bookings_cancellation c JOIN bookings_booking b ON b.id = c.booking_id
            JOIN bookings_bookingattempt a ON a.id = b.attempt_id
            WHERE a.payment_id = r.payment_id AND c.state IN ('confirmed', 'refunded')), 0)""",
    "refund_never_sent": """
        SELECT id FROM payments_refund
        WHERE reference = '' AND status = 'pending' AND created_at < %(now)s - interval '1 hour'""",
    "cancelled_booking_without_a_reason": """
        SELECT b.id FROM bookings_booking b JOIN bookings_bookingattempt a ON a.id = b.attempt_id
        WHERE b.cancelled_at IS NOT NULL AND a.state = 'completed' AND NOT EXISTS (
            SELECT 1 FROM bookings_cancellation c
            WHERE c.booking_id = b.id AND c.state IN ('confirmed', 'refunded', 'settled'))""",
    "cancellation_of_a_standing_booking": """
        SELECT c.id FROM bookings_cancellation c JOIN bookings_booking b ON b.id = c.booking_id
        WHERE c.state IN ('confirmed', 'refunded', 'settled') AND b.cancelled_at IS NULL""",
    # A wait that ended well keeps its mark; only these two still need somebody.
    "cancellation_needs_a_person": """
        SELECT id FROM bookings_cancellation
        WHERE human_since IS NOT NULL AND (state IN ('confirming', 'confirmed') OR reason = 'refund_failed')""",
    "cancellation_in_one_state_too_long": """
        SELECT id FROM bookings_cancellation WHERE state IN ('confirming', 'confirmed') AND human_since IS NULL
          AND updated_at < %(now)s - %(too_long)s * interval '1 minute'""",
}

ATTEMPTS = {
    "two_tickets_for_one_campaign": """
        SELECT campaign_id FROM bookings_booking WHERE cancelled_at IS NULL GROUP BY campaign_id HAVING count(*) > 1""",
    "hold_near_its_deadline": """
        SELECT id FROM bookings_bookingattempt
        WHERE state IN ('held', 'needs_customer', 'authorising', 'authorised', 'repricing') AND order_id <> ''
          AND hold_until < %(now)s + interval '10 minutes'""",
    # A refused one may be a ticket that was given back long after it was paid.
    "hold_outlived_its_deadline": """
        SELECT id FROM bookings_bookingattempt
        WHERE state NOT IN ('completed', 'released', 'ordered', 'capturing', 'refused') AND order_id <> ''
          AND hold_until < %(now)s - interval '2 hours'""",
    # The reason alone excuses nothing: it stays when the attempt moves on.
    "attempt_in_one_state_too_long": """
        SELECT id FROM bookings_bookingattempt
        WHERE state NOT IN ('completed', 'released', 'held', 'needs_customer') AND human_since IS NULL
          AND NOT (state = 'unknown' AND updated_at > %(now)s - interval '26 hours')
          AND NOT (state = 'ordered' AND reason = 'tickets_late')
          AND NOT (state = 'authorised' AND order_id <> '' AND reason = 'review_open')
          AND NOT (state IN ('prepared', 'authorised') AND {bookings_stopped})
          AND NOT (state = 'capturing' AND {captures_stopped})
          AND updated_at < %(now)s - %(too_long)s * interval '1 minute'""",
    "attempt_nobody_looks_at": """
        SELECT id FROM bookings_bookingattempt
        WHERE state NOT IN {settled} AND (due_at IS NULL OR due_at < %(now)s - interval '15 minutes')""",
    "attempt_needs_a_person": """
        SELECT id FROM bookings_bookingattempt WHERE human_since IS NOT NULL AND state NOT IN {settled}""",
    "attempt_without_its_claim": """
        SELECT a.id FROM bookings_bookingattempt a LEFT JOIN campaigns_campaign c ON c.id = a.campaign_id
        LEFT JOIN campaigns_match m ON m.id = a.match_id
        WHERE a.state NOT IN {settled} AND (c.status IS DISTINCT FROM 'booking' OR m.state IS DISTINCT FROM 'claimed')""",
    "order_without_a_booking": """
        SELECT a.id FROM bookings_bookingattempt a LEFT JOIN bookings_booking b ON b.attempt_id = a.id
        WHERE a.state IN ('ordered', 'capturing', 'completed') AND (b.id IS NULL OR b.order_id <> a.order_id)""",
}

CAMPAIGNS = {
    "campaign_books_without_an_attempt": """
        SELECT c.id FROM campaigns_campaign c WHERE c.status = 'booking' AND NOT EXISTS (
            SELECT 1 FROM bookings_bookingattempt a WHERE a.campaign_id = c.id AND a.state NOT IN {settled})""",
    "completed_campaign_without_a_booking": """
        SELECT c.id FROM campaigns_campaign c WHERE c.status = 'completed' AND NOT EXISTS (
            SELECT 1 FROM bookings_booking b WHERE b.campaign_id = c.id)""",
    "campaign_active_after_a_stop": """
        SELECT id FROM campaigns_campaign WHERE wish <> '' AND status <> 'booking'""",
    "booked_but_not_told": """
        SELECT a.id FROM bookings_bookingattempt a
        WHERE a.state = 'completed' AND a.updated_at < %(now)s - interval '1 hour' AND NOT EXISTS (
            SELECT 1 FROM notifications_message m
            WHERE m.owner_id = a.owner_id AND m.event_key = 'booking.confirmed:' || a.id::text)""",
    "message_not_delivered": """
        SELECT id FROM notifications_message WHERE {worked}
          AND ((state = 'failed' AND created_at > %(now)s - interval '2 days')
               OR (state IN ('queued', 'sending') AND created_at < %(now)s - interval '1 hour'))""",
}

OURSELVES = {
    "balance_is_low": "SELECT currency FROM flights_wallet WHERE available_minor < alarm_below_minor",
    "reservation_without_an_attempt": """
        SELECT h.attempt_id FROM flights_wallethold h LEFT JOIN bookings_bookingattempt a ON a.id = h.attempt_id
        WHERE h.reserved_minor > 0 AND (a.id IS NULL OR a.state IN {settled})""",
    # The queue lives by the database's own clock, whatever the system's says.
    "job_waits_too_long": """
        SELECT j.id FROM procrastinate_jobs j
        WHERE {worked} AND j.status = 'todo' AND COALESCE(j.scheduled_at, (SELECT max(e.at) FROM procrastinate_events e
              WHERE e.job_id = j.id)) < now() - interval '10 minutes'""",
    "job_lost_by_its_worker": """
        SELECT j.id FROM procrastinate_jobs j LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
        WHERE j.status = 'doing' AND COALESCE(w.last_heartbeat, '-infinity') < now() - interval '2 minutes'
          AND (SELECT max(e.at) FROM procrastinate_events e WHERE e.job_id = j.id) < now() - interval '2 minutes'""",
}

INVARIANTS: dict[str, str] = {
    name: query.format(**PARTS) for name, query in {**MONEY, **REFUNDS, **ATTEMPTS, **CAMPAIGNS, **OURSELVES}.items()
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
