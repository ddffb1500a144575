"""Delivery of finished messages: others decide what to say, this room gets it there once.

Owns queued and sent messages, sealed. Promises: one event makes one message however often it is reported; a message is
queued in the transaction of its event or not at all. A crash at the wrong moment may send one twice, under the same
Message-ID. Never logs an address, a subject or a body; never composes a text.
"""
