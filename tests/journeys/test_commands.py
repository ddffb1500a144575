"""The command line as a person meets it."""

import json
from pathlib import Path

import pytest
from tests.scenario import cli, last_json

from parkerflight.ops.demo_disasters import DISASTERS

QUICK = ("price-moved", "card-declined")  # a booking and a letting go; the rest take up to a minute each
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "duffel"


@pytest.mark.journey
@pytest.mark.timeout(240)
class TestTheDemo:
    def test_books_and_ends_with_one_json_object_in_which_all_books_agree(self, tmp_path):
        done = cli("demo", "--json", "--data", str(tmp_path / "demo"), "--fault", "order-answer-lost", **_CLEAN)
        found = last_json(done.stdout)
        assert done.returncode == 0, done.stderr[-2000:]
        assert found["campaign"]["status"] == "completed"
        assert found["payment"]["authorised"] == found["payment"]["captured"] == found["offer"]["total"]
        assert float(found["offer"]["total"]) <= float(found["campaign"]["cap"])
        assert len(found["order"]["tickets"]) == 1
        assert found["invariants"]["violations"] == []
        assert found["ledgers"]["agree"]
        assert len(found["mails"]) == 1
        assert {"match_to_ordered", "ordered_to_captured"} <= found["timings_ms"].keys()

    @pytest.mark.parametrize("name", QUICK)
    def test_tells_a_disaster_that_ends_as_promised(self, tmp_path, name):
        self.tell(tmp_path, name)

    @pytest.mark.storm
    @pytest.mark.parametrize("name", [name for name in DISASTERS if name not in (*QUICK, "order-answer-lost")])
    def test_tells_every_other_disaster_too(self, tmp_path, name):
        self.tell(tmp_path, name)

    def tell(self, tmp_path, name):
        done = cli("demo", "--json", "--data", str(tmp_path / "demo"), "--fault", name, **_CLEAN)
        found = last_json(done.stdout)
        assert done.returncode == 0, done.stderr[-2000:]
        assert (found["fault"], found["story"]) == (name, DISASTERS[name].story)
        assert found["ended"] == found["promised"] == DISASTERS[name].promised
        assert found["ledgers"]["agree"]
        assert found["invariants"]["violations"] == []
        # The story comes first, then its moment, then the books and the moral.
        told = " ".join(done.stderr.split())
        parts = (DISASTERS[name].danger, "✖", "What the books say", DISASTERS[name].moral)
        places = [told.index(" ".join(part.split())) for part in parts]
        assert places == sorted(places)

    def test_lists_its_disasters_and_refuses_unknown_ones(self):
        listed = cli("demo", "--fault", "list", **_CLEAN)
        unknown = cli("demo", "--fault", "meteor", **_CLEAN)
        assert (listed.returncode, unknown.returncode) == (0, 2)
        assert all(name in listed.stdout and name in unknown.stderr for name in DISASTERS)

    def test_refuses_to_play_with_real_accounts_or_over_other_files(self, tmp_path):
        (tmp_path / "precious").write_text("x")
        occupied = cli("demo", "--data", str(tmp_path), **_CLEAN)
        real = cli("demo", STRIPE_API_KEY="sk_test_x", **_CLEAN)
        assert (occupied.returncode, real.returncode) == (2, 2)
        assert "not empty" in occupied.stderr
        assert (tmp_path / "precious").exists()


@pytest.mark.journey
class TestUpAndDown:
    def test_start_the_system_restart_what_dies_and_stop_it(self, tmp_path):
        import os
        import signal
        import time
        import urllib.error
        import urllib.request

        data = str(tmp_path / "data")
        assert cli("up", "--data", data, **_CLEAN).returncode == 0
        try:
            addresses = json.loads((tmp_path / "data" / "supervisor.json").read_text())
            with urllib.request.urlopen(f"{addresses['web']}/readyz", timeout=5) as answer:
                assert answer.status == 200
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(addresses["team"], timeout=5)
            assert cli("invariants", "--data", data, "--json", **_CLEAN).returncode == 0
            assert "0 waiting" in cli("inbox", "backlog", "--data", data, **_CLEAN).stdout
            os.kill(_child(addresses["pid"], "worker"), signal.SIGKILL)
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline and not _child(addresses["pid"], "worker"):
                time.sleep(0.2)
            assert _child(addresses["pid"], "worker")
        finally:
            assert "is down" in cli("down", "--data", data, **_CLEAN).stdout
        assert "not running" in cli("down", "--data", data, **_CLEAN).stdout


def _child(parent: int, word: str) -> int:
    """The pid of a living child whose command line holds `word`, or 0."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            if int(status[1]) == parent and status[0] != "Z" and word in (folder / "cmdline").read_text():
                return int(folder.name)
        except OSError:
            continue
    return 0


class TestOffersExplain:
    def test_judges_a_captured_response_and_refuses_what_is_none(self):
        offers = sorted((FIXTURES / "python").glob("get-offers*.json"))
        done = cli("offers", "explain", str(offers[0]), "--cap", "500", "--currency", "GBP")
        assert done.returncode == 0, done.stderr
        assert "GBP" in done.stdout
        broken = cli("offers", "explain", str(FIXTURES / "SOURCES.md"), "--cap", "500")
        assert broken.returncode == 1

    @pytest.mark.parametrize("arguments", [("--cap", "0"), ("--cap", "x"), ("--cap", "5", "--currency", "XXX")])
    def test_refuses_a_cap_that_is_none(self, arguments):
        done = cli("offers", "explain", str(FIXTURES / "SOURCES.md"), *arguments)
        assert done.returncode == 2


class TestHelp:
    def test_reads_like_a_product(self):
        shown = cli("--help").stdout
        for command in ("demo", "up", "down", "invariants", "inbox", "offers", "disputes", "bench", "test"):
            assert command in shown


# The test run's own variables would point the commands at the test's database and vendors.
_CLEAN = {
    "PARKER_DATA": "",
    "PARKER_PROCESS": "",
    "PARKER_DATABASE_NAME": "",
    "PARKER_STRIPE_BASE": "",
    "PARKER_DUFFEL_BASE": "",
    "PARKER_CLOCK_FILE": "",
    "PARKER_MAIL_OPTIONS": "",
}
