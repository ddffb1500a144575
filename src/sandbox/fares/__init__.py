"""Fares that behave: a deterministic price for any flight at any virtual moment, tuned to published fare statistics."""

from sandbox.fares.levels import route_base_usd, route_key
from sandbox.fares.model import FareModel, Flights

__all__ = ["FareModel", "Flights", "route_base_usd", "route_key"]
