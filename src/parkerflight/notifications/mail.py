"""The door to the mail system, through whichever backend `MAILERS` names."""

import smtplib
from uuid import UUID

from django.core.mail import EmailMultiAlternatives

from parkerflight.core.errors import Retryable, Terminal
from parkerflight.core.tenancy import assert_no_transaction
from parkerflight.notifications.content import Content

MAILER = "default"
_SMTP_PERMANENT = 500  # RFC 5321 4.2.1: 5yz replies are permanent, 4yz may be tried again
# Bad request, no such thing, too large, not processable. Not 401, 403 or 429: those are about our account.
_HTTP_PERMANENT = frozenset({400, 404, 413, 422})


def message_id_header(message_id: UUID) -> str:
    """The Message-ID of every copy of one message, so that mail systems and programs show a copy sent twice once."""
    return f"<{message_id}@parkerflight>"


def send(message_id: UUID, content: Content) -> str:
    """Hand the message over; return the mail system's id for it, or our Message-ID.

    Raises Terminal when the mail system refuses this message for good, Retryable for everything else; `code` is the
    class of the failure. Neither carries the mail system's text, which may hold the address.
    """
    assert_no_transaction()
    mail = _compose(message_id, content)
    try:
        handed_over = mail.send(using=MAILER)
    except Exception as error:  # noqa: BLE001 - every backend raises its own; all become one of ours
        code = type(error).__name__
        if _permanent(error):
            raise Terminal(code, "the mail system refused the message") from None
        raise Retryable(code, "the mail system did not take the message") from None
    if not handed_over:
        raise Retryable("not_taken", "the mail system did not take the message")
    # anymail leaves its vendor's answer here; Django's own backends leave nothing.
    status = getattr(mail, "anymail_status", None)
    return str(getattr(status, "message_id", None) or message_id_header(message_id))


def _compose(message_id: UUID, content: Content) -> EmailMultiAlternatives:
    mail = EmailMultiAlternatives(
        subject=content.subject,
        body=content.text,
        to=[content.recipient],
        # RFC 3834: keeps holiday replies away.
        headers={"Message-ID": message_id_header(message_id), "Auto-Submitted": "auto-generated"},
    )
    if content.html:
        mail.attach_alternative(content.html, "text/html")
    for name, mime, data in content.attachments:
        mail.attach(name, data, mime)
    return mail


def _permanent(error: Exception) -> bool:
    """True when the message would be refused again: SMTP's 5yz, an HTTP mail API's 4xx, a message built wrong."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= _SMTP_PERMANENT for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return False  # our configuration is wrong, the message is not
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code >= _SMTP_PERMANENT
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return status in _HTTP_PERMANENT
    return isinstance(error, ValueError)
