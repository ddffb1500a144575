"""What a person wants: criteria, cap, mandate, and the cells that are searched for it.

Owns campaigns, cells, looks and matches. Promises: an active campaign has a mandate; a match satisfies every criterion
and is at or under the cap. Never learns that bookings exist: whoever claims a match says later what became of it.
"""
