import email
import signal
import smtplib
import subprocess
import sys
import threading
from datetime import timedelta
from email import policy
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test import override_settings
from tests.bench import START

from parkerflight.core.errors import BadInput, ParkerError, Retryable
from parkerflight.core.tenancy import scope
from parkerflight.notifications import mail, operations, tasks
from parkerflight.notifications.models import Message
from parkerflight.notifications.personal_data import COLUMNS

CALENDAR = ("flights.ics", "text/calendar", "BEGIN:VCALENDAR\r\nSUMMARY:→\r\nEND:VCALENDAR\r\n".encode())
CLEAR = ["anna@example.org", "Booked: London", "RZPNX8", "flights.ics"]


def enqueue(owner, event_key="booking.confirmed:1", **changes):
    fields = {
        "recipient": "anna@example.org",
        "subject": "Booked: London to New York, Müller",
        "text": "Reference RZPNX8",
        "html": "<p>Reference RZPNX8</p>",
        "attachments": [CALENDAR],
    }
    return operations.enqueue(owner_id=owner, event_key=event_key, now=START, **(fields | changes))


def deliver(message_id):
    return operations.deliver(message_id=message_id, now=START)


def row(admin, *columns):
    return admin.execute(f"SELECT {', '.join(columns)} FROM notifications_message").fetchone()


def jobs(admin):
    return admin.execute(
        "SELECT args ->> 'message_id' FROM procrastinate_jobs WHERE task_name = 'notifications.deliver'"
    ).fetchall()


def audited(admin):
    rows = admin.execute("SELECT action FROM audit_entry WHERE object_type = 'message' ORDER BY id").fetchall()
    return [action for (action,) in rows]


def sent(folder):
    separator = b"\n" + b"-" * 79 + b"\n"
    parts = [part for file in sorted(folder.iterdir()) for part in file.read_bytes().split(separator) if part.strip()]
    return [email.message_from_bytes(part, policy=policy.default) for part in parts]


class TestEnqueueing:
    def test_mails_the_same_event_once(self, owner, admin, mails):
        first = enqueue(owner)
        assert first is not None
        assert enqueue(owner, subject="Another wording") is None
        assert jobs(admin) == [(str(first),)]
        assert deliver(first)
        assert enqueue(owner) is None
        assert not deliver(first)
        assert len(sent(mails)) == 1

    def test_mails_the_same_event_once_to_each_person(self, owner, stranger):
        assert enqueue(owner)
        assert enqueue(stranger)

    def test_queues_once_when_two_processes_report_the_event_together(self, owner, admin):
        made = []

        def report():
            try:
                made.append(enqueue(owner))
            finally:
                connection.close()

        threads = [threading.Thread(target=report) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(made) == 6
        assert len([one for one in made if one]) == len(jobs(admin)) == 1

    def test_joins_the_transaction_of_the_event_and_goes_with_it(self, owner, admin):
        with scope(owner):
            assert enqueue(owner)
            transaction.set_rollback(True)
        assert row(admin, "id") is None
        assert jobs(admin) == []

    def test_leaves_the_transaction_usable_after_a_duplicate(self, owner, admin):
        enqueue(owner)
        with scope(owner):
            assert enqueue(owner) is None
            assert enqueue(owner, "booking.confirmed:2")
        assert len(jobs(admin)) == 2

    def test_stores_nothing_in_clear(self, owner, admin):
        enqueue(owner)
        values = admin.execute("SELECT * FROM notifications_message").fetchone()
        raw = b"".join(bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in values)
        assert not any(clear.encode() in raw for clear in CLEAR)
        assert "anna" not in admin.execute("SELECT string_agg(j::text, ' ') FROM procrastinate_jobs j").fetchone()[0]

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"subject": "Booked\r\nBcc: everyone@example.org"}, "bad_subject"),
            ({"subject": "Booked\nX: y"}, "bad_subject"),
            ({"subject": "Booked\rX: y"}, "bad_subject"),
            ({"subject": "Booked\u2028X: y"}, "bad_subject"),
            ({"subject": "Booked\x00"}, "bad_subject"),
            ({"subject": " "}, "bad_subject"),
            ({"subject": "x" * 201}, "bad_subject"),
            ({"recipient": "anna@example.org\nBcc: b@example.org"}, "bad_recipient"),
            ({"recipient": "anna@example.org, b@example.org"}, "bad_recipient"),
            ({"recipient": ""}, "bad_recipient"),
            ({"text": ""}, "bad_body"),
            ({"html": "x" * 200_001}, "bad_body"),
            ({"attachments": [("../flights.ics", "text/calendar", b"")]}, "bad_attachment"),
            ({"attachments": [("flights.ics", "text/calendar\r\nX: y", b"")]}, "bad_attachment"),
            ({"attachments": [("big.pdf", "application/pdf", bytes(5_000_001))]}, "attachments_too_large"),
            ({"event_key": "Anna Müller"}, "bad_event_key"),
        ],
    )
    def test_refuses_what_must_not_be_mailed_and_writes_nothing(self, owner, admin, change, code):
        with pytest.raises(BadInput) as refusal:
            enqueue(owner, **change)
        assert refusal.value.code == code
        assert row(admin, "id") is None
        assert jobs(admin) == []

    def test_shows_a_stranger_nothing(self, owner, stranger, as_role):
        enqueue(owner)
        with as_role("web"), scope(stranger):
            assert not Message.objects.exists()


class TestDelivering:
    def test_sends_text_html_and_attachment_and_records_it(self, owner, admin, mails):
        message_id = enqueue(owner)
        assert deliver(message_id)
        (one,) = sent(mails)
        assert one["to"] == "anna@example.org"
        assert one["subject"] == "Booked: London to New York, Müller"
        assert one["message-id"] == f"<{message_id}@parkerflight>"
        assert one["auto-submitted"] == "auto-generated"
        assert one.get_body(["plain"]).get_content().strip() == "Reference RZPNX8"
        assert one.get_body(["html"]).get_content().strip() == "<p>Reference RZPNX8</p>"
        (attachment,) = one.iter_attachments()
        assert (attachment.get_filename(), attachment.get_content_type()) == ("flights.ics", "text/calendar")
        assert "SUMMARY:→" in attachment.get_content()
        assert row(admin, "state", "tries", "sent_at", "provider_id") == (
            "sent",
            1,
            START,
            f"<{message_id}@parkerflight>",
        )
        assert audited(admin) == ["message.sent"]

    @pytest.mark.parametrize(("point", "copies"), [("notifications.claimed", 1), ("notifications.handed_over", 2)])
    def test_killed_before_it_is_recorded_sends_again_under_the_same_message_id(
        self, owner, admin, mails, bench_settings, point, copies
    ):
        message_id = enqueue(owner)
        script = (
            "import django; django.setup()\n"
            "from uuid import UUID; from parkerflight.core import clock\n"
            "from parkerflight.notifications import operations\n"
            f"operations.deliver(message_id=UUID('{message_id}'), now=clock.now())"
        )
        environment = bench_settings | {"PARKER_FAULT_POINT": point, "PYTHONPATH": "src"}
        killed = subprocess.run([sys.executable, "-c", script], env=environment, check=False, timeout=60)
        assert killed.returncode == -signal.SIGKILL
        assert row(admin, "state") == ("sending",)
        assert audited(admin) == []
        assert not deliver(message_id), "the dead process's lease still runs"
        admin.execute("UPDATE notifications_message SET claimed_at = now() - interval '61 seconds'")
        assert deliver(message_id)
        assert [one["message-id"] for one in sent(mails)] == [f"<{message_id}@parkerflight>"] * copies
        assert audited(admin) == ["message.sent"]

    def test_sends_once_when_two_workers_take_the_same_message(self, owner, mails):
        message_id = enqueue(owner)
        results = []

        def work():
            try:
                results.append(deliver(message_id))
            finally:
                connection.close()

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(results) == [False] * 5 + [True]
        assert len(sent(mails)) == 1

    def test_refuses_to_send_inside_a_transaction(self, owner, admin, mails):
        message_id = enqueue(owner)
        with pytest.raises(ParkerError), scope(owner):
            deliver(message_id)
        assert row(admin, "state", "tries") == ("queued", 0)
        with pytest.raises(ParkerError), transaction.atomic():
            mail.send(message_id, None)
        assert sent(mails) == []

    def test_does_nothing_for_a_message_that_is_gone(self, database, mails):
        assert not deliver(uuid4())
        assert sent(mails) == []


class Refusing:
    """A mail backend that raises what it is told."""

    def __init__(self, error):
        self.error = error

    def __call__(self, **options):
        return self

    def send_messages(self, messages):
        raise self.error


class ApiError(Exception):
    def __init__(self, status_code):
        super().__init__("anna@example.org is bad")
        self.status_code = status_code


backend = Refusing(OSError())


def failing(error):
    backend.error = error
    return override_settings(MAILERS={"default": {"BACKEND": f"{__name__}.backend"}})


class TestAMailSystemThatFails:
    @pytest.mark.parametrize(
        "error",
        [
            ConnectionRefusedError("no"),
            TimeoutError(),
            smtplib.SMTPServerDisconnected("anna@example.org"),
            smtplib.SMTPRecipientsRefused({"anna@example.org": (450, b"later")}),
            smtplib.SMTPAuthenticationError(535, b"no"),
            ApiError(429),
            ApiError(503),
            ApiError(401),
        ],
    )
    def test_puts_the_message_back_and_asks_to_be_tried_again(self, owner, admin, mails, error):
        message_id = enqueue(owner)
        with failing(error), pytest.raises(Retryable) as refusal:
            deliver(message_id)
        assert "anna" not in str(refusal.value) + refusal.value.code
        assert refusal.value.__suppress_context__
        assert row(admin, "state", "last_error") == ("queued", type(error).__name__)
        assert audited(admin) == []
        assert deliver(message_id)
        assert len(sent(mails)) == 1

    @pytest.mark.parametrize(
        "error",
        [
            smtplib.SMTPRecipientsRefused({"anna@example.org": (550, b"no such user")}),
            smtplib.SMTPDataError(554, b"refused"),
            ApiError(422),
            ValueError("header"),
        ],
    )
    def test_ends_a_message_that_it_refuses_for_good(self, owner, admin, error):
        message_id = enqueue(owner)
        with failing(error):
            assert not deliver(message_id)
        assert row(admin, "state", "last_error") == ("failed", type(error).__name__)
        assert audited(admin) == ["message.failed"]
        assert not deliver(message_id)

    def test_is_not_asked_for_ever(self, owner, admin):
        message_id = enqueue(owner)
        with failing(TimeoutError()):
            for _ in range(operations.MAX_TRIES):
                with pytest.raises(Retryable):
                    deliver(message_id)
            assert row(admin, "state", "tries") == ("failed", operations.MAX_TRIES)
            assert not deliver(message_id)
        assert audited(admin) == ["message.failed"]


class TestTheSweep:
    def test_finds_lost_and_abandoned_messages_and_no_others(self, owner, admin):
        lost, abandoned, alive, done = (enqueue(owner, f"event:{n}") for n in range(4))
        deliver(done)
        admin.execute("DELETE FROM procrastinate_jobs")
        old, dead = "created_at = created_at - interval '6 minutes'", "state = 'sending', claimed_at = now()"
        admin.execute(f"UPDATE notifications_message SET {old} WHERE id = %s", [lost])
        admin.execute(f"UPDATE notifications_message SET {dead} - interval '61 seconds' WHERE id = %s", [abandoned])
        admin.execute(f"UPDATE notifications_message SET {dead} WHERE id = %s", [alive])
        assert operations.sweep(now=START) == 2
        assert operations.sweep(now=START) == 2
        assert sorted(jobs(admin)) == sorted([(str(lost),), (str(abandoned),)])

    def test_and_delivery_run_as_jobs(self, owner, admin, mails):
        message_id = enqueue(owner)
        admin.execute("UPDATE notifications_message SET state = 'sending', claimed_at = now() - interval '61 seconds'")
        admin.execute("DELETE FROM procrastinate_jobs")
        tasks.sweep(timestamp=0)
        assert jobs(admin) == [(str(message_id),)]
        tasks.deliver(message_id=str(message_id))
        assert len(sent(mails)) == 1

    def test_leaves_a_young_message_to_its_own_job(self, owner):
        enqueue(owner)
        assert operations.sweep(now=START + timedelta(minutes=4)) == 0


class TestForgetting:
    def test_blanks_what_finished_messages_said_and_keeps_that_they_were_sent(self, owner, admin):
        done, waiting = enqueue(owner, "event:1"), enqueue(owner, "event:2")
        deliver(done)
        later = START + timedelta(days=90)
        assert operations.forget_sent(owner_id=owner, before=later) == 1
        assert operations.forget_sent(owner_id=owner, before=later) == 0
        rows = admin.execute("SELECT id, length(body) > 0 FROM notifications_message").fetchall()
        assert dict(rows) == {done: False, waiting: True}
        assert enqueue(owner, "event:1") is None
        assert deliver(waiting)

    def test_every_column_is_declared(self, database, admin):
        live = admin.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'notifications_message'"
        )
        assert {name for (name,) in live} == set(COLUMNS["notifications_message"])
