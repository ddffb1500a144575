"""Kill switches: what each stops, and how soon every process knows."""

import subprocess
import sys
import time

import pytest
from tests.bench import START
from tests.scenario import cli

from parkerflight.core import switches
from parkerflight.core.errors import Retryable
from parkerflight.core.models import Switch
from parkerflight.core.switches import Stop, require_writable, stopped

WATCHER = """
import sys, time
import django
django.setup()
from parkerflight.core.switches import Stop, stopped
assert not stopped(Stop.SEARCHES)
print("watching", flush=True)
while not stopped(Stop.SEARCHES):
    time.sleep(0.01)
print(time.time(), flush=True)
"""


@pytest.fixture(autouse=True)
def _empty(database):
    pass


def turn(what: Stop, *, on: bool = True) -> None:
    switches.turn(what, on=on, reason="tests", now=START)


class TestASwitch:
    @pytest.mark.parametrize("what", [Stop.SEARCHES, Stop.BOOKINGS, Stop.CAPTURES])
    def test_stops_its_own_part_only(self, what):
        turn(what)
        assert [one for one in Stop if stopped(one)] == [what]
        turn(what, on=False)
        assert not any(stopped(one) for one in Stop)

    def test_for_reading_only_stops_everything_and_gives_it_back(self):
        turn(Stop.READ_ONLY)
        assert all(stopped(one) for one in Stop)
        with pytest.raises(Retryable) as refused:
            require_writable()
        assert refused.value.code == "read_only"
        turn(Stop.READ_ONLY, on=False)
        require_writable()

    def test_leaves_another_switch_as_it_was(self):
        turn(Stop.CAPTURES)
        turn(Stop.READ_ONLY)
        turn(Stop.READ_ONLY, on=False)
        assert [one for one in Stop if stopped(one)] == [Stop.CAPTURES]

    def test_is_known_to_another_process_within_a_second(self, bench_settings):
        """The other process has asked a moment before, so it starts with the old answer."""
        env = {**bench_settings, "PARKER_PROCESS": "worker"}
        command = [sys.executable, "-c", WATCHER]
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as watcher:
            assert watcher.stdout.readline() == "watching\n"
            turned = time.time()
            turn(Stop.READ_ONLY)
            seen = float(watcher.stdout.readline())
        assert seen - turned < 1.0


class TestTheCommand:
    def test_turns_a_switch_and_says_so(self):
        done = cli("switch", "read_only", "stop", "--reason", "moving house", PARKER_PROCESS="backoffice")
        assert done.returncode == 0, done.stderr
        assert "read_only: stopped" in done.stdout
        assert Switch.objects.get(name="read_only").reason == "moving house"
        assert cli("switch", "read_only", "go", PARKER_PROCESS="backoffice").returncode == 0
        switches.forget()
        assert not stopped(Stop.READ_ONLY)

    @pytest.mark.parametrize(
        ("arguments", "word"),
        [
            (("everything", "stop", "--reason", "x"), "read_only"),
            (("bookings", "halt", "--reason", "x"), "stop or go"),
            (("bookings", "stop"), "--reason"),
            (("bookings", "stop", "--reason", "x" * 201), "200"),
        ],
    )
    def test_refuses_what_it_does_not_know_and_a_stop_without_a_reason(self, arguments, word):
        done = cli("switch", *arguments, PARKER_PROCESS="backoffice")
        assert done.returncode == 2
        assert word in done.stderr
        assert not Switch.objects.exists()
