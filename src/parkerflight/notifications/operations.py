"""Queueing and delivering messages. Decide + commit, send, record + commit."""

import logging
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db.models import F, Q
from django.db.models.functions import Now

from parkerflight.audit.operations import WORKER, record
from parkerflight.core import jobs
from parkerflight.core.errors import BadInput, Retryable, Terminal
from parkerflight.core.fault_points import fault_point
from parkerflight.core.tenancy import scope
from parkerflight.notifications import mail
from parkerflight.notifications.content import Attachment, Content, check, seal, unseal
from parkerflight.notifications.models import Message, State
from parkerflight.vault.operations import Sealer

log = logging.getLogger(__name__)

# How long a sender is trusted to be alive. Mail APIs answer or time out within 30 seconds; twice that, so that a slow
# one is not overtaken, and short enough that a crash delays a confirmation by little more than a minute.
LEASE = timedelta(seconds=60)
STUCK_AFTER = timedelta(minutes=5)  # a queued message has its job in the same commit; older ones lost it
MAX_TRIES = 12  # the job's eight take about 20 minutes; four more by the sweep bridge an outage of an hour
SWEEP_LIMIT = 500  # messages re-queued in one sweep; the rest wait for the next
_EVENT_KEY = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,119}")


def enqueue(
    *,
    owner_id: UUID,
    event_key: str,
    recipient: str,
    subject: str,
    text: str,
    html: str,
    attachments: Sequence[Attachment],
    now: datetime,
) -> UUID | None:
    """Queue one e-mail about one event, with its delivery job, in the running transaction (or one of its own).

    Returns the message's id, or None when this person has a message about `event_key` already: then nothing is queued.
    Raises BadInput for a recipient, subject or attachment that must not be mailed.
    """
    if not _EVENT_KEY.fullmatch(event_key):
        raise BadInput("bad_event_key", "An event key is made of our own words and ids.", field="event_key")
    content = Content(recipient, subject, text, html, attachments)
    check(content)
    message_id = uuid4()
    with scope(owner_id):
        sealed = seal(Sealer(owner_id), message_id, content)
        row = Message(id=message_id, owner_id=owner_id, event_key=event_key, created_at=now, **sealed)
        # ON CONFLICT DO NOTHING waits for a rival that has not committed yet, then reports no error: so look.
        Message.objects.bulk_create([row], ignore_conflicts=True)
        if not Message.objects.filter(id=message_id).exists():
            return None
        _defer_delivery(message_id)
    return message_id


def deliver(*, message_id: UUID, now: datetime) -> bool:
    """Send one queued message; True when this call did. False when it is sent, failed, gone or in other hands.

    A crash between handing the message to the mail system and recording it sends it again: exactly-once delivery does
    not exist in mail. Every copy has the same Message-ID, `<message id@parkerflight>`, by which mail systems and
    programs drop the second. Raises Retryable when the mail system did not take it. No transaction is open meanwhile.
    """
    owner_id = Message.objects.filter(id=message_id).values_list("owner_id", flat=True).first()
    content = _claim(owner_id, message_id) if owner_id else None
    if owner_id is None or content is None:
        log.info("message %s is not waiting to be sent", message_id)
        return False
    fault_point("notifications.claimed")
    try:
        provider_id = mail.send(message_id, content)
    except (Retryable, Terminal) as error:
        _record_failure(owner_id, message_id, error, now=now)
        if isinstance(error, Retryable):
            raise
        return False
    fault_point("notifications.handed_over")
    _record_sent(owner_id, message_id, provider_id, now=now)
    return True


def sweep(*, now: datetime) -> int:
    """Give every message that got stuck a job again; return how many were found. Works without a scope, on ids only."""
    waiting = Q(state=State.QUEUED, created_at__lt=now - STUCK_AFTER)
    abandoned = Q(state=State.SENDING, claimed_at__lt=Now() - LEASE)
    stuck = (
        Message.objects.filter(waiting | abandoned).order_by("created_at").values_list("id", flat=True)[:SWEEP_LIMIT]
    )
    found = list(stuck)
    for message_id in found:
        _defer_delivery(message_id)
    return len(found)


def forget_sent(*, owner_id: UUID, before: datetime) -> int:
    """Blank what finished messages queued before that moment said, and to whom; return how many. The rows stay."""
    with scope(owner_id):
        done = Message.objects.filter(owner_id=owner_id, state__in=[State.SENT, State.FAILED], created_at__lt=before)
        return done.exclude(recipient=b"").update(recipient=b"", subject=b"", body=b"", attachments=b"")


def _defer_delivery(message_id: UUID) -> None:

    jobs.defer_by_name("notifications.deliver", once=f"deliver:{message_id}", message_id=str(message_id))


def _claim(owner_id: UUID, message_id: UUID) -> Content | None:
    """Take the message for LEASE, unless it is done or another process has it; its content in clear when taken."""
    free = Q(state=State.QUEUED) | Q(state=State.SENDING, claimed_at__lt=Now() - LEASE)
    with scope(owner_id):
        mine = Message.objects.filter(free, id=message_id, owner_id=owner_id)
        if not mine.update(state=State.SENDING, claimed_at=Now(), tries=F("tries") + 1):
            return None
        return unseal(Sealer(owner_id), Message.objects.get(id=message_id))


def _record_sent(owner_id: UUID, message_id: UUID, provider_id: str, *, now: datetime) -> None:
    with scope(owner_id):
        sending = Message.objects.filter(id=message_id, state=State.SENDING)
        if sending.update(state=State.SENT, sent_at=now, provider_id=provider_id[:200], last_error=""):
            _audit("message.sent", owner_id, message_id, now=now)
        else:
            log.warning("message %s was sent twice: its lease of %s ran out", message_id, LEASE)


def _record_failure(owner_id: UUID, message_id: UUID, error: Retryable | Terminal, *, now: datetime) -> None:
    """Back to the queue while trying again can help; failed, and audited, when it cannot or has been tried enough."""
    code = error.code[:60]
    with scope(owner_id):
        sending = Message.objects.filter(id=message_id, state=State.SENDING)
        again = sending.filter(tries__lt=MAX_TRIES) if isinstance(error, Retryable) else sending.none()
        if again.update(state=State.QUEUED, last_error=code):
            return
        if sending.update(state=State.FAILED, last_error=code):
            _audit("message.failed", owner_id, message_id, now=now, error=code)


def _audit(action: str, owner_id: UUID, message_id: UUID, *, now: datetime, error: str = "") -> None:
    record(
        at=now,
        owner_id=owner_id,
        actor=WORKER,
        action=action,
        object_type="message",
        object_id=message_id,
        details={"error": error} if error else {},
    )
