"""Who carries a message: e-mail by SMTP, SMS by a provider. One dict registers them."""

import json
import smtplib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Protocol

import urllib3
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection


@dataclass(frozen=True, slots=True)
class Text:
    """A message in words: SMS use ``body`` alone. ``values`` are what own words may name, for carriers with templates of their
    own; ``key`` says of which event and language it is: ``refunded/zh-hans``. ``promised_by``: when the money is there, by it.
    """

    subject: str
    body: str
    html: str = ""
    key: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    promised_by: datetime | None = None


class DeliveryFailed(Exception):
    """The carrier did not take the message. ``permanent``: it never will, for what it is or to whom it goes. ``setting``: it will
    once the merchant has put the contract, the keys or a template right. Neither: later, perhaps.
    """

    def __init__(self, message: str, *, permanent: bool = False, setting: bool = False) -> None:
        super().__init__(message)
        self.permanent, self.setting = permanent, setting


class Carrier(Protocol):
    """What delivers messages over one medium."""

    def send(self, *, recipient: str, text: Text) -> str:
        """Hand the message over; returns a receipt. Raises ``DeliveryFailed``."""
        ...


class ReceiptCarrier(Carrier, Protocol):
    """A carrier whose network can be asked what became of a message."""

    def has_arrived(self, *, recipient: str, receipt: str, sent_at: datetime) -> bool:
        """Whether the network has delivered it; False: not known yet. Raises ``DeliveryFailed``, ``permanent`` where the network
        said that it never will be.
        """
        ...


class SmtpCarrier:
    """E-mail through the configured SMTP server; one connection a message, so that one bad one harms no other."""

    def send(self, *, recipient: str, text: Text) -> str:
        message = EmailMultiAlternatives(text.subject, text.body, settings.DEFAULT_FROM_EMAIL, [recipient])
        if text.html:
            message.attach_alternative(text.html, "text/html")
        message.connection = get_connection()
        try:
            message.send()
        except smtplib.SMTPRecipientsRefused as error:
            refused = [code for code, _reply in error.recipients.values()]
            raise DeliveryFailed(f"SMTP: refused {refused}", permanent=all(code >= 500 for code in refused)) from error
        except OSError as error:  # smtplib's errors are OSErrors
            code = getattr(error, "smtp_code", 0)
            # A refused login or sender is ours to mend, not the message's end.
            permanent = isinstance(error, smtplib.SMTPDataError) and code >= 500
            raise DeliveryFailed(f"SMTP: {type(error).__name__} {code or ''}".strip(), permanent=permanent) from error
        except ValueError as error:  # an address or a header that cannot be written as one
            raise DeliveryFailed(f"SMTP: {type(error).__name__}", permanent=True) from error
        finally:
            # Django leaves the line open when the login fails on it.
            with suppress(OSError):
                message.connection.close()
        return "accepted"


class OutboxSmsCarrier:
    """The local outbox: a mailbox on this machine where SMS can be read in the browser."""

    def send(self, *, recipient: str, text: Text) -> str:
        if not settings.SMS_OUTBOX_URL:
            raise DeliveryFailed("SMS_OUTBOX_URL is not set", permanent=True)
        body = json.dumps({"to": recipient, "text": text.body}, ensure_ascii=False).encode()
        try:
            reply = _http().request(
                "POST", f"{settings.SMS_OUTBOX_URL}/sms", body=body, headers={"Content-Type": "application/json"}
            )
        except urllib3.exceptions.HTTPError as error:
            raise DeliveryFailed(f"SMS: {type(error).__name__}") from error
        if reply.status >= 300:
            # Only what is wrong with this message ends it: keys, limits and addresses can be mended.
            raise DeliveryFailed(f"SMS: HTTP {reply.status}", permanent=reply.status in _WRONG_MESSAGE)
        return "accepted"


_WRONG_MESSAGE = frozenset({400, 413, 422})

SMS_PROVIDERS: dict[str, type[OutboxSmsCarrier]] = {"outbox": OutboxSmsCarrier}


@lru_cache(maxsize=4)
def carrier_for(medium: str) -> Carrier:
    """The carrier of a medium (``email``, ``sms``). Raises ``KeyError`` for an unknown one."""
    if medium == "email":
        return SmtpCarrier()
    return SMS_PROVIDERS[settings.SMS_PROVIDER]()


@lru_cache(maxsize=1)
def _http() -> urllib3.PoolManager:
    return urllib3.PoolManager(maxsize=16, timeout=urllib3.Timeout(connect=2, read=5), retries=False)
