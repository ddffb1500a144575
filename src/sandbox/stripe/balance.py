"""Balance transactions: every movement of our money, fees included."""

from sandbox.stripe import money
from sandbox.stripe.errors import JSON
from sandbox.stripe.params import listing
from sandbox.stripe.store import Store

LIST = listing("currency payout source type")
# card money becomes available two business days later in the US; the sandbox ignores weekends
PENDING_SECONDS = 2 * 86_400
DISPUTE_FEE = 1_500


def _book(
    store: Store, source: JSON, kind: str, amount: int, fee: int = 0, *, category: str = "", at_once: bool = False
) -> str:
    fees = {"amount": fee, "application": None, "currency": source["currency"], "description": "Stripe fees"}
    wait = 0 if at_once else PENDING_SECONDS
    entry = {
        "id": store.ids.new("txn", 24),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": store.now() + wait,
        "balance_type": "payments",
        "created": store.now(),
        "currency": source["currency"],
        "description": source.get("description"),
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [{**fees, "type": "stripe_fee"}] if fee else [],
        "net": amount - fee,
        "reporting_category": category or kind,
        "source": source["id"],
        "status": "pending" if wait else "available",
        "type": kind,
    }
    if wait:
        store.later(wait, lambda: entry.update(status="available"))
    return str(store.add(entry)["id"])


def book_charge(store: Store, charge: JSON, amount: int, *, at_once: bool) -> str:
    """Book a captured amount (minor units) less Stripe's fee and return the transaction's id."""
    return _book(store, charge, "charge", amount, money.fee(amount), at_once=at_once)


def book_refund(store: Store, refund: JSON) -> str:
    """Book a refund; the fee of the original charge stays with Stripe."""
    return _book(store, refund, "refund", -refund["amount"])


def book_failed_refund(store: Store, refund: JSON) -> str:
    return _book(store, refund, "refund_failure", refund["amount"])


def book_dispute(store: Store, dispute: JSON) -> JSON:
    """Book the withdrawn amount and the dispute fee; the fee is in US cents whatever the currency."""
    name = _book(store, dispute, "adjustment", -dispute["amount"], DISPUTE_FEE, category="dispute")
    return store.objects[name]


def book_won_dispute(store: Store, dispute: JSON) -> JSON:
    name = _book(store, dispute, "adjustment", dispute["amount"], category="dispute_reversal")
    return store.objects[name]


def retrieve(store: Store, transaction: str) -> JSON:
    return store.get("balance_transaction", transaction)


def listed(store: Store, params: JSON) -> JSON:
    wishes = {name: params[name] for name in ("currency", "source", "type") if name in params}
    return store.page(
        "balance_transaction", params, lambda row: all(row[name] == wish for name, wish in wishes.items())
    )
