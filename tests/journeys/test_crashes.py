"""A real worker, killed where it hurts. After a restart the attempt settles by itself, once."""

import os
import subprocess
import sys
import time

import pytest
from tests.scenario import run_worker_until_it_dies

POINTS = {
    "after authorise": "bookings.after_authorised",
    "after the order's commit at the vendor": "bookings.after_order_answer",
    "before capture": "bookings.after_capturing",
    "after capture at Stripe": "payments.capture.after_call",
    "after the match is claimed": "bookings.advance",
}


@pytest.mark.journey
class TestAKilledWorker:
    @pytest.mark.parametrize("point", POINTS.values(), ids=POINTS.keys())
    def test_leaves_an_attempt_that_settles_once_after_a_restart(self, scenario, mails, point):
        scenario.start()
        scenario.clock.set(scenario.clock.now(), rate=1.0)
        assert run_worker_until_it_dies(point) == -9
        with _worker():
            _wait(lambda: scenario.campaign.status == "completed", 60)
            _wait(lambda: list(mails.iterdir()), 20)
        scenario.assert_money_is_ticket()
        assert len(scenario.attempts) == 1


@pytest.mark.journey
class TestWorkers:
    def test_two_at_once_book_one_ticket(self, scenario, mails):
        scenario.start()
        scenario.clock.set(scenario.clock.now(), rate=1.0)
        with _worker(), _worker():
            _wait(lambda: scenario.campaign.status == "completed", 60)
        scenario.assert_money_is_ticket()


class _worker:
    def __enter__(self):
        env = {**os.environ, "PARKER_PROCESS": "worker"}
        self.process = subprocess.Popen([sys.executable, "-m", "parkerflight", "worker"], env=env)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)


def _wait(condition, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.2)
    raise AssertionError("the condition did not come true in time")
