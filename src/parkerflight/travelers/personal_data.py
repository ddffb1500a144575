"""What this room holds about a person: table → column → (class, purpose, retention).

Classes: `personal` opens for its owner, `restricted` for ticketing only, `not personal` says nothing about anyone.
"""

_LIFE = "until the traveller is removed, then 30 days"
_DOCUMENT = "until the document or its traveller is removed; deleted at once"
_TICKET = "airlines require it to issue a ticket"
_CONTACT = "airlines require it to reach the traveller"
_KEY = ("not personal", "links rows; random", _LIFE)

COLUMNS: dict[str, dict[str, tuple[str, str, str]]] = {
    "travelers_traveler": {
        "id": _KEY,
        "owner_id": _KEY,
        "relationship": ("personal", "shows the owner who is who", _LIFE),
        "given_name": ("personal", _TICKET, _LIFE),
        "family_name": ("personal", _TICKET, _LIFE),
        "title": ("personal", _TICKET, _LIFE),
        "gender": ("personal", _TICKET, _LIFE),
        "born_on": ("personal", _TICKET, _LIFE),
        "email": ("personal", _CONTACT, _LIFE),
        "phone": ("personal", _CONTACT, _LIFE),
        "created_at": ("not personal", "order of the list", _LIFE),
        "updated_at": ("not personal", "shows when it last changed", _LIFE),
        "archived_at": ("not personal", "when to erase", _LIFE),
    },
    "travelers_identitydocument": {
        "id": _KEY,
        "owner_id": _KEY,
        "traveler_id": _KEY,
        "kind": ("personal", "shows the owner what is on file", _DOCUMENT),
        "masked": ("personal", "shows the owner which document is on file", _DOCUMENT),
        "number": ("restricted", "airlines and border authorities require it on some routes", _DOCUMENT),
        "issuing_country": ("restricted", "airlines and border authorities require it on some routes", _DOCUMENT),
        "expires_on": ("restricted", "airlines and border authorities require it on some routes", _DOCUMENT),
        "created_at": ("not personal", "shows when it was given", _DOCUMENT),
    },
}
