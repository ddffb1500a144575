"""A canary flies through everything; nothing it carries may be readable at rest."""

import os
import subprocess
from pathlib import Path

from django.test import Client
from tests.scenario import SECRETS

from parkerflight.accounts.operations import issue_token
from parkerflight.bookings import completion
from parkerflight.ops import postgres
from parkerflight.settings.config import load


class TestADumpOfTheDatabase:
    def test_holds_no_name_address_phone_passport_or_reference_in_clear(self, booked, mails, cluster):
        attempt = booked.attempts[0]
        completion.confirm(owner_id=booked.owner_id, attempt_id=attempt["id"], now=booked.clock.now())
        server = postgres.embedded(load().data)
        dump = subprocess.run(
            [str(server.binaries / "pg_dump"), server.url(load().database_name)], capture_output=True, check=True
        ).stdout
        assert b"COPY public.travelers_traveler" in dump
        reference = booked.trips[0].order["booking_reference"]
        for secret in (*SECRETS, reference):
            for shape in (secret.encode(), secret.encode().hex().encode()):
                assert shape not in dump, secret


class TestTheApi:
    def test_gives_the_owner_their_trip_and_the_stranger_nothing(self, booked, stranger, as_role):
        with as_role("web"):
            mine = _get("/api/bookings", issue_token(booked.owner_id))
            theirs = _get("/api/bookings", issue_token(stranger))
            one = _get(f"/api/campaigns/{booked.campaign_id}", issue_token(stranger))
            nobody = _get("/api/bookings", "forged")
        assert [trip["tickets"] for trip in mine.json()] == [[t["number"] for t in booked.trips[0].order["tickets"]]]
        assert theirs.json() == []
        assert one.status_code == 404
        assert nobody.status_code == 401

    def test_names_travellers_to_their_owner_only(self, booked, stranger, as_role):
        with as_role("web"):
            assert _get("/api/profile", issue_token(booked.owner_id)).json()[0]["name"] == "Amelia Hartwell"
            assert _get("/api/profile", issue_token(stranger)).json() == []

    def test_answers_health_without_a_token(self, database, as_role):
        with as_role("web"):
            assert Client(SERVER_NAME="localhost").get("/healthz").json() == {"status": "alive"}
            assert Client(SERVER_NAME="localhost").get("/readyz").json() == {"status": "ready"}


def _get(path: str, token: str):
    return Client(SERVER_NAME="localhost").get(path, headers={"Authorization": f"Bearer {token}"})


class TestTheBench:
    def test_is_where_the_dump_comes_from(self):
        assert str(os.getpid()) in load().database_name
        assert Path(load().data).is_dir()
