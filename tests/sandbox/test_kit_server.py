"""The controls and the command line."""

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest


class TestTheControls:
    def test_move_the_clock(self, world):
        before = world.control("GET", "clock")["now"]
        assert world.advance(60)["now"] == pytest.approx(before + 60)
        assert world.control("POST", "clock", {"set": before + 120})["now"] == pytest.approx(before + 120)
        iso = world.control("GET", "clock")["iso"]
        assert world.control("POST", "clock", {"set": iso})["iso"] == iso

    @pytest.mark.parametrize("wish", [{}, {"advance": -1}, {"set": "2001-01-01T00:00:00+00:00"}, {"set": "tomorrow"}])
    def test_refuse_a_senseless_move(self, world, wish):
        with pytest.raises(urllib.error.HTTPError, match="400"):
            world.control("POST", "clock", wish)

    def test_bring_back_the_seeds_state(self, world):
        first = world.customer().id
        world.fault("GET /v1/events", "close_before")
        world.control("POST", "reset")
        assert world.ledger() == {"payment_intents": [], "totals": {}, "customers": 0}
        assert world.v1.events.list().data == []
        assert world.customer().id == first

    def test_say_that_it_lives(self, world):
        assert world.control("GET", "health") == {"vendor": "stripe", "ok": True}


class TestTheCommand:
    def test_says_where_it_listens_and_stops_cleanly(self, tmp_path):
        command = [sys.executable, "-m", "sandbox", "stripe", "--port", "0", "--seed", "5"]
        clock = tmp_path / "clock.json"
        process = subprocess.Popen([*command, "--clock-file", str(clock)], stdout=subprocess.PIPE)
        try:
            ready = json.loads(process.stdout.readline())
            assert (ready["ready"], ready["vendor"]) == (True, "stripe")
            url = f"http://127.0.0.1:{ready['port']}/_sandbox/health"
            with urllib.request.urlopen(url, timeout=5) as answer:
                assert json.loads(answer.read())["ok"] is True
            assert clock.exists()
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(5) == 0
            process.stdout.close()
