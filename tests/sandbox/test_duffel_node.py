"""The vendors' own Node clients against the sandboxes. Skipped without Node, npm or the network."""

import asyncio
import json
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from tests.sandbox.test_duffel_support import ledger, run_server

CACHE = Path(__file__).resolve().parents[2] / ".parker" / "cache" / "node-contract"
PINNED = {"@duffel/api": "4.30.0", "stripe": "23.1.0"}

DUFFEL_SCRIPT = """
const { Duffel } = require('@duffel/api');
const [base, day] = process.argv.slice(2);
(async () => {
  const duffel = new Duffel({ token: 'duffel_test_node', basePath: base });
  const search = await duffel.offerRequests.create({
    slices: [{ origin: 'LHR', destination: 'JFK', departure_date: day }],
    passengers: [{ type: 'adult' }], cabin_class: 'economy', return_offers: true,
  });
  const picked = search.data.offers.find((o) => o.owner.iata_code === 'ZZ');
  const offer = (await duffel.offers.get(picked.id, { return_available_services: true })).data;
  const order = (await duffel.orders.create({
    type: 'instant', selected_offers: [offer.id],
    passengers: [{ id: offer.passengers[0].id, title: 'ms', gender: 'f', given_name: 'Ada', family_name: 'Lovelace',
      born_on: '1985-12-10', email: 'ada@example.com', phone_number: '+442080160509' }],
    payments: [{ type: 'balance', amount: offer.total_amount, currency: offer.total_currency }],
    metadata: { attempt_id: 'node' },
  })).data;
  const again = (await duffel.orders.get(order.id)).data;
  let refusal = null;
  try { await duffel.orders.get('ord_nothing'); } catch (error) { refusal = error.errors[0].code; }
  const quote = (await duffel.orderCancellations.create({ order_id: order.id })).data;
  const done = (await duffel.orderCancellations.confirm(quote.id)).data;
  let pages = 0;
  for await (const _ of duffel.airlines.listWithGenerator()) { if (++pages > 60) break; }
  console.log(JSON.stringify({ order: order.id, again: again.id, refusal, confirmed: done.confirmed_at, pages }));
})().catch((error) => { console.error(error); process.exit(1); });
"""

STRIPE_SCRIPT = """
const [port] = process.argv.slice(2);
const Stripe = require('stripe');
const stripe = new (Stripe.default || Stripe)('sk_test_node', { host: '127.0.0.1', port: Number(port), protocol: 'http' });
(async () => {
  const customer = await stripe.customers.create({ email: 'ada@example.com' });
  const intent = await stripe.paymentIntents.create({
    amount: 12300, currency: 'usd', customer: customer.id, capture_method: 'manual', confirm: true,
    payment_method: 'pm_card_visa', automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
  });
  const captured = await stripe.paymentIntents.capture(intent.id);
  const refund = await stripe.refunds.create({ payment_intent: intent.id, amount: 2300 });
  console.log(JSON.stringify({ held: intent.status, captured: captured.status, refunded: refund.amount }));
})().catch((error) => { console.error(error); process.exit(1); });
"""


@pytest.fixture(scope="module")
def node():
    """Return a function that runs a script with the pinned clients installed."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("needs node and npm")
    wanted = CACHE / "node_modules" / "@duffel" / "api" / "package.json"
    if not wanted.exists() or json.loads(wanted.read_text())["version"] != PINNED["@duffel/api"]:
        CACHE.mkdir(parents=True, exist_ok=True)
        (CACHE / "package.json").write_text(json.dumps({"private": True, "dependencies": PINNED}))
        got = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund"], cwd=CACHE, capture_output=True, timeout=90, check=False
        )
        if got.returncode:
            pytest.skip("npm could not install the clients")

    def run(name, script, *arguments):
        (CACHE / name).write_text(script)
        done = subprocess.run(
            ["node", name, *arguments], cwd=CACHE, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


class TestOfficialDuffelClient:
    def test_searches_books_reads_and_cancels(self, node):
        client, stop = run_server(seed=3)
        try:
            client.post("/_sandbox/orders_mode", json={"price_change_rate": 0})
            day = (client.clock.datetime().date()).replace(day=28).isoformat()
            seen = node("duffel.js", DUFFEL_SCRIPT, str(client.base_url).rstrip("/"), day)
            assert seen["order"] == seen["again"]
            assert seen["refusal"] == "not_found"
            assert seen["confirmed"]
            assert seen["pages"] > 50
            row = ledger(client)["orders"][0]
            assert (row["status"], row["metadata"]) == ("cancelled", {"attempt_id": "node"})
        finally:
            stop()


class TestOfficialStripeClient:
    def test_authorises_captures_and_refunds(self, node):
        app = pytest.importorskip("sandbox.stripe.app")
        port, stop = stripe_server(app)
        try:
            seen = node("stripe.js", STRIPE_SCRIPT, str(port))
        finally:
            stop()
        assert seen == {"held": "requires_capture", "captured": "succeeded", "refunded": 2300}


def stripe_server(app):
    from sandbox.kit.clock import VirtualClock
    from sandbox.kit.server import serve

    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()

    async def start():
        return await serve(app.create_app(seed=1, clock=VirtualClock()))

    runner, port = asyncio.run_coroutine_threadsafe(start(), loop).result(20)

    def stop():
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)

    return port, stop
