"""The simulator keeps its promises: a short storm ends well, a seed repeats itself, a planted bug does not get away."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from storm import ledger, plan
from storm.cast import Campaign

DATA = Path(os.environ["PARKER_DATA"]) / "storm"


def storm(*arguments: str, timeout: float = 110) -> subprocess.CompletedProcess[str]:
    """Run the simulator as its command does, on data of its own."""
    env = {
        name: value for name, value in os.environ.items() if not name.startswith("PARKER_") or name == "PARKER_PG_BIN"
    }
    command = [sys.executable, "-m", "storm", "--data", str(DATA), *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=timeout, check=False)


class TestAShortStorm:
    def test_ends_with_everything_settled_and_nothing_broken(self):
        done = storm("--seed", "1", "--seeds", "24", "--json")
        report = json.loads(done.stdout.splitlines()[-1])
        assert (report["violations"], report["unsettled"]) == ([], 0), done.stderr
        assert report["stories"] == report["settled"] == 24
        assert sum(report["faults"].values()) > 50, "fair weather proves nothing"
        assert done.returncode == 0

    def test_repeats_itself_exactly(self):
        first, second = (storm("--seed", "12", "--seeds", "1", "-v").stdout for _ in range(2))
        assert len(first.splitlines()) > 50
        assert first == second

    def test_refuses_a_directory_where_another_storm_is_at_work(self):
        DATA.mkdir(parents=True, exist_ok=True)
        with (DATA / "storm.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = storm("--seeds", "1")
        assert done.returncode == 1
        assert "another storm" in done.stderr

    def test_prints_the_seed_first(self):
        assert storm("--seed", "3", "--seeds", "1", "-v").stdout.startswith("storm: seed 3")


class TestAPlantedBug:
    @pytest.mark.parametrize("name", ["no_release", "unknown_is_refused", "capture_before_order"])
    def test_is_caught(self, name):
        done = storm("--planted", "--only", name, "--jobs", "1", "--json")
        [found] = json.loads(done.stdout.splitlines()[-1])["planted"]
        assert found["caught"], done.stderr


@pytest.mark.storm
class TestTheWholeStorm:
    @pytest.mark.timeout(3600)
    def test_finds_every_planted_bug(self):
        done = storm("--planted", "--json", timeout=3500)
        found = json.loads(done.stdout.splitlines()[-1])["planted"]
        assert [one["name"] for one in found if not one["caught"]] == []
        assert len(found) >= 20

    @pytest.mark.timeout(3600)
    def test_survives_a_death_at_each_point_of_each_path(self):
        done = storm("--exhaustive", "--json", timeout=3500)
        assert json.loads(done.stdout.splitlines()[-1])["violations"] == []


class TestTheModel:
    """Hypothesis looks for the sequence that breaks a promise."""

    def test_finds_none(self):
        done = storm("--model", "--examples", "30")
        assert done.returncode == 0, done.stderr[-3000:]

    def test_finds_one_when_a_bug_is_planted(self):
        done = storm("--model", "--examples", "100", "--only", "no_release")
        assert done.returncode == 1
        assert "AssertionError" in done.stderr

    @pytest.mark.storm
    @pytest.mark.timeout(3600)
    def test_finds_none_in_many(self):
        done = storm("--model", "--examples", "2000", timeout=3500)
        assert done.returncode == 0, done.stderr[-3000:]


class TestTheIdealLedger:
    """The judge itself must see what is wrong."""

    TRIP = plan.Trip(0, (0,), "LHR", "LIS", 60, None, "plenty", "pm_card_visa", "", 0)

    def campaign(self):
        return Campaign(id="c", owner_id="o", trip=self.TRIP, card_id="k", caps=[20_000])

    def order(self, **changes):
        row = {
            "id": "ord", "status": "ticketed", "total_amount": "100.00", "paid": "100.00", "refunded": "0.00", "currency": "GBP",
            "metadata": {"campaign_id": "c"}, "created_at": "2026-11-23T09:00:00Z",
        }  # fmt: skip
        return row | changes

    def intent(self, **changes):
        row = {
            "id": "pi", "amount": 10_000, "held": 0, "captured": 10_000, "refunded": 0, "capture_before": 1,
            "metadata": {"campaign_id": "c"},
        }  # fmt: skip
        return row | changes

    def broken(self, orders, intents):
        return {one.what for one in ledger.check([self.campaign()], orders, intents)}

    def test_is_content_with_a_ticket_and_its_price(self):
        assert self.broken([self.order()], [self.intent()]) == set()

    def test_is_content_with_nothing_at_all(self):
        assert self.broken([], [self.intent(captured=0)]) == set()

    @pytest.mark.parametrize(
        ("orders", "intents", "what"),
        [
            ([{}, {"id": "ord2"}], [{}], "two tickets"),
            ([{}], [{"captured": 0}], "money and ticket disagree"),
            ([], [{}], "money and ticket disagree"),
            ([{}], [{"captured": 10_001}], "money and ticket disagree"),
            ([{"status": "cancelled"}], [{"refunded": 9_000}], "money and ticket disagree"),
            ([{}], [{}, {"id": "pi2", "captured": 0, "held": 10_000}], "money still held"),
            ([{"status": "held", "paid": "0.00"}], [{}], "seats held for nobody"),
            ([{}], [{"amount": 20_001}], "above what was signed"),
            ([{"metadata": {}}], [], "order of no campaign"),
            ([], [{"metadata": {}, "captured": 0}], "payment of no campaign"),
        ],
    )
    def test_names_what_is_wrong(self, orders, intents, what):
        found = self.broken([self.order(**one) for one in orders], [self.intent(**one) for one in intents])
        assert what in found
