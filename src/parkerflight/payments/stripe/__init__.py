"""Stripe, behind the gateway port. Deleting this folder and one line in `payments.door` removes the vendor."""
