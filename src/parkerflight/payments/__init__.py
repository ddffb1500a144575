"""Money and Stripe: customers, saved cards, mandates, and payments that are held, captured, released, refunded.

Promises: every call that moves money is a committed row with its key and parameters before it is sent; a retry sends the
same bytes; no charge without a mandate, none above it. Never sees a card number.
"""
