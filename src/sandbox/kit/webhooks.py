"""Sends webhooks the way vendors do: at least once, late, sometimes twice, and again after a failure."""

import asyncio
import contextlib
import heapq
import itertools
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from sandbox.kit.clock import VirtualClock
from sandbox.kit.faults import FaultBook

log = logging.getLogger(__name__)

# ten tries over about three days, as long as vendors keep trying
RETRY_DELAYS = (10, 30, 90, 270, 810, 2_430, 7_290, 21_870, 65_610, 160_000)
# how often the queue looks at the virtual clock, which other processes may move; short enough to feel instant
POLL_SECONDS = 0.05
# a receiver has to answer fast; a stuck one must not hold the queue for long
SEND_TIMEOUT_SECONDS = 10
# a delivery that is to swap places with the next one goes alone when none comes; virtual seconds
HOLD_BACK_SECONDS = 60
HISTORY = 1_000


@dataclass(frozen=True)
class WebhookTarget:
    """Where to send, and with which secret to sign."""

    id: str
    url: str
    secret: str


@dataclass
class Delivery:
    """One event on its way to one target. `due` is virtual unix seconds."""

    event_id: str
    event_type: str
    target: WebhookTarget
    body: bytes
    due: float
    attempts: int = 0
    state: str = "pending"
    statuses: list[int] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        return {
            "event": self.event_id,
            "type": self.event_type,
            "target": self.target.id,
            "state": self.state,
            "attempts": self.attempts,
            "statuses": self.statuses,
            "due": self.due,
        }


# headers for one attempt, made from the raw bytes; called anew for each attempt, because signatures carry the time
Signer = Callable[[bytes, WebhookTarget, int], Mapping[str, str]]


class WebhookQueue:
    """Holds deliveries until they are due on the virtual clock and sends them one after the other."""

    def __init__(
        self,
        *,
        clock: VirtualClock,
        faults: FaultBook,
        sign: Signer,
        retry_delays: tuple[int, ...] = RETRY_DELAYS,
        on_state: Callable[[Delivery], None] | None = None,
    ) -> None:
        self._clock = clock
        self._faults = faults
        self._sign = sign
        self._retry_delays = retry_delays
        self._on_state = on_state
        self._heap: list[tuple[float, int, Delivery]] = []
        self._order = itertools.count()
        self._held: Delivery | None = None
        self._task: asyncio.Task[None] | None = None
        self.history: deque[Delivery] = deque(maxlen=HISTORY)

    def publish(self, *, event_id: str, event_type: str, body: bytes, target: WebhookTarget, delay: float = 0) -> None:
        """Queue one event for one target, `delay` virtual seconds from now, unless a fault rule says otherwise."""
        delivery = Delivery(event_id, event_type, target, body, self._clock.now() + delay)
        self.history.append(delivery)
        fault = self._faults.match("WEBHOOK", event_type)
        match fault.action if fault else "":
            case "lose":
                delivery.state = "lost"
                return
            case "reorder" if self._held is None:
                self._held = delivery
                return
            case "delay" if fault:
                delivery.due += fault.seconds
            case "duplicate":
                self._push(delivery)
        self._push(delivery)
        self._release_held()

    def _release_held(self) -> None:
        if self._held is not None:
            self._push(self._held)
            self._held = None

    def _push(self, delivery: Delivery) -> None:
        heapq.heappush(self._heap, (delivery.due, next(self._order), delivery))

    def pending(self) -> int:
        return len(self._heap) + (self._held is not None)

    def clear(self) -> None:
        self._heap.clear()
        self._held = None
        self.history.clear()

    def report(self) -> dict[str, Any]:
        return {"pending": self.pending(), "deliveries": [one.summary() for one in self.history]}

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=SEND_TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                try:
                    await self._send_due(session)
                except Exception:
                    log.exception("the webhook queue stumbled and goes on")
                await asyncio.sleep(POLL_SECONDS)

    async def _send_due(self, session: aiohttp.ClientSession) -> None:
        if self._held is not None and self._held.due + HOLD_BACK_SECONDS <= self._clock.now():
            self._release_held()
        while self._heap and self._heap[0][0] <= self._clock.now():
            _, _, delivery = heapq.heappop(self._heap)
            await self._send(session, delivery)

    async def _send(self, session: aiohttp.ClientSession, delivery: Delivery) -> None:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            **self._sign(delivery.body, delivery.target, int(self._clock.now())),
        }
        delivery.attempts += 1
        status = await self._post(session, delivery, headers)
        delivery.statuses.append(status)
        if 200 <= status < 300:  # noqa: PLR2004  # the success range of HTTP
            delivery.state = "delivered"
        elif len(delivery.statuses) > len(self._retry_delays):
            delivery.state = "given up"
        else:
            delivery.state = "pending"
            delivery.due = self._clock.now() + self._retry_delays[len(delivery.statuses) - 1]
            self._push(delivery)
        if self._on_state is not None:
            self._on_state(delivery)

    async def _post(self, session: aiohttp.ClientSession, delivery: Delivery, headers: Mapping[str, str]) -> int:
        """Return the receiver's status, or 0 when it could not be reached in time."""
        try:
            async with session.post(
                delivery.target.url, data=delivery.body, headers=headers, allow_redirects=False
            ) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return 0
