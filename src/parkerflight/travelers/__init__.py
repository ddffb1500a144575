"""People who fly: names, birth dates, contacts and travel documents, each field sealed on its own.

Owns travellers and their documents. Promises: a name that an airline cannot print is refused before it is stored and
never silently changed; document numbers leave the room only when asked for, and each opening is written down. Never
logs a field; never gives the web process a way to read a document back.
"""
