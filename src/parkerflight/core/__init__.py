"""What every room stands on: clock, money, errors, tenancy (row-level security scope), jobs, fault points.

Promises: no noun of the trade lives here; nothing here talks to a vendor.
"""
