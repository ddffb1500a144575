"""Each event once, its hearing in the same commit, nothing lost between two deliveries."""

import hashlib
import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from tests.bench import START

from parkerflight.core.errors import BadInput, ParkerError
from parkerflight.inbox import operations, queries
from parkerflight.inbox.models import Event

BODY = hashlib.sha256(b"{}").hexdigest()


@pytest.fixture(autouse=True)
def _clean(database):
    pass


def receive(event_id="evt_1", *, kind="payment_intent.succeeded", about="pi_1", vendor="stripe", now=START, **subject):
    return operations.receive(
        vendor=vendor, event_id=event_id, kind=kind, object_id=about, subject=subject, body_sha256=BODY, now=now
    )


def key_of(event_id: str) -> int:
    return Event.objects.get(event_id=event_id).id


def jobs(admin, state="todo") -> list[int]:
    rows = admin.execute(
        "SELECT (args->>'event_id')::bigint FROM procrastinate_jobs "
        "WHERE task_name = 'bookings.hear' AND status::text = %s ORDER BY id",
        [state],
    )
    return [row[0] for row in rows.fetchall()]


def run_all(admin) -> None:
    """As if a worker had taken every job that waits."""
    admin.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE status = 'todo'")


def handle(event_id: int, now=START) -> None:
    with transaction.atomic():
        operations.handled(event_id=event_id, now=now)


class TestReceiving:
    def test_stores_an_event_once_and_queues_one_hearing(self, admin, as_role):
        with as_role("web"):
            assert receive(intent="pi_1", owner_id="") is True
            assert receive(intent="pi_1") is False
        found = queries.event(key_of("evt_1"))
        assert (found.vendor, found.kind, found.object_id) == ("stripe", "payment_intent.succeeded", "pi_1")
        assert found.subject == {"intent": "pi_1"}
        assert found.duplicates == 1
        assert jobs(admin) == [found.id]

    def test_commits_the_event_and_its_job_together_or_neither(self, admin):
        def boom() -> None:
            with transaction.atomic():
                receive()
                raise RuntimeError

        with pytest.raises(RuntimeError):
            boom()
        assert not Event.objects.exists()
        assert jobs(admin) == []

    def test_keeps_two_vendors_with_the_same_id_apart(self):
        assert receive("e1")
        assert receive("e1", vendor="duffel")

    def test_refuses_what_is_not_an_id_it_knows(self):
        with pytest.raises(ParkerError, match="subject"):
            receive(email="a@example.org")
        assert not Event.objects.exists()

    def test_lets_one_of_eight_deliveries_at_once_be_the_first(self, admin):
        first, barrier = [], threading.Barrier(8)

        def deliver() -> None:
            barrier.wait()
            first.append(receive())
            connection.close()

        threads = [threading.Thread(target=deliver) for _ in range(8)]
        [one.start() for one in threads]
        [one.join() for one in threads]
        assert sorted(first) == [False] * 7 + [True]
        assert queries.event(key_of("evt_1")).duplicates == 7
        assert len(jobs(admin)) == 1

    def test_hears_one_fact_once_however_many_event_ids_tell_it_at_once(self, admin, as_role):
        barrier = threading.Barrier(6)

        def deliver(number: int) -> None:
            barrier.wait()
            receive(f"evt_{number}")
            connection.close()

        threads = [threading.Thread(target=deliver, args=(number,)) for number in range(6)]
        with as_role("web"):
            [one.start() for one in threads]
            [one.join() for one in threads]
        assert Event.objects.count() == 6
        assert len(jobs(admin)) == Event.objects.filter(same_as=None).count() == 1

    def test_shows_the_web_role_no_subject_and_lets_it_change_no_outcome(self, as_role):
        receive(owner_id="someone")
        for statement in ("SELECT subject FROM inbox_event", "UPDATE inbox_event SET handled_at = received_at"):
            with as_role("web"), pytest.raises(ProgrammingError, match="denied"), connection.cursor() as cursor:
                cursor.execute(statement)


class TestHearing:
    def test_is_over_once_handled(self):
        receive()
        key = key_of("evt_1")
        assert operations.take(event_id=key, now=START).object_id == "pi_1"
        handle(key)
        assert queries.event(key).handled_at == START
        assert operations.take(event_id=key, now=START) is None
        assert operations.due(START + timedelta(days=1)) == []

    def test_commits_with_the_effects_or_not_at_all(self):
        receive()
        key = key_of("evt_1")

        def boom() -> None:
            with transaction.atomic():
                operations.handled(event_id=key, now=START)
                raise RuntimeError

        with pytest.raises(RuntimeError):
            boom()
        assert queries.event(key).handled_at is None

    def test_covers_what_came_in_before_it_began(self, admin):
        receive("evt_1")
        receive("evt_2")
        first, second = key_of("evt_1"), key_of("evt_2")
        assert queries.event(second).same_as == first
        assert operations.take(event_id=second, now=START) is None
        operations.take(event_id=first, now=START)
        handle(first)
        assert queries.event(second).handled_at == START
        assert jobs(admin) == [first]

    def test_leaves_what_came_in_while_it_ran_to_be_heard_again_once(self, admin):
        receive("evt_1")
        first = key_of("evt_1")
        operations.take(event_id=first, now=START)
        receive("evt_2")
        receive("evt_3")
        second, third = key_of("evt_2"), key_of("evt_3")
        handle(first)
        assert queries.event(third).same_as is None
        assert queries.event(second).same_as == third
        assert jobs(admin) == [first, third]

    def test_loses_no_delivery_that_meets_the_end_of_the_hearing(self, admin):
        """The hearing commits while the delivery waits for the row: it must not hide behind what is settled."""
        receive("evt_1")
        first = key_of("evt_1")
        operations.take(event_id=first, now=START)

        def deliver() -> None:
            receive("evt_2")
            connection.close()

        late = threading.Thread(target=deliver)
        with transaction.atomic():
            operations.handled(event_id=first, now=START)
            late.start()
            late.join(0.3)
            assert late.is_alive(), "it should wait for our commit"
        late.join()
        assert jobs(admin) == [first, key_of("evt_2")]


class TestPostponing:
    def test_waits_longer_each_time_and_gives_up_after_a_day(self, admin):
        receive()
        key = key_of("evt_1")
        run_all(admin)
        now, waits = START, []
        while operations.postponed(event_id=key, code="unknown_intent", now=now):
            waits.append(queries.event(key).next_try_at - now)
            assert operations.due(queries.event(key).next_try_at - timedelta(seconds=1)) == []
            now = queries.event(key).next_try_at
            assert operations.due(now) == [key]
        assert waits[:3] == [timedelta(seconds=5), timedelta(seconds=10), timedelta(seconds=20)]
        assert max(waits) == timedelta(hours=1)
        assert timedelta(hours=24) <= now - START < timedelta(hours=26)
        found = queries.event(key)
        assert (found.given_up_at, found.last_error, found.tries) == (now, "unknown_intent", len(waits) + 1)
        assert operations.due(now + timedelta(days=1)) == []

    def test_gives_a_covered_delivery_its_own_day(self, admin):
        receive("evt_1")
        receive("evt_2", now=START + timedelta(hours=20))
        operations.postponed(event_id=key_of("evt_1"), code="unknown", now=START + timedelta(hours=24))
        second = queries.event(key_of("evt_2"))
        assert (second.same_as, second.given_up_at) == (None, None)
        assert second.id in jobs(admin)

    def test_queues_what_is_due_and_what_died_on_the_way(self, admin):
        receive()
        key = key_of("evt_1")
        run_all(admin)
        operations.take(event_id=key, now=START)
        assert operations.wake(now=START + timedelta(seconds=30)) == 0
        assert operations.wake(now=START + timedelta(minutes=3)) == 1
        assert jobs(admin) == [key]
        assert operations.wake(now=START + timedelta(minutes=3)) == 0

    def test_ends_even_when_no_hearing_ever_speaks(self):
        receive()
        operations.wake(now=START + timedelta(hours=26))
        assert queries.event(key_of("evt_1")).last_error == "never_heard"
        assert queries.backlog(START).given_up == 1


class TestTheBacklog:
    def test_counts_what_waits_and_how_long(self):
        assert queries.lag(START) == timedelta(0)
        receive("evt_1")
        receive("evt_2", about="pi_2", now=START + timedelta(minutes=4))
        operations.postponed(event_id=key_of("evt_2"), code="unknown", now=START + timedelta(minutes=4))
        found = queries.backlog(START + timedelta(minutes=9))
        assert (found.waiting, found.postponed, found.given_up) == (2, 1, 0)
        assert found.lag == timedelta(minutes=9)
        handle(key_of("evt_1"))
        assert queries.lag(START + timedelta(minutes=9)) == timedelta(minutes=5)

    def test_is_readable_by_the_back_office_without_subjects(self, as_role):
        receive(owner_id="someone")
        with as_role("backoffice"):
            assert queries.backlog(START).waiting == 1

    def test_knows_no_event_that_is_not_there(self):
        assert queries.event(404) is None


class TestReplaying:
    def test_hears_settled_events_again_with_a_fresh_day(self, admin):
        receive("evt_1")
        receive("evt_2", vendor="duffel", about="ord_1")
        receive("evt_3", about="pi_3", now=START + timedelta(hours=1))
        run_all(admin)
        [handle(key_of(one)) for one in ("evt_1", "evt_2", "evt_3")]
        later = START + timedelta(days=3)
        assert operations.replay(vendor="stripe", since=START + timedelta(minutes=1), now=later) == 1
        assert operations.replay(event_ids=[key_of("evt_2")], now=later) == 1
        assert jobs(admin) == [key_of("evt_3"), key_of("evt_2")]
        assert operations.postponed(event_id=key_of("evt_3"), code="unknown", now=later) is True
        assert queries.event(key_of("evt_1")).handled_at == START

    def test_needs_a_choice(self):
        with pytest.raises(BadInput, match="which"):
            operations.replay(now=START)


class TestPruning:
    def test_deletes_what_was_settled_two_months_ago_and_nothing_that_waits(self):
        for number in range(3):
            receive(f"evt_{number}", about=f"pi_{number}")
        receive("evt_9", about="pi_9", now=START + timedelta(days=2))
        [handle(key_of(one)) for one in ("evt_0", "evt_1", "evt_9")]
        assert operations.prune(now=START + timedelta(days=61)) == 2
        assert set(Event.objects.values_list("event_id", flat=True)) == {"evt_2", "evt_9"}
