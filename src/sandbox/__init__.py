"""Offline Stripe and Duffel servers: stateful, with faults and a virtual clock. Never imports parkerflight."""
