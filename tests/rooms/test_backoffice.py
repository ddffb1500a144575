"""The team's page: in its own process, with its own role, behind a password, without names."""

import base64
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
import pytest
from tests.bench import START
from tests.scenario import SECRETS

from parkerflight.core import switches
from parkerflight.core.switches import Stop
from parkerflight.inbox import operations as inbox
from parkerflight.interfaces.backoffice.views import age
from parkerflight.ops.queries import masked
from parkerflight.settings.config import load


@contextmanager
def served(process: str):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
               "--workers", "1", "--log-level", "warning", "parkerflight.interfaces.wsgi:application"]  # fmt: skip
    running = subprocess.Popen(command, env={**os.environ, "PARKER_PROCESS": process})
    http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20)
    try:
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            try:
                http.get("/healthz")
                break
            except httpx.HTTPError:
                time.sleep(0.05)
        yield http
    finally:
        http.close()
        running.terminate()
        running.wait(timeout=20)


def team() -> tuple[str, str]:
    return ("team", load().secret("backoffice_password"))


class TestTheBackOffice:
    def test_shows_the_team_what_waits_what_is_broken_and_what_is_stopped(self, booked, admin):
        attempt_id = str(booked.attempts[0]["id"])
        admin.execute(
            "UPDATE bookings_bookingattempt SET state = 'unknown', human_since = %s, reason = 'order_unknown',"
            " vendor_request_id = 'req_abcdefghijklmnop'",
            [START],
        )
        switches.turn(Stop.BOOKINGS, on=True, reason="airline <outage>", now=START)
        inbox.receive(
            vendor="duffel", event_id="wev_1", kind="order.created", object_id="ord_1", subject={}, body_sha256="",
            now=START,
        )  # fmt: skip
        with served("backoffice") as http:
            answer = http.get("/", auth=team())
        assert answer.status_code == 200, answer.text
        assert "attempt_needs_a_person" in answer.text
        assert attempt_id in answer.text
        assert "order_unknown" in answer.text
        assert "req_…mnop" in answer.text
        assert "req_abcdefghijklmnop" not in answer.text
        assert "airline &lt;outage&gt;" in answer.text
        assert "read_only" in answer.text
        assert not [secret for secret in SECRETS if secret in answer.text]

    def test_sends_headers_that_let_nothing_run_and_nothing_stay(self, database):
        with served("backoffice") as http:
            answer = http.get("/", auth=team())
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "<script" not in answer.text
        assert "style=" not in answer.text
        style = answer.text.split("<style>")[1].split("</style>")[0]
        import hashlib

        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
        assert "all " in answer.text

    def test_lets_nobody_else_in_and_slows_who_guesses(self, database):
        with served("backoffice") as http:
            nobody = http.get("/")
            assert nobody.status_code == 401
            assert nobody.headers["WWW-Authenticate"].startswith("Basic ")
            assert "Invariants" not in nobody.text
            for given in ("Basic", "Basic ***", "Basic " + base64.b64encode(b"team:").decode(), "Bearer x"):
                assert http.get("/", headers={"Authorization": given}).status_code == 401
            guesses = [http.get("/", auth=("team", f"guess{number}")).status_code for number in range(15)]
            assert guesses[-1] == 429
            assert http.get("/", auth=team()).status_code == 200

    def test_serves_the_team_only_and_the_web_process_serves_no_team(self, database):
        with served("backoffice") as http:
            assert http.get("/api/campaigns").status_code == 404
            assert http.post("/api/webhooks/stripe").status_code == 404
            assert http.post("/", auth=team()).status_code == 405
        with served("web") as http:
            assert http.get("/", auth=team()).status_code == 404


class TestWhatItShows:
    @pytest.mark.parametrize(
        ("minutes", "text"), [(0.5, "30 s"), (12, "12 min"), (185, "3 h 5 min"), (60 * 52, "2 d 4 h"), (-1, "0 s")]
    )
    def test_is_an_age_at_a_glance(self, minutes, text):
        from datetime import timedelta

        assert age(timedelta(minutes=minutes)) == text

    @pytest.mark.parametrize(
        ("request_id", "text"), [("", ""), ("req_1", "…"), ("req_abcdefgh", "…"), ("req_abcdefghi", "req_…fghi")]
    )
    def test_is_a_request_id_by_its_ends(self, request_id, text):
        assert masked(request_id) == text
