"""Offers, orders and whoever sells them.

Owns: the provider port with its types, the adapter for Duffel, what its rate-limit headers said last, and
the ledger of our balance there.
Promises: an order is sent once; what is unknown is called unknown; a request never waits inside a transaction.
Never: decides what to buy, stores an offer, logs who flies. The other rooms see `types`, `provider`,
`operations` and `wallet`.
"""
