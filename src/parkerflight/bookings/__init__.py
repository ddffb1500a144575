"""The saga: from a match to a ticket and a captured payment, or to a full release. The only room that knows everyone.

Promises: money and ticket agree; one live attempt a campaign; an order is posted at most once per offer; every state is
committed and a recovery point. Never calls a vendor inside a transaction, never assumes an unknown outcome.
"""
