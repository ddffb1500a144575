"""What the API takes and gives. Names that are not here are refused, so that a slip does not silently mean a default."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field, StringConstraints

from parkerflight.core.money import Money

Currency = Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")]
Amount = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}(\.[0-9]{1,4})?$")]
Code = Annotated[str, StringConstraints(max_length=4)]
Time = Annotated[str, StringConstraints(pattern="^[0-2][0-9]:[0-5][0-9]$")]
MOST_LISTED = 100  # more than any rule needs; keeps a request from filling the memory


class Strict(Schema):
    """Refuses names that it does not know."""

    model_config = ConfigDict(extra="forbid")


class MoneyIn(Strict):
    """A decimal string in major units, such as 450.00."""

    amount: Amount
    currency: Currency

    def money(self) -> Money:
        """The amount. Raises BadInput."""
        return Money.parse(str(Decimal(self.amount)), self.currency)


class AgreementIn(Strict):
    """The person read the words of `GET /agreement` in this version and agrees to them."""

    version: Annotated[str, StringConstraints(max_length=20)]
    accepted: Literal[True]


class CriteriaIn(Strict):
    """The trip. One way, unless a return window or a number of nights is given. Dates and times are local."""

    origins: Annotated[list[Code], Field(max_length=MOST_LISTED)]
    destinations: Annotated[list[Code], Field(max_length=MOST_LISTED)]
    departure_from: date
    departure_to: date
    return_from: date | None = None
    return_to: date | None = None
    nights_min: int | None = None
    nights_max: int | None = None
    weekdays_out: Annotated[list[int], Field(max_length=7)] | None = None
    """Monday is 0."""
    weekdays_back: Annotated[list[int], Field(max_length=7)] | None = None
    times_out: tuple[Time, Time] | None = None
    times_back: tuple[Time, Time] | None = None
    cabin: Literal["economy", "premium_economy", "business", "first"] = "economy"
    max_connections: int = 1
    airlines_in: Annotated[list[Code], Field(max_length=MOST_LISTED)] | None = None
    airlines_out: Annotated[list[Code], Field(max_length=MOST_LISTED)] | None = None
    min_checked_bags: int = 0
    refundable_only: bool = False
    changeable_only: bool = False
    adults: int = 1
    minor_ages: Annotated[list[int], Field(max_length=20)] | None = None


class CampaignIn(Strict):
    """A trip to be bought once, at or under the cap, for these travellers, with this card."""

    criteria: CriteriaIn
    traveler_ids: Annotated[list[UUID], Field(min_length=1, max_length=20)]
    cap: MoneyIn
    card_id: UUID
    second_card_id: UUID | None = None
    """Tried when the first is declined."""
    veto_hours: int = 0
    """How long you want to be able to say no to a fare that the airline holds."""
    agreement: AgreementIn


class CampaignPatch(Strict):
    """A new cap. Above what was agreed it needs a new agreement."""

    cap: MoneyIn
    agreement: AgreementIn | None = None


class ResumeIn(Strict):
    """A new agreement, because pausing ended the last; another card when `card_id` is given."""

    agreement: AgreementIn
    card_id: UUID | None = None


class WrittenOut(Schema):
    """The campaign after the write. `wish` tells what will happen once the fare that is being booked is settled."""

    id: UUID
    status: str
    wish: str = ""


class AgreementOut(Schema):
    """The words to show, with the places to fill in: `{last4}` of the card, `{cap}`, `{includes}`, `{until}`."""

    version: str
    text: str
    includes: str


class ProblemOut(Schema):
    """RFC 9457 problem details. `code` is stable; `title` is for a person; `field` says where."""

    type: str
    title: str
    status: int
    code: str
    field: str | None = None


class TravelerOut(Schema):
    """A traveller, named."""

    id: UUID
    name: str
    relationship: str


class MoneyOut(Schema):
    """A decimal string in major units."""

    amount: str
    currency: str

    @classmethod
    def of(cls, money: Money) -> "MoneyOut":
        """Money as the API writes it."""
        return cls(amount=money.amount(), currency=money.currency)


class CampaignOut(Schema):
    """A campaign and why it is where it is."""

    id: UUID
    status: str
    reason: str
    cap: MoneyOut
    expires_at: datetime
    searches: int


class BookingOut(Schema):
    """A booked trip."""

    id: UUID
    campaign_id: UUID
    booking_reference: str
    tickets: list[str]
    total: MoneyOut
    booked_at: datetime


class QuoteOut(Schema):
    """What giving a booking back would mean."""

    id: UUID
    paid: MoneyOut
    to_card: MoneyOut
    penalty: MoneyOut
    """What the airline keeps."""
    credits: bool
    """The airline gives credits with itself instead of money."""
    known: bool
    """False when the airline names no figure."""
    expires_at: datetime | None
    free_until: datetime | None
    within_a_day: bool


class ConfirmationOut(Schema):
    """What the page needs on which the cardholder confirms."""

    charge: MoneyOut
    cap: MoneyOut
    deadline: datetime | None
    client_secret: str


class ChangeOut(Schema):
    """A change an airline made on its own. Flights are one line each; times are local."""

    id: UUID
    booking_id: UUID
    state: str
    can_accept: bool
    seen_at: datetime
    removed: list[str]
    added: list[str]
