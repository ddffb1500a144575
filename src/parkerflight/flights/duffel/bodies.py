"""Our types as the JSON that Duffel wants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from parkerflight.core.money import Money
    from parkerflight.flights.types import OrderRequest, Passenger, SearchPassenger, SearchQuery


def search(query: SearchQuery) -> dict[str, Any]:
    """The body of an offer request."""
    return {
        "slices": [
            {
                "origin": one.origin,
                "destination": one.destination,
                "departure_date": one.departure_date.isoformat(),
            }
            for one in query.slices
        ],
        "passengers": [_seat(one) for one in query.passengers],
        "cabin_class": query.cabin.value,
        "max_connections": query.max_connections,
    }


def order(request: OrderRequest) -> dict[str, Any]:
    """The body of an order. A held one says nothing of payments: even an empty list is refused."""
    body: dict[str, Any] = {
        "type": "hold" if request.hold else "instant",
        "selected_offers": [request.offer_id],
        "passengers": [_passenger(one) for one in request.passengers],
        "metadata": request.metadata,
    }
    return body if request.hold else body | {"payments": [balance(request.total)]}


def balance(total: Money) -> dict[str, str]:
    """A payment from our balance."""
    return {"type": "balance", "amount": total.amount(), "currency": total.currency}


def _seat(passenger: SearchPassenger) -> dict[str, Any]:
    """Exactly one of type and age: sending both is refused."""
    return {"type": "adult"} if passenger.age is None else {"age": passenger.age}


def _passenger(one: Passenger) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": one.id,
        "given_name": one.given_name,
        "family_name": one.family_name,
        "title": one.title,
        "gender": one.gender,
        "born_on": one.born_on.isoformat(),
        "email": one.email,
        "phone_number": one.phone_number,
    }
    if one.infant_id:
        body["infant_passenger_id"] = one.infant_id
    if one.documents:
        body["identity_documents"] = [
            {
                "type": document.kind,
                "unique_identifier": document.number,
                "issuing_country_code": document.issuing_country,
                **({"expires_on": document.expires_on.isoformat()} if document.expires_on else {}),
            }
            for document in one.documents
        ]
    return body
