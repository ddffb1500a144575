"""Real airlines with their hubs and the places they sell, so that a carrier fits the route it is offered on."""

import hashlib
from dataclasses import dataclass, field
from functools import cache
from typing import Any

DUFFEL_AIRWAYS = "ZZ"
DUFFEL_AIRWAYS_ID = "arl_00009VME7D6ivUu8dn35WK"  # the owner id Duffel documents for its test airline


@dataclass(frozen=True, slots=True)
class Airline:
    """One airline.

    `hubs` carry long-haul and connecting traffic, `bases` only point-to-point short-haul flights; `reach` lists the
    regions sold beyond the home region; `prefix` is the three-digit accounting code that starts its ticket numbers;
    `partners` are joint-venture airlines whose onward flights it sells under its own number.
    """

    code: str
    name: str
    country: str
    region: str
    prefix: str
    hubs: tuple[str, ...]
    bases: tuple[str, ...] = ()
    reach: frozenset[str] = field(default_factory=frozenset)
    low_cost: bool = False
    avoids: frozenset[str] = field(default_factory=frozenset)
    partners: tuple[str, ...] = ()
    group: str = ""
    holdable: bool = False
    loyalty: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        if self.code == DUFFEL_AIRWAYS:
            return DUFFEL_AIRWAYS_ID
        return "arl_00009VME7D" + hashlib.sha256(self.code.encode()).hexdigest()[:12]


_ATLANTIC_ONE = "BA AA IB AY EI"
_SKY = "AF KL DL VS"
_STAR = "LH UA AC LX OS SN"
_JOINT_VENTURES = {code: group for group in (_ATLANTIC_ONE, _SKY, _STAR) for code in group.split()}

# code | name | country | region | prefix | hubs | bases | reach | flags (L low cost, H can be held) | avoids
_TABLE = """
BA|British Airways|GB|EU|125|LHR|LGW LCY|NA LA ME SA AS AF OC|H|
VS|Virgin Atlantic|GB|EU|932|LHR|MAN|NA SA AF LA||
U2|easyJet|GB|EU|888|LGW|LTN BRS MAN EDI MXP GVA BCN ORY NCE AMS BER LIS NAP|AF|L|LHR FRA MUC ZRH DUB
FR|Ryanair|IE|EU|224|STN|DUB BGY CRL BCN MAD OPO KRK BVA MAN EDI CIA MLA AGP BUD VIE SOF|AF|L|LHR LGW CDG ORY FRA AMS LCY ZRH MUC FCO IST
LS|Jet2|GB|EU|949|MAN|LBA STN BHX EDI GLA NCL BRS||L|LHR LGW LCY LTN CDG FRA AMS MUC ZRH MAD BRU DUB
EI|Aer Lingus|IE|EU|053|DUB|SNN ORK|NA|H|
AF|Air France|FR|EU|057|CDG|ORY|NA LA ME SA AS AF|H|
KL|KLM|NL|EU|074|AMS||NA LA ME SA AS AF||
HV|Transavia|NL|EU|979|AMS|ORY RTM EIN|AF|L|LHR LGW CDG FRA MUC ZRH
LH|Lufthansa|DE|EU|220|FRA MUC||NA LA ME SA AS AF|H|
LX|SWISS|CH|EU|724|ZRH|GVA|NA LA ME SA AS AF|H|
OS|Austrian|AT|EU|257|VIE||NA ME AS AF|H|
SN|Brussels Airlines|BE|EU|082|BRU||NA AF||
IB|Iberia|ES|EU|075|MAD||NA LA AF|H|
VY|Vueling|ES|EU|030|BCN|ORY FCO LGW BIO SVQ|AF|L|LHR FRA STN
TP|TAP Air Portugal|PT|EU|047|LIS|OPO|NA LA AF||
AZ|ITA Airways|IT|EU|055|FCO|LIN|NA LA AF||
SK|SAS|DK|EU|117|CPH|ARN OSL|NA AS||
DY|Norwegian|NO|EU|328|OSL|ARN CPH BGO TRD HEL||L|LHR CDG FRA STN LTN
AY|Finnair|FI|EU|105|HEL||NA AS ME|H|
FI|Icelandair|IS|EU|108|KEF||NA||
LO|LOT Polish Airlines|PL|EU|080|WAW|KRK|NA AS ME||
A3|Aegean Airlines|GR|EU|390|ATH|SKG HER|ME||
W6|Wizz Air|HU|EU|698|BUD|LTN OTP WAW SOF KTW GDN VIE FCO|ME|L|LHR CDG AMS ZRH MUC STN
TK|Turkish Airlines|TR|EU|235|IST||NA LA ME SA AS AF OC||
PC|Pegasus|TR|EU|624|SAW|AYT ADB ESB|ME|L|LHR LGW CDG FRA FCO
EK|Emirates|AE|ME|176|DXB||EU NA LA SA AS AF OC||
EY|Etihad Airways|AE|ME|607|AUH||EU NA SA AS AF OC||
QR|Qatar Airways|QA|ME|157|DOH||EU NA LA SA AS AF OC|H|
SV|Saudia|SA|ME|065|JED RUH||EU NA SA AS AF||
RJ|Royal Jordanian|JO|ME|512|AMM||EU NA AS||
LY|EL AL|IL|ME|114|TLV||EU NA AS||
MS|EgyptAir|EG|AF|077|CAI||EU NA ME AS||
AT|Royal Air Maroc|MA|AF|147|CMN||EU NA ME LA||
ET|Ethiopian Airlines|ET|AF|071|ADD||EU NA ME SA AS LA||
KQ|Kenya Airways|KE|AF|706|NBO||EU NA ME SA||
SA|South African Airways|ZA|AF|083|JNB|CPT|OC LA||
MK|Air Mauritius|MU|AF|239|MRU||EU SA OC||
AA|American Airlines|US|NA|001|DFW CLT MIA PHL ORD JFK LAX PHX|LGA DCA|EU LA AS OC|H|
DL|Delta Air Lines|US|NA|006|ATL JFK DTW MSP SLC SEA LAX BOS|LGA|EU LA AS OC AF||
UA|United Airlines|US|NA|016|EWR ORD IAH DEN SFO IAD LAX||EU LA AS OC SA AF|H|
B6|JetBlue|US|NA|279|JFK BOS|FLL MCO SJU|LA EU|L|FRA MUC ZRH FCO MAD BCN LIS CPH VIE IST
AS|Alaska Airlines|US|NA|027|SEA|PDX SFO LAX SAN ANC|LA||
WN|Southwest Airlines|US|NA|526|MDW|BWI DAL DEN LAS HOU PHX OAK BNA MCO|LA|L|JFK EWR
NK|Spirit Airlines|US|NA|487|FLL|MCO LAS DTW EWR|LA|L|JFK
AC|Air Canada|CA|NA|014|YYZ YUL YVR|YYC|EU LA AS OC SA ME||
WS|WestJet|CA|NA|838|YYC|YYZ YVR|EU LA AS|L|
AM|Aeromexico|MX|LA|139|MEX|MTY GDL|NA EU AS||
CM|Copa Airlines|PA|LA|230|PTY||NA||
AV|Avianca|CO|LA|134|BOG|SAL MDE|NA EU||
LA|LATAM Airlines|CL|LA|045|SCL GRU LIM|BSB|NA EU OC||
AR|Aerolineas Argentinas|AR|LA|044|EZE|AEP|NA EU||
SQ|Singapore Airlines|SG|AS|618|SIN||EU NA SA OC ME AF||
CX|Cathay Pacific|HK|AS|160|HKG||EU NA SA OC ME AF||
JL|Japan Airlines|JP|AS|131|HND NRT|ITM KIX|EU NA OC SA ME|H|
NH|All Nippon Airways|JP|AS|205|HND NRT|ITM|EU NA OC SA||
KE|Korean Air|KR|AS|180|ICN|GMP|EU NA OC SA ME||
OZ|Asiana Airlines|KR|AS|988|ICN|GMP|EU NA OC||
BR|EVA Air|TW|AS|695|TPE||EU NA OC||
TG|Thai Airways|TH|AS|217|BKK||EU SA OC||
MH|Malaysia Airlines|MY|AS|232|KUL||EU SA OC ME||
VN|Vietnam Airlines|VN|AS|738|SGN HAN||EU OC NA||
GA|Garuda Indonesia|ID|AS|126|CGK|DPS|OC EU||
PR|Philippine Airlines|PH|AS|079|MNL||NA OC ME||
CA|Air China|CN|AS|999|PEK||EU NA OC||
MU|China Eastern|CN|AS|781|PVG|SHA|EU NA OC||
AI|Air India|IN|SA|098|DEL BOM||EU NA AS OC ME||
6E|IndiGo|IN|SA|312|DEL BOM|BLR HYD MAA CCU|ME AS|L|
QF|Qantas|AU|OC|081|SYD MEL|BNE PER|EU NA AS LA AF|H|
VA|Virgin Australia|AU|OC|795|SYD|BNE MEL|AS||
NZ|Air New Zealand|NZ|OC|086|AKL|CHC WLG|NA AS||
"""


def _parse(line: str) -> Airline:
    code, name, country, region, prefix, hubs, bases, reach, flags, avoids = line.split("|")
    group = _JOINT_VENTURES.get(code, "")
    return Airline(
        code=code,
        name=name,
        country=country,
        region=region,
        prefix=prefix,
        hubs=tuple(hubs.split()),
        bases=tuple(bases.split()),
        reach=frozenset(reach.split()),
        low_cost="L" in flags,
        avoids=frozenset(avoids.split()),
        partners=tuple(p for p in group.split() if p != code),
        group=group,
        holdable="H" in flags,
        loyalty=tuple(group.split()) or ((code,) if "L" not in flags else ()),
    )


@cache
def airlines() -> dict[str, Airline]:
    """Return all airlines by IATA code, Duffel's own test airline first."""
    duffel = Airline(DUFFEL_AIRWAYS, "Duffel Airways", "GB", "EU", "990", (), holdable=True, loyalty=("ZZ",))
    table = {line[:2]: _parse(line) for line in _TABLE.strip().splitlines()}
    return {DUFFEL_AIRWAYS: duffel} | table


@cache
def airline_json(code: str) -> dict[str, Any]:
    """Return the airline object. Shared between answers: callers must not change it."""
    airline = airlines()[code]
    logos = "https://assets.duffel.com/img/airlines/for-light-background"
    real = code != DUFFEL_AIRWAYS
    return {
        "id": airline.id,
        "name": airline.name,
        "iata_code": code,
        "logo_symbol_url": f"{logos}/full-color-logo/{code}.svg",
        "logo_lockup_url": f"{logos}/full-color-lockup/{code}.svg" if real else None,
        "conditions_of_carriage_url": f"https://example.com/airlines/{code.lower()}/conditions" if real else None,
    }
