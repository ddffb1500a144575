"""A message in clear, its limits, and its sealed form."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from parkerflight.core.errors import BadInput
from parkerflight.notifications.models import Message
from parkerflight.vault.envelope import Place
from parkerflight.vault.operations import Purpose, Sealer

TABLE = "notifications_message"
MAX_SUBJECT = 200  # longer ones are cut off by every mail program anyway
MAX_BODY = 200_000  # characters of text or HTML; mail programs cut HTML off at 102 kB, so a larger one is a mistake
MAX_ATTACHMENTS_BYTES = 5_000_000  # base64 adds a third; well below the 10 MB that strict mail servers take
_MIME = re.compile(r"[a-z]+/[a-z0-9.+-]+")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}")

type Attachment = tuple[str, str, bytes]
"""File name, media type, content."""


@dataclass(frozen=True, slots=True)
class Content:
    """What is sent to whom. Its repr shows nothing."""

    recipient: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    attachments: Sequence[Attachment] = field(default=(), repr=False)


def check(content: Content) -> None:
    """Raises BadInput for what must not or cannot be mailed, a line break in a header above all."""
    try:
        validate_email(content.recipient)
    except ValidationError:
        raise BadInput("bad_recipient", "That is not one e-mail address.", field="recipient") from None
    subject = content.subject
    # A line break would end the header and let the rest of the subject add headers or a body of its own.
    if not subject.strip() or len(subject) > MAX_SUBJECT or not subject.isprintable():
        message = f"A subject is one line of 1 to {MAX_SUBJECT} printable characters."
        raise BadInput("bad_subject", message, field="subject")
    if not content.text.strip() or max(len(content.text), len(content.html)) > MAX_BODY:
        raise BadInput("bad_body", f"A message has a plain text, and at most {MAX_BODY} characters.", field="text")
    _check_attachments(content.attachments)


def _check_attachments(attachments: Sequence[Attachment]) -> None:
    if any(not _FILE_NAME.fullmatch(name) or not _MIME.fullmatch(mime) for name, mime, _ in attachments):
        raise BadInput("bad_attachment", "An attachment has a plain file name and a media type.", field="attachments")
    if sum(len(data) for _, _, data in attachments) > MAX_ATTACHMENTS_BYTES:
        message = f"Attachments are at most {MAX_ATTACHMENTS_BYTES} bytes together."
        raise BadInput("attachments_too_large", message, field="attachments")


def seal(sealer: Sealer, message_id: UUID, content: Content) -> dict[str, bytes]:
    """The sealed columns of the message's row."""
    packed = [
        {"name": name, "mime": mime, "base64": b64encode(data).decode()} for name, mime, data in content.attachments
    ]
    clear = {
        "recipient": content.recipient,
        "subject": content.subject,
        "body": json.dumps({"text": content.text, "html": content.html}),
        "attachments": json.dumps(packed),
    }
    return {column: sealer.seal(Place(TABLE, column, message_id), text) for column, text in clear.items()}


def unseal(sealer: Sealer, row: Message) -> Content:
    """The message in clear, for sending it. Raises NotOpened when a value was moved or altered."""

    def clear(column: str) -> str:
        return sealer.open(Place(TABLE, column, row.id), getattr(row, column), purpose=Purpose.NOTIFY)

    body = json.loads(clear("body"))
    packed = json.loads(clear("attachments"))
    return Content(
        recipient=clear("recipient"),
        subject=clear("subject"),
        text=body["text"],
        html=body["html"],
        attachments=[(one["name"], one["mime"], b64decode(one["base64"])) for one in packed],
    )
