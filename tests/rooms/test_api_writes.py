"""Writes over HTTP: once however often they are sent, refused with what to do, replayed word for word."""

import json
import os
import subprocess
import sys
import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from tests.bench import START
from tests.scenario import AMELIA, Scenario

from parkerflight.accounts.operations import issue_token
from parkerflight.campaigns import operations as campaigns
from parkerflight.core import idempotency, switches
from parkerflight.core.switches import Stop
from parkerflight.payments.mandate_texts import CURRENT
from parkerflight.travelers.operations import add_traveler

AGREEMENT = {"version": CURRENT, "accepted": True}


class Person:
    """Somebody with a token, a traveller and a card, at the API."""

    def __init__(self, scenario: Scenario, as_role) -> None:
        self.owner_id, self.as_role = scenario.owner_id, as_role
        with as_role("web"):
            self.traveler_id = add_traveler(
                owner_id=self.owner_id, profile=AMELIA, now=START, actor=f"account:{self.owner_id}"
            )
            self.card_id = scenario.save("pm_card_visa")
            self.token = issue_token(self.owner_id)

    def wish(self, **changes) -> dict:
        day = (START.date() + timedelta(days=60)).isoformat()
        criteria = {
            "origins": ["LHR"], "destinations": ["LIS"], "departure_from": day, "departure_to": day,
            "nights_min": 7, "nights_max": 7,
        }  # fmt: skip
        base = {
            "criteria": criteria,
            "traveler_ids": [str(self.traveler_id)],
            "cap": {"amount": "450.00", "currency": "GBP"},
            "card_id": str(self.card_id),
            "agreement": AGREEMENT,
        }
        return base | changes

    def send(self, method: str, path: str, body: object = None, *, key: str | None = "", token: str = ""):
        headers = {"Authorization": f"Bearer {token or self.token}", "User-Agent": "tests"}
        if key is not None:
            headers["Idempotency-Key"] = key or str(uuid4())
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        with self.as_role("web"):
            return http(method, path, data, headers)

    def started(self, **changes) -> str:
        answer = self.send("POST", "/api/campaigns", self.wish(**changes))
        assert answer.status_code == 201, answer.content
        return answer.json()["id"]


def http(method: str, path: str, data: bytes, headers: dict[str, str]):
    client = Client(SERVER_NAME="localhost", REMOTE_ADDR="203.0.113.9")
    return client.generic(method, path, data, content_type="application/json", headers=headers)


@pytest.fixture
def person(scenario, as_role) -> Person:
    return Person(scenario, as_role)


def count(admin, table: str = "campaigns_campaign") -> int:
    return admin.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def is_problem(answer, status: int, code: str) -> dict:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:parkerflight:{code}")
    return body


class TestStartingACampaign:
    def test_writes_it_with_its_mandate_and_watches_at_once(self, person, admin):
        answer = person.send("POST", "/api/campaigns", person.wish())
        assert answer.status_code == 201
        assert answer.json()["status"] == "active"
        row = admin.execute("SELECT id::text, status, cap_minor, mandate_id FROM campaigns_campaign").fetchone()
        assert row[:3] == (answer.json()["id"], "active", 45000)
        mandate = admin.execute("SELECT id, version, cap_minor, text FROM payments_mandate").fetchone()
        assert (mandate[0], mandate[1], mandate[2]) == (row[3], CURRENT, 45000)
        assert "450.00" in mandate[3]
        assert admin.execute("SELECT bool_and(active) FROM campaigns_campaigncell").fetchone() == (True,)

    @pytest.mark.parametrize(
        ("changes", "status", "code", "field"),
        [
            ({"cap": {"amount": "0", "currency": "GBP"}}, 422, "cap_not_positive", "cap"),
            ({"cap": {"amount": "450.005", "currency": "GBP"}}, 422, "bad_amount", "amount"),
            ({"card_id": str(uuid4())}, 404, "no_card", None),
            ({"traveler_ids": [str(uuid4())]}, 404, None, None),
            ({"veto_hours": 99}, 422, "bad_veto_hours", "veto_hours"),
            ({"agreement": {"version": "1999-01", "accepted": True}}, 422, "agreement_outdated", "agreement"),
            ({"agreement": {"version": CURRENT, "accepted": False}}, 422, "malformed", "agreement.accepted"),
            ({"surprise": 1}, 422, "malformed", "surprise"),
        ],
    )
    def test_refuses_what_cannot_be_and_writes_nothing(self, person, admin, changes, status, code, field):
        answer = person.send("POST", "/api/campaigns", person.wish(**changes))
        body = is_problem(answer, status, code or answer.json()["code"])
        assert body.get("field") == field
        assert count(admin) == count(admin, "payments_mandate") == count(admin, "core_idempotencykey") == 0

    def test_refuses_what_is_no_json_and_who_is_nobody(self, person):
        is_problem(person.send("POST", "/api/campaigns", b"{nonsense"), 400, "bad_request")
        is_problem(person.send("POST", "/api/campaigns", b" " * (2**20 + 1)), 413, "too_large")
        answer = person.send("POST", "/api/campaigns", person.wish(), token="forged")
        is_problem(answer, 401, "not_signed_in")
        assert answer["WWW-Authenticate"] == "Bearer"


class TestTheIdempotencyKey:
    @pytest.mark.parametrize("key", [None, " ", "a b", "x" * 256, "ключ"])
    def test_is_asked_for_with_what_to_do(self, person, admin, key):
        body = is_problem(person.send("POST", "/api/campaigns", person.wish(), key=key), 400, "idempotency_key_missing")
        assert "UUID" in body["title"]
        assert count(admin) == 0

    def test_gives_the_stored_answer_again_word_for_word(self, person, admin):
        first = person.send("POST", "/api/campaigns", person.wish(), key="k1")
        again = person.send("POST", "/api/campaigns", person.wish(), key="k1")
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first
        assert count(admin) == 1

    def test_counts_the_content_and_not_the_spelling_of_a_body(self, person, admin):
        person.send("POST", "/api/campaigns", person.wish(), key="k1")
        shuffled = json.dumps(dict(reversed(person.wish().items())), indent=3).encode()
        assert person.send("POST", "/api/campaigns", shuffled, key="k1")["Idempotent-Replayed"] == "true"
        other = person.wish(cap={"amount": "450.01", "currency": "GBP"})
        is_problem(person.send("POST", "/api/campaigns", other, key="k1"), 422, "idempotency_key_reused")
        assert count(admin) == 1

    def test_belongs_to_one_method_and_path(self, person):
        campaign_id = person.started()
        person.send("POST", f"/api/campaigns/{campaign_id}/pause", key="k2")
        answer = person.send("POST", f"/api/campaigns/{campaign_id}/cancel", key="k2")
        is_problem(answer, 422, "idempotency_key_reused")

    def test_is_free_again_after_a_refusal(self, person):
        wrong = person.wish(card_id=str(uuid4()))
        assert person.send("POST", "/api/campaigns", wrong, key="k1").status_code == 404
        assert person.send("POST", "/api/campaigns", person.wish(), key="k1").status_code == 201

    def test_of_one_person_says_nothing_about_anothers(self, person, stranger, admin):
        person.send("POST", "/api/campaigns", person.wish(), key="k1")
        answer = person.send("POST", "/api/campaigns", person.wish(), key="k1", token=issue_token(stranger))
        assert answer.status_code == 404  # the traveller is not theirs; nothing was replayed
        assert count(admin) == 1

    def test_is_kept_as_a_hash_and_its_answer_holds_ids_only(self, person, admin):
        person.send("POST", "/api/campaigns", person.wish(), key="amelia@example.org")
        row = admin.execute("SELECT key_sha256, answer FROM core_idempotencykey").fetchone()
        assert "amelia" not in row[0]
        assert set(row[1]) == {"id", "status", "wish"}

    def test_is_forgotten_after_two_days_and_not_after_one(self, person, admin):
        person.send("POST", "/api/campaigns", person.wish(), key="k1")
        assert idempotency.prune(now=START + timedelta(hours=25)) == 0
        assert idempotency.prune(now=START + timedelta(hours=49)) == 1
        assert count(admin, "core_idempotencykey") == 0


class TestADoubleClick:
    def test_starts_one_campaign(self, person, admin):
        """Eight threads at once; whoever meets the running one is told to ask again, and then gets its answer."""
        data = json.dumps(person.wish()).encode()
        headers = {"Authorization": f"Bearer {person.token}", "Idempotency-Key": "click"}
        answers, barrier = [], threading.Barrier(8)

        def click() -> None:
            barrier.wait()
            answers.append(http("POST", "/api/campaigns", data, headers))
            connection.close()

        with person.as_role("web"):
            threads = [threading.Thread(target=click) for _ in range(8)]
            [one.start() for one in threads]
            [one.join() for one in threads]
        assert count(admin) == count(admin, "payments_mandate") == 1
        fresh = [one for one in answers if one.status_code == 201 and "Idempotent-Replayed" not in one]
        assert len(fresh) == 1
        for one in answers:
            if one.status_code == 201:
                assert one.content == fresh[0].content
            else:
                is_problem(one, 409, "idempotency_key_in_use")
                assert one["Retry-After"] == "1"
        assert person.send("POST", "/api/campaigns", person.wish(), key="click").content == fresh[0].content

    def test_is_told_to_wait_while_the_first_is_at_work(self, person, admin):
        """The first one stands still inside its transaction, as on a slow day."""
        inside, go = threading.Event(), threading.Event()

        def slow() -> idempotency.Answer:
            inside.set()
            go.wait(10)
            return idempotency.Answer(201, {"id": "1"})

        def first() -> None:
            idempotency.once(owner_id=person.owner_id, key="k", fingerprint="f", now=START, effect=slow)
            connection.close()

        with person.as_role("web"):
            thread = threading.Thread(target=first)
            thread.start()
            assert inside.wait(10)
        answer = person.send("POST", "/api/campaigns", person.wish(), key="k")
        go.set()
        thread.join()
        is_problem(answer, 409, "idempotency_key_in_use")
        assert count(admin) == 0


SENDER = """
import json, os, sys
import django
django.setup()
from tests.rooms.test_api_writes import http
sent = json.load(sys.stdin)
answer = http("POST", "/api/campaigns", json.dumps(sent["body"]).encode(), sent["headers"])
sys.exit(0 if answer.status_code == 201 else 1)
"""


class TestACrash:
    @pytest.mark.parametrize(
        ("point", "campaigns_left"), [("core.idempotency.answered", 0), ("core.idempotency.once.commit", 1)]
    )
    def test_loses_the_campaign_and_its_answer_together_or_keeps_both(self, person, admin, point, campaigns_left):
        """A web process is killed on either side of the commit; the client sends again."""
        sent = {
            "body": person.wish(),
            "headers": {"Authorization": f"Bearer {person.token}", "Idempotency-Key": "crash"},
        }
        env = {**os.environ, "PARKER_PROCESS": "web", "PARKER_FAULT_POINT": point}
        script = SENDER.replace("from tests.rooms.test_api_writes import http", _HTTP)
        died = subprocess.run(
            [sys.executable, "-c", script], input=json.dumps(sent), text=True, env=env, capture_output=True, check=False
        )
        assert died.returncode == -9, died.stderr
        assert count(admin) == count(admin, "core_idempotencykey") == campaigns_left
        again = person.send("POST", "/api/campaigns", person.wish(), key="crash")
        assert again.status_code == 201
        assert ("Idempotent-Replayed" in again) == bool(campaigns_left)
        assert count(admin) == count(admin, "payments_mandate") == 1


# The killed process has no test bench: it sends its request as any web process receives one.
_HTTP = """
from django.test import Client
def http(method, path, data, headers):
    return Client(SERVER_NAME="localhost").generic(method, path, data, content_type="application/json", headers=headers)
"""


class TestPausingAndGoingOn:
    def test_ends_the_permission_and_needs_a_new_one(self, person, admin):
        campaign_id = person.started()
        paused = person.send("POST", f"/api/campaigns/{campaign_id}/pause")
        assert (paused.status_code, paused.json()["status"]) == (200, "paused")
        assert admin.execute("SELECT count(*) FROM payments_mandate WHERE revoked_at IS NULL").fetchone() == (0,)
        is_problem(person.send("POST", f"/api/campaigns/{campaign_id}/resume", {}), 422, "malformed")
        resumed = person.send("POST", f"/api/campaigns/{campaign_id}/resume", {"agreement": AGREEMENT})
        assert resumed.json()["status"] == "active"
        assert count(admin, "payments_mandate") == 2

    def test_can_go_on_with_another_card(self, person, scenario, admin, as_role):
        campaign_id = person.started()
        person.send("POST", f"/api/campaigns/{campaign_id}/pause")
        with as_role("web"):
            other = scenario.save("pm_card_mastercard")
        body = {"agreement": AGREEMENT, "card_id": str(other)}
        assert person.send("POST", f"/api/campaigns/{campaign_id}/resume", body).status_code == 200
        assert admin.execute("SELECT card_id FROM campaigns_campaign").fetchone() == (other,)

    def test_is_refused_from_a_status_that_does_not_allow_it(self, person):
        campaign_id = person.started()
        assert person.send("POST", f"/api/campaigns/{campaign_id}/cancel").json()["status"] == "cancelled"
        is_problem(person.send("POST", f"/api/campaigns/{campaign_id}/pause"), 409, "wrong_status")
        answer = person.send("POST", f"/api/campaigns/{campaign_id}/resume", {"agreement": AGREEMENT})
        is_problem(answer, 409, "wrong_status")

    def test_while_a_fare_is_being_booked_is_kept_as_a_wish(self, person, admin):
        campaign_id = person.started()
        admin.execute("UPDATE campaigns_campaign SET status = 'booking'")
        answer = person.send("POST", f"/api/campaigns/{campaign_id}/cancel")
        assert answer.status_code == 202
        assert answer.json() == {"id": campaign_id, "status": "booking", "wish": "cancelled"}
        assert admin.execute("SELECT count(*) FROM payments_mandate WHERE revoked_at IS NULL").fetchone() == (1,)

    def test_is_nobody_elses_business(self, person, stranger, admin):
        campaign_id = person.started()
        for action in ("pause", "cancel"):
            answer = person.send("POST", f"/api/campaigns/{campaign_id}/{action}", token=issue_token(stranger))
            is_problem(answer, 404, "no_campaign")
        assert admin.execute("SELECT status FROM campaigns_campaign").fetchone() == ("active",)


class TestChangingTheCap:
    def test_downwards_needs_nothing_more(self, person, admin):
        campaign_id = person.started()
        answer = person.send("PATCH", f"/api/campaigns/{campaign_id}", {"cap": {"amount": "400", "currency": "GBP"}})
        assert answer.status_code == 200
        assert admin.execute("SELECT cap_minor FROM campaigns_campaign").fetchone() == (40000,)
        assert count(admin, "payments_mandate") == 1

    def test_upwards_needs_a_new_agreement_and_ends_the_old(self, person, admin):
        campaign_id = person.started()
        more = {"cap": {"amount": "500", "currency": "GBP"}}
        is_problem(person.send("PATCH", f"/api/campaigns/{campaign_id}", more), 422, "mandate_needed")
        answer = person.send("PATCH", f"/api/campaigns/{campaign_id}", {**more, "agreement": AGREEMENT})
        assert answer.status_code == 200
        rows = admin.execute("SELECT cap_minor, revoked_at IS NULL FROM payments_mandate ORDER BY cap_minor").fetchall()
        assert rows == [(45000, False), (50000, True)]
        found = admin.execute(
            "SELECT c.cap_minor, m.cap_minor FROM campaigns_campaign c JOIN payments_mandate m ON m.id = c.mandate_id"
        ).fetchone()
        assert found == (50000, 50000)

    def test_into_another_currency_is_refused(self, person):
        campaign_id = person.started()
        body = {"cap": {"amount": "400", "currency": "EUR"}, "agreement": AGREEMENT}
        is_problem(person.send("PATCH", f"/api/campaigns/{campaign_id}", body), 422, "bad_cap")


class TestReadOnly:
    def test_refuses_every_write_with_when_to_come_back_and_still_shows(self, person, admin):
        campaign_id = person.started()
        person.send("POST", "/api/campaigns", person.wish(), key="before")
        switches.turn(Stop.READ_ONLY, on=True, reason="tests", now=START)
        for method, path, body in (
            ("POST", "/api/campaigns", person.wish()),
            ("PATCH", f"/api/campaigns/{campaign_id}", {"cap": {"amount": "400", "currency": "GBP"}}),
            ("POST", f"/api/campaigns/{campaign_id}/pause", None),
            ("POST", f"/api/campaigns/{campaign_id}/cancel", None),
            ("POST", f"/api/campaigns/{campaign_id}/resume", {"agreement": AGREEMENT}),
        ):
            answer = person.send(method, path, body, key="during")
            is_problem(answer, 503, "read_only")
            assert int(answer["Retry-After"]) >= 30
        assert len(person.send("GET", "/api/campaigns").json()) == 2
        assert person.send("POST", "/api/campaigns", person.wish(), key="before")["Idempotent-Replayed"] == "true"
        switches.turn(Stop.READ_ONLY, on=False, reason="", now=START)
        assert person.send("POST", f"/api/campaigns/{campaign_id}/pause", key="during").status_code == 200

    def test_holds_for_whoever_starts_a_campaign_past_the_api(self, person, scenario, admin):
        from parkerflight.core.errors import Retryable

        switches.turn(Stop.READ_ONLY, on=True, reason="tests", now=START)
        with pytest.raises(Retryable, match="only showing"):
            campaigns.create_campaign(
                owner_id=person.owner_id, criteria=scenario.criteria(), traveler_ids=[person.traveler_id],
                cap=None, card_id=person.card_id, now=START,
            )  # fmt: skip
        assert count(admin) == 0


class TestTheSchema:
    WRITES = (
        ("/api/campaigns", "post"),
        ("/api/campaigns/{campaign_id}", "patch"),
        ("/api/campaigns/{campaign_id}/pause", "post"),
        ("/api/campaigns/{campaign_id}/resume", "post"),
        ("/api/campaigns/{campaign_id}/cancel", "post"),
        ("/api/campaigns/{campaign_id}/skip", "post"),
        ("/api/cancellations/{cancellation_id}/confirm", "post"),
        ("/api/attempts/{attempt_id}/confirmed", "post"),
        ("/api/changes/{change_id}/accept", "post"),
        ("/api/changes/{change_id}/contact", "post"),
    )
    ASKING = (  # they bind nobody: what they answer is looked at and then said yes to, or not
        ("/api/bookings/{booking_id}/cancellation", "post"),
        ("/api/attempts/{attempt_id}/confirmation", "post"),
    )

    def test_asks_for_the_key_on_every_write_and_on_no_read(self, database, as_role):
        with as_role("web"):
            schema = http("GET", "/api/openapi.json", b"", {}).json()
        assert schema["openapi"].startswith("3.1")
        found = {
            (path, method)
            for path, item in schema["paths"].items()
            for method, operation in item.items()
            if any(
                one["name"] == "Idempotency-Key" and one["in"] == "header" and one["required"]
                for one in operation.get("parameters", [])
            )
        }
        assert found == set(self.WRITES)
        writing = {(path, m) for path, item in schema["paths"].items() for m in item if m != "get"}
        assert writing == {*self.WRITES, *self.ASKING}

    def test_resolves_every_reference_and_names_every_parameter(self, database, as_role):
        with as_role("web"):
            schema = http("GET", "/api/openapi.json", b"", {}).json()
        text = json.dumps(schema)
        for reference in {part.split('"')[0] for part in text.split('"$ref": "#/components/schemas/')[1:]}:
            assert reference in schema["components"]["schemas"]
        for path, item in schema["paths"].items():
            for operation in item.values():
                assert operation["responses"], path
                for wanted in [part.split("}")[0] for part in path.split("{")[1:]]:
                    assert wanted in {one["name"] for one in operation["parameters"]}
