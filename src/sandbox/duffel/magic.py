"""The routes Duffel documents for provoking situations in test mode, for Duffel Airways and one-way searches."""

from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.duffel.airlines import DUFFEL_AIRWAYS

if TYPE_CHECKING:
    from sandbox.duffel.itineraries import Itinerary

NO_OFFERS = "PVD-RAI"
ALWAYS_HOLDABLE = "JFK-EWR"
CONNECTING = "LHR-DXB"
WITH_A_STOP = "DXB-AMS"
NO_BAGGAGE = "BTS-MRU"
NO_SERVICES = "BTS-ABV"
SEARCH_TIMES_OUT = "STN-LHR"
OFFER_GONE = "LGW-LHR"
PRICE_RISES = "LHR-STN"
ORDER_FAILS = "LHR-LGW"
NO_BALANCE = "LGW-STN"
AIRLINE_CHANGE = "LHR-LTN"
CREDITS = "LTN-SYD"
# Documented as card scenarios only; paid by balance they book normally here.
CARDS = ("LTN-STN", "SEN-STN", "LCY-STN")

_STOP = "IST"  # between Dubai and Amsterdam
# Duffel Airways alone: its neighbouring airports are too near for any real airline.
_SHORT = frozenset(
    {ALWAYS_HOLDABLE, OFFER_GONE, PRICE_RISES, ORDER_FAILS, NO_BALANCE, AIRLINE_CHANGE, SEARCH_TIMES_OUT, *CARDS}
)


def shape(route: str, found: list["Itinerary"]) -> list["Itinerary"]:
    """Return what Duffel Airways shows of the found journeys on a magic route."""
    ours = [i for i in found if i.owner == DUFFEL_AIRWAYS]
    others = [i for i in found if i.owner != DUFFEL_AIRWAYS]
    if route == CONNECTING:
        return [i for i in ours if len(i.legs) > 1] + others
    if route == WITH_A_STOP:
        direct = [i for i in ours if len(i.legs) == 1]
        return [replace(i, legs=(replace(i.legs[0], stop=_STOP),)) for i in direct] + others
    return found


def applies(route: str, magic: str, owner: str) -> bool:
    """Tell whether an offer of `owner` on `route` behaves as the magic route says."""
    return route == magic and owner == DUFFEL_AIRWAYS


def is_short(origin: str, destination: str) -> bool:
    """Tell whether Duffel Airways flies this hop although it is too short for anyone else."""
    return bool({f"{origin}-{destination}", f"{destination}-{origin}"} & _SHORT)
