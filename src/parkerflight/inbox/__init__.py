"""What vendors told us by webhook: each event once, until its work is done.

Promises: an event and the job that hears it are one commit; the same event twice is one row; «handled» commits with the
effects. Holds ids and a hash, never the body. Says nothing about what an event means: whoever hears it reads the object again.
"""
