"""One Duffel sandbox for a test module, and shorthand for using it. Holds no tests."""

import asyncio
import json
import re
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import jsonschema
import pytest

from sandbox.duffel.app import create_app
from sandbox.kit.clock import VirtualClock
from sandbox.kit.server import serve

CONTRACT = json.loads((Path(__file__).parent / "contracts" / "duffel-v2.json").read_text())
HEADERS = {"Authorization": "Bearer duffel_test_sandbox", "Duffel-Version": "v2", "Accept": "application/json"}
ADULT = {"type": "adult"}
START = datetime(2027, 1, 4, 9, tzinfo=UTC)


def run_server(seed=1):
    """Start a sandbox in a thread; return its client and a function that stops it."""
    loop, ready, found = asyncio.new_event_loop(), threading.Event(), {}
    clock = VirtualClock()
    clock.set(START.timestamp())

    async def start():
        found["runner"], found["port"] = await serve(create_app(seed=seed, clock=clock))
        ready.set()

    def work():
        asyncio.set_event_loop(loop)
        loop.run_until_complete(start())
        loop.run_forever()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert ready.wait(20)
    client = httpx.Client(base_url=f"http://127.0.0.1:{found['port']}", headers=HEADERS, timeout=30)
    client.clock = clock

    def stop():
        client.close()
        asyncio.run_coroutine_threadsafe(found["runner"].cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)

    return client, stop


@pytest.fixture(name="server", scope="module")
def running_server():
    client, stop = run_server()
    yield client
    stop()


@pytest.fixture(name="duffel")
def emptied_sandbox(server):
    """The module's sandbox, emptied. Its clock only ever moves on, so dates are counted from its present."""
    server.post("/_sandbox/reset")
    server.post("/_sandbox/orders_mode", json={"mode": 201, "price_change_rate": 0})
    NOW["clock"] = server.clock
    return server


NOW = {}


def soon(days):
    return (NOW["clock"].datetime() if NOW else START + timedelta(0)).date().__add__(timedelta(days=days)).isoformat()


def search(
    client,
    origin="LHR",
    destination="JFK",
    *,
    days=40,
    back=None,
    passengers=None,
    owner=None,
    raw=False,
    headers=None,
    **more,
):
    slices = [{"origin": origin, "destination": destination, "departure_date": soon(days)}]
    if back:
        slices.append({"origin": destination, "destination": back, "departure_date": soon(days + 7)})
    data = {"slices": slices, "passengers": passengers or [ADULT], "cabin_class": "economy"} | more
    answer = client.post("/air/offer_requests", json={"data": data}, headers=headers)
    if raw:
        return answer
    assert answer.status_code == 201, answer.text
    found = answer.json()["data"]
    if owner:
        found["offers"] = [o for o in found["offers"] if o["owner"]["iata_code"] == owner]
    return found


def codes(answer):
    return [error["code"] for error in answer.json()["errors"]]


def code(answer):
    return codes(answer)[0]


def person(passenger, given="Tony", family="Stark", **more):
    who = {
        "id": passenger["id"],
        "given_name": given,
        "family_name": family,
        "title": "mr",
        "gender": "m",
        "born_on": "1980-07-24",
    }
    return who | {"email": "tony@example.com", "phone_number": "+442080160509"} | more


def order_body(offer, *, kind="instant", **more):
    names = ["Tony", "Pepper", "Happy", "Peter", "Bruce"]
    data = {
        "type": kind,
        "selected_offers": [offer["id"]],
        "passengers": [person(p, names[i]) for i, p in enumerate(offer["passengers"])],
    }
    if kind == "instant":
        data["payments"] = [{"type": "balance", "amount": offer["total_amount"], "currency": offer["total_currency"]}]
    return {"data": data | more}


def book(client, offer, **more):
    return client.post("/air/orders", json=order_body(offer, **more))


def ledger(client):
    return client.get("/_sandbox/ledger").json()


def conforms(schema, value):
    """Return where `value` breaks the published schema, naming fields that are missing altogether.

    The published schemas make nothing required and call objects inside a list by `allOf`; nulls they forget are let pass
    where real answers hold them.
    """
    validator = jsonschema.Draft202012Validator(CONTRACT | {"$ref": f"#/components/schemas/{schema}"})
    shape = CONTRACT["components"]["schemas"][schema]
    missing = sorted(set(shape.get("properties", {})) - set(value)) if schema not in {"OfferRequest", "Place"} else []
    broken = [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:120]}" for e in validator.iter_errors(value)]
    return [f"missing {name}" for name in missing] + [
        b
        for b in broken
        if not re.search(
            r"(available_services|airports|identity_documents|loyalty_programme|user_id|infant_passenger_id).*None is not",
            b,
        )
    ]
