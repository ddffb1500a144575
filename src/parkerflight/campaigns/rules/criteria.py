"""The door to what a campaign wants: the criteria, their check, their stored form and the searches they take."""

from parkerflight.campaigns.rules.checks import MOST_CELLS, validate
from parkerflight.campaigns.rules.stored import from_json, query_of, to_json
from parkerflight.campaigns.rules.trip import ANY_TIME, Cell, Criteria, TimeWindow, cells

__all__ = [
    "ANY_TIME",
    "MOST_CELLS",
    "Cell",
    "Criteria",
    "TimeWindow",
    "cells",
    "from_json",
    "query_of",
    "to_json",
    "validate",
]
