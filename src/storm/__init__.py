"""A storm in one process: whole stories against the sandboxes and a real PostgreSQL, on a virtual clock, with faults everywhere.

Owns: the simulated workers and people, the faults, the ideal ledger, the planted bugs. Promises: a seed reproduces its story
exactly; after the storm comes calm, and then everything must have settled by the vendors' own ledgers. Never: imported by
the product or the sandboxes.
"""
