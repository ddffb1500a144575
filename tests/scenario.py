"""A whole campaign in one object: made as the web role, driven as the worker, checked against both vendors' ledgers."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from parkerflight.bookings import operations as bookings
from parkerflight.bookings import queries as booking_queries
from parkerflight.bookings.models import BookingAttempt
from parkerflight.campaigns import operations as campaigns
from parkerflight.campaigns import queries as campaign_queries
from parkerflight.campaigns import watching
from parkerflight.campaigns.rules.criteria import Criteria
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.ops import invariants
from parkerflight.payments import cards
from parkerflight.payments import operations as payments
from parkerflight.travelers import operations as travelers
from parkerflight.travelers.values import Document, DocumentKind, Profile

AMELIA = Profile(
    given_name="Amelia",
    family_name="Hartwell",
    title="ms",
    gender="f",
    born_on=date(1991, 7, 24),
    email="amelia.hartwell@example.org",
    phone="+442079460018",
)
BRUNO = Profile(
    given_name="Bruno",
    family_name="Hartwell",
    title="mr",
    gender="m",
    born_on=date(1989, 2, 3),
    email="bruno.hartwell@example.org",
    phone="+442079460019",
)
PASSPORT = Document(kind=DocumentKind.PASSPORT, number="GB9918273X", issuing_country="GB", expires_on=date(2033, 1, 1))
SECRETS = ("Amelia", "Hartwell", "amelia.hartwell", "owner@example.org", "442079460018", "GB9918273X", "1991-07-24")
PLENTY = Money(900_000, "GBP")


@dataclass
class Scenario:
    """The owner's campaign. `as_role` switches the process's role; `clock` moves the time."""

    owner_id: UUID
    as_role: object
    clock: object
    stripe: object
    duffel: object
    campaign_id: UUID | None = None
    traveler_ids: list[UUID] = field(default_factory=list)
    card_id: UUID | None = None

    def criteria(self, **changes: object) -> Criteria:
        first = self.clock.now().date() + timedelta(days=60)
        base = {
            "origins": ("LHR",),
            "destinations": ("LIS",),
            "departure_from": first,
            "departure_to": first,
            "nights_min": 7,
            "nights_max": 7,
            "adults": 1,
        }
        return Criteria(**(base | changes))

    def start(
        self,
        *,
        cap: Money = PLENTY,
        card: str = "pm_card_visa",
        profiles=(AMELIA,),
        second_card: str = "",
        veto_hours: int = 0,
        **changes: object,
    ) -> "Scenario":
        """Traveller, passport, card, mandate, active campaign: everything a person does."""
        now = self.clock.now()
        with self.as_role("web"):
            for profile in profiles:
                traveler_id = travelers.add_traveler(
                    owner_id=self.owner_id, profile=profile, now=now, actor=f"account:{self.owner_id}"
                )
                travelers.add_document(
                    owner_id=self.owner_id,
                    traveler_id=traveler_id,
                    document=PASSPORT,
                    now=now,
                    actor=f"account:{self.owner_id}",
                )
                self.traveler_ids.append(traveler_id)
            self.card_id = self.save(card)
            self.campaign_id = campaigns.create_campaign(
                owner_id=self.owner_id,
                criteria=self.criteria(adults=len(profiles), **changes),
                traveler_ids=self.traveler_ids,
                cap=cap,
                card_id=self.card_id,
                veto_hours=veto_hours,
                now=now,
            )
            second = self.save(second_card) if second_card else None
            campaigns.activate(
                owner_id=self.owner_id,
                campaign_id=self.campaign_id,
                mandate_id=self.sign(cap),
                second_mandate_id=self.sign(cap, second) if second else None,
                now=now,
            )
        return self

    def sign(self, cap: Money, card_id: UUID | None = None) -> UUID:
        """The person's agreement to a cap, on their first card unless another is named."""
        now = self.clock.now()
        return payments.sign_mandate(
            owner_id=self.owner_id,
            card_id=card_id or self.card_id,
            cap=cap,
            includes="fare, taxes and bags for all travellers",
            valid_until=now + timedelta(days=365),
            ip="203.0.113.9",
            user_agent="tests",
            now=now,
        )

    def save(self, token: str) -> UUID:
        """Save a test card; a bank that wants the cardholder gets its confirmation, as in the person's browser."""
        now = self.clock.now()
        view = cards.start_setup(owner_id=self.owner_id, token=token, now=now)
        if view.needs_customer:
            path = f"/_sandbox/setup_intents/{view.reference}/authenticate"
            self.stripe.http.post(path, json={"outcome": "success"}).raise_for_status()
        return cards.finish_card(owner_id=self.owner_id, setup=view.reference, now=now)

    def match(self) -> UUID | None:
        """Look at every due cell as the worker does; begin the first attempt that follows."""
        now = self.clock.now()
        for key in watching.claim_due_cells(now=now, budget=50):
            for owner_id, match_id in watching.look(cell_key=key, now=now):
                attempt_id = bookings.begin(owner_id=owner_id, match_id=match_id, now=now)
                if attempt_id:
                    return attempt_id
        return None

    def drive(self, attempt_id: UUID, patience: int = 12) -> str:
        """Advance until settled, moving the clock when the attempt waits."""
        for _ in range(patience):
            bookings.advance(attempt_id=attempt_id, now=self.clock.now())
            state = self.state(attempt_id)
            if state in {"completed", "released"}:
                return state
            self.clock.advance(minutes=3)
        return self.state(attempt_id)

    def book(self) -> "Scenario":
        attempt_id = self.match()
        assert attempt_id, "nothing matched"
        assert self.drive(attempt_id) == "completed", self.attempts
        return self

    def state(self, attempt_id: UUID) -> str:
        with scope(self.owner_id):
            return BookingAttempt.objects.get(id=attempt_id).state

    @property
    def campaign(self):
        return campaign_queries.campaign(self.owner_id, self.campaign_id)

    @property
    def trips(self):
        return booking_queries.trips(self.owner_id)

    @property
    def attempts(self):
        return booking_queries.attempts_of(self.owner_id, self.campaign_id)

    def assert_money_is_ticket(self) -> None:
        """The three books agree: ours, Stripe's, Duffel's; one ticket a traveller; nothing else is held."""
        self.assert_settled(tickets=len(self.traveler_ids))
        trip = self.trips[0]
        intents = [one for one in self.stripe.ledger()["payment_intents"] if one["captured"] or one["held"]]
        assert [(one["captured"], one["held"]) for one in intents] == [(trip.total.minor, 0)]
        orders = [one for one in self.duffel.ledger()["orders"] if one["status"] != "cancelled"]
        assert [one["id"] for one in orders] == [trip.order_id]
        assert Money.parse(orders[0]["total_amount"], orders[0]["currency"]) == trip.total
        assert trip.total <= self.campaign.cap

    def assert_settled(self, *, tickets: int) -> None:
        """Nothing is held at Stripe, this many tickets exist, every invariant holds."""
        ledger = self.duffel.ledger()["orders"]
        assert sum(one["tickets"] for one in ledger if one["status"] == "ticketed") == tickets
        assert all(one["held"] == 0 for one in self.stripe.ledger()["payment_intents"])
        with self.as_role("backoffice"):
            assert invariants.check(self.clock.now()) == []


def run_worker_until_it_dies(point: str) -> int:
    """A real worker that is killed at a fault point; returns its exit code (-9)."""
    env = {**os.environ, "PARKER_FAULT_POINT": point, "PARKER_PROCESS": "worker"}
    return subprocess.run([sys.executable, "-m", "parkerflight", "worker"], env=env, timeout=60, check=False).returncode


def cli(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a person would; a variable given as empty is left out."""
    return subprocess.run(
        [sys.executable, "-m", "parkerflight", *arguments],
        env={name: value for name, value in {**os.environ, **env}.items() if value},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def last_json(text: str) -> dict:
    return json.loads(text.strip().splitlines()[-1])
