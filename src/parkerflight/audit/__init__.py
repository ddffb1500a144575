"""Who did what to whom and when: append-only, enforced by the database.

Promises: an entry commits with the effect it records, or not at all. Holds ids, never names: an erased person leaves
nothing readable here.
"""
