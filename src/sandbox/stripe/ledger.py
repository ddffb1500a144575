"""What the sandbox itself knows about money, for tests to compare a product's books with."""

from collections import defaultdict

from sandbox.stripe.errors import JSON
from sandbox.stripe.store import Store


def read(store: Store) -> JSON:
    """Return every PaymentIntent's money and the totals per currency, in minor units."""
    refunded = _refunded(store)
    rows = [_row(store, intent, refunded.get(intent["id"], 0)) for intent in store.all("payment_intent")]
    totals: dict[str, dict[str, int]] = defaultdict(lambda: {"held": 0, "captured": 0, "refunded": 0})
    for row in rows:
        for kind in ("held", "captured", "refunded"):
            totals[row["currency"]][kind] += row[kind]
    living = sum(not customer.get("deleted") for customer in store.all("customer"))
    return {"payment_intents": rows, "totals": totals, "customers": living}


def _row(store: Store, intent: JSON, refunded: int) -> JSON:
    charge = store.objects.get(intent["latest_charge"] or "")
    card = charge["payment_method_details"]["card"] if charge else {}
    return {
        "id": intent["id"],
        "status": intent["status"],
        "customer": intent["customer"],
        "metadata": intent["metadata"],
        "currency": intent["currency"],
        "amount": intent["amount"],
        "held": intent["amount_capturable"],
        "captured": intent["amount_received"],
        "refunded": refunded,
        "capture_before": card.get("capture_before"),
    }


def _refunded(store: Store) -> dict[str, int]:
    """Sum what went back of captured money; a released hold was never ours."""
    sums: dict[str, int] = defaultdict(int)
    for refund in store.all("refund"):
        if refund["status"] != "failed" and refund["balance_transaction"] is not None:
            sums[refund["payment_intent"]] += refund["amount"]
    return sums
