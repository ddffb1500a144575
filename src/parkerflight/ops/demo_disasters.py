"""The disasters that `./parker demo --fault NAME` shows: what goes wrong, why that is dangerous, how it must end. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from parkerflight.settings.config import ConfigurationError

Rule = dict[str, Any]
"""A fault rule as the sandboxes take it: route, action, which call, how often."""

ORDER, CAPTURE, AUTHORISE = "POST /air/orders", "POST /v1/payment_intents/*/capture", "POST /v1/payment_intents"
A_LITTLE_LESS = Decimal("0.98")  # the demo's fare falls by 2 % within a day or two: a short wait, still a watched one
A_LITTLE_MORE = Decimal("1.06")  # room for the sandbox's rises, which are 1 to 5 %
EXACTLY = Decimal(1)  # any rise is above it
LATE_TICKETS = 3_600  # seconds; airlines issue documents minutes to hours after the order
# Every airline that the sandbox sells between the demo's two cities, and the test airline.
SELLERS = ("BA", "TP", "IB", "VY", "LH", "AF", "KL", "LX", "EI", "ZZ")


class End(StrEnum):
    """How a story may end; each leaves both vendors' books and ours in agreement."""

    COMPLETED = "completed"
    """One ticket, paid once."""
    RELEASED = "released"
    """No ticket, nothing held, nothing charged."""
    DECIDED = "completed after a person decided"
    """One ticket, paid once, after one of the team looked at it."""


@dataclass(frozen=True, slots=True)
class Disaster:
    """One disaster: the story in plain words, and what brings it about."""

    name: str
    title: str
    danger: str
    """What goes wrong, and why that is dangerous."""
    answer: str
    """What the system does about it."""
    moral: str
    strikes_in: str
    """The attempt's state in which it strikes."""
    mark: str
    """The moment of the disaster, in a few words."""
    promised: End = End.COMPLETED
    fault_point: str = ""
    """Where the worker is killed."""
    stripe: tuple[Rule, ...] = ()
    duffel: tuple[Rule, ...] = ()
    controls: tuple[tuple[str, Rule], ...] = ()
    """Switches of the Duffel sandbox, set before the campaign starts: (path, body)."""
    calm: tuple[tuple[str, Rule], ...] = ()
    """Switches set once it has struck: it does not strike twice."""
    card: str = "pm_card_visa"
    second_card: str = ""
    cap_share: Decimal = A_LITTLE_LESS
    """The campaign's limit as a share of today's lowest fare."""
    kills_database: bool = False
    holdable: bool = False
    """The story needs a fare that the airline keeps unpaid for a while."""

    @property
    def story(self) -> str:
        """Danger and answer in two to four sentences."""
        return f"{self.danger} {self.answer}"


def disaster(name: str) -> Disaster:
    """The disaster of that name. Raises ConfigurationError that lists the known ones."""
    found = DISASTERS.get(name)
    if found is None:
        msg = (
            f"--fault {name} is not known; choose one of {', '.join(DISASTERS)} ({'--fault list'} tells what each is)."
        )
        raise ConfigurationError(msg)
    return found


_TABLE = (
    Disaster(
        name="order-answer-lost",
        title="The airline's answer is lost",
        danger="We order the ticket; the airline books it, but its answer never reaches us. Ordering again could buy a second ticket, "
        "and giving up would leave a ticket that nobody paid for.",
        answer="So the order is never sent twice: the money stays held, the provider is asked what became of it, and the ticket it "
        "names is the one that is paid.",
        moral="No answer is not a no: ask, never guess.",
        strikes_in="ordering",
        mark="the connection breaks after the airline booked, before it answered",
        duffel=({"route": ORDER, "action": "close_after"},),
    ),
    Disaster(
        name="crash-after-authorise",
        title="The power goes out while money is held",
        danger="The bank holds the money, and in that moment the worker is killed. A system without a memory would forget the hold, or "
        "hold the same money again.",
        answer="Another worker finds the booking where the first one left it and goes on with the hold that is there.",
        moral="Every step is written down before it is taken, so any worker can take the next.",
        strikes_in="authorised",
        mark="the worker is killed with the money held and nothing bought",
        fault_point="bookings.after_authorised",
    ),
    Disaster(
        name="crash-after-order",
        title="The worker dies with the ticket in its hands",
        danger="The airline has issued the ticket and said so, and the worker is killed before it could write that down. Whoever orders "
        "again buys twice; whoever lets the money go gives a ticket away.",
        answer="The next worker sees that an order was about to be sent, asks the provider, finds the ticket and takes the money for it.",
        moral="What may have happened is looked up before anything else happens.",
        strikes_in="ordering",
        mark="the worker is killed holding the airline's answer",
        fault_point="bookings.after_order_answer",
    ),
    Disaster(
        name="crash-before-capture",
        title="The ticket is there, the money is not yet taken",
        danger="The ticket stands, and the worker is killed just before it takes the money. Nobody would notice a ticket that is never "
        "paid, and a card charged twice would be noticed by everybody.",
        answer="The next worker sends the same request under the same key, so the money is taken once, however often it is asked for.",
        moral="Taking money twice is impossible, not unlikely.",
        strikes_in="capturing",
        mark="the worker is killed before the money is taken",
        fault_point="bookings.after_capturing",
    ),
    Disaster(
        name="capture-answer-lost",
        title="Stripe takes the money, and its answer is lost",
        danger="The money is taken, but the connection breaks before Stripe can say so. Our books say held, Stripe's say paid.",
        answer="The same request goes out again under the same key; Stripe repeats its first answer instead of charging again.",
        moral="A repeated question gets the first answer, never a second charge.",
        strikes_in="capturing",
        mark="the connection breaks after Stripe took the money",
        stripe=({"route": CAPTURE, "action": "close_after"},),
    ),
    Disaster(
        name="order-pending",
        title="The airline takes its time",
        danger="The airline accepts the order but will not say yet whether there is a ticket. For minutes nobody knows whether the money "
        "is owed.",
        answer="The money stays held, the search stands still, and the provider is asked, less and less often, until it knows.",
        moral="Patience is a state like any other.",
        strikes_in="ordering",
        mark="the airline answers «accepted, ask me later»",
        controls=(("orders_mode", {"mode": 202, "settle_seconds": 120}),),
    ),
    Disaster(
        name="price-moved",
        title="The price rises at the till, within the limit",
        danger="Between finding the fare and buying it the airline raises the price. The money held is too little for the new one, and "
        "two holds for one trip would block the card twice.",
        answer="The new price is still within the limit that was signed: the first hold is let go, the new price is held, and the "
        "ticket is bought for it.",
        moral="The limit that was signed decides, not the price that was seen.",
        strikes_in="repricing",
        mark="the airline refuses the old price",
        controls=(("account", {"price_change_rate": 1}),),
        cap_share=A_LITTLE_MORE,
    ),
    Disaster(
        name="price-above-limit",
        title="The price rises at the till, above the limit",
        danger="Between finding the fare and buying it the airline raises the price above the limit. Buying it would charge more than "
        "the person ever agreed to.",
        answer="The hold is let go at once, and the search goes on until a fare fits again.",
        moral="One penny above the limit is too much.",
        strikes_in="repricing",
        mark="the airline refuses the old price and wants more than the limit",
        controls=(("account", {"price_change_rate": 1}),),
        calm=(("account", {"price_change_rate": 0}),),
        cap_share=EXACTLY,
    ),
    Disaster(
        name="airline-refuses",
        title="The airline says no",
        danger="The money is held, and the airline refuses the booking. A hold that is forgotten blocks the person's money for a week.",
        answer="The provider says for certain that nothing was booked, so the money is let go at once, and the next fare that fits is "
        "bought.",
        moral="A clear no gives the money back the same second.",
        strikes_in="ordering",
        mark="the airline refuses: nothing was booked",
        duffel=({"route": ORDER, "action": "status", "status": 502, "code": "order_not_created"},),
    ),
    Disaster(
        name="second-card",
        title="The first card is refused",
        danger="The fare fits, and a fraud filter refuses the card. Fares like this are gone within minutes, and nobody is awake to type in "
        "another card.",
        answer="The person named a second card with a permission of its own: it is charged instead, once.",
        moral="A second card is a second chance, never a second charge.",
        strikes_in="authorising",
        mark="the first card is refused",
        card="pm_card_radarBlock",
        second_card="pm_card_mastercard",
    ),
    Disaster(
        name="card-declined",
        title="The only card is refused",
        danger="The fare fits, a fraud filter refuses the card, and there is no other. Trying again and again would get the card blocked.",
        answer="Nothing is bought, nothing is held; the campaign stops and a letter asks its owner for another card.",
        moral="When only the person can help, the person is asked.",
        strikes_in="authorising",
        mark="the card is refused",
        promised=End.RELEASED,
        card="pm_card_radarBlock",
    ),
    Disaster(
        name="bank-is-down",
        title="The bank cannot be reached",
        danger="The fare fits, and the payment service does not answer for a while. Nobody knows whether the money is held, and the "
        "fare's half hour is running.",
        answer="The same request is repeated under the same key, later each time, for as long as the fare lives; once the bank is back, "
        "the ticket is bought.",
        moral="Repeat what is safe to repeat, and only for as long as it makes sense.",
        strikes_in="authorising",
        mark="the payment service is down",
        stripe=({"route": AUTHORISE, "action": "close_before", "times": 3},),
    ),
    Disaster(
        name="capture-refused",
        title="The ticket stands, and the card cannot be charged",
        danger="The ticket is issued, and Stripe refuses to take the money that it held. Charging again blindly could take it twice, and "
        "cancelling the ticket would cost the person their trip.",
        answer="Ticket and hold stay as they are, the person is told, and one of the team looks at the case, settles it with Stripe and "
        "decides to try again.",
        moral="What no rule can decide is handed to a person with everything needed to decide it.",
        strikes_in="capturing",
        mark="Stripe refuses to take the money that it held",
        promised=End.DECIDED,
        stripe=({"route": CAPTURE, "action": "status", "status": 400, "code": "account_invalid"},),
    ),
    Disaster(
        name="tickets-late",
        title="The tickets come an hour later",
        danger="The airline confirms the booking but issues no ticket yet. Taking the money now would charge for a promise; waiting too "
        "long would lose the hold.",
        answer="The money stays held while the order is looked at again and again, and is taken once every traveller has a ticket.",
        moral="Money is taken for tickets, not for promises.",
        strikes_in="ordered",
        mark="the booking is confirmed, the tickets are not there",
        controls=tuple(("late_documents", {"airline": code, "seconds": LATE_TICKETS}) for code in SELLERS),
    ),
    Disaster(
        name="database-killed",
        title="The database is killed in the middle",
        danger="While the airline is writing the ticket, the database is killed, and with it everything not yet written down. The answer "
        "arrives, and there is nowhere to put it.",
        answer="What was committed before the call survives on disk. Once the database is back, the open order is found and asked about.",
        moral="First write down what you are about to do, then do it.",
        strikes_in="ordering",
        mark="PostgreSQL is killed while the airline books",
        duffel=({"route": ORDER, "action": "slow", "seconds": 3},),
        kills_database=True,
    ),
    Disaster(
        name="bank-wants-you",
        title="The bank wants the cardholder",
        danger="The fare fits, and the bank insists that the cardholder confirms the payment in person. Until they read their mail, the "
        "fare would be gone.",
        answer="The airline holds the seats unpaid meanwhile. The person confirms at the bank, and only then the ticket is bought.",
        moral="Seats can wait for a person; a charge without one cannot happen.",
        strikes_in="needs_customer",
        mark="the bank wants to hear from the cardholder",
        card="pm_card_authenticationRequired",
        holdable=True,
    ),
)
DISASTERS: dict[str, Disaster] = {one.name: one for one in _TABLE}


def listed() -> str:
    """Every disaster with its title and its end, a line each."""
    wide = max(len(name) for name in DISASTERS)
    lines = [f"{one.name:{wide}}  {one.title}  ({one.promised})" for one in _TABLE]
    return "\n".join([*lines, "", "Play one with: ./parker demo --fault NAME"])
