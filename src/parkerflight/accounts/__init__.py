"""People who log in. Owns the account and the tokens that prove who asks.

Promises: an e-mail is stored sealed and found by a keyed hash; a token names one account and expires.
"""
