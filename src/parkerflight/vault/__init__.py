"""Sealing: every personal field is stored as ciphertext under its person's own key.

Owns the person's key row, wrapped by a key-encryption key outside the database. Promises: a value moved to another
row, column or person does not open. Never logs, prints or caches a plaintext.
"""
