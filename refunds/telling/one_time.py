"""One-time codes that prove that somebody holds a phone: sent by SMS, good for ten minutes and five tries, used once.

They live in Redis alone. While it is away no code is right: nobody is let in by its absence.
"""

import base64
import logging
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cryptography.exceptions import InvalidTag
from django.core.cache import cache
from django.utils import translation
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext

from core.errors import Conflict, DomainError, Invalid
from core.guessing import Bucket, Limit, TooManyGuesses, take
from core.personal_data import seal, search_hash, unseal
from core.plain_text import one_line
from merchants.models import Merchant
from refunds.models.notification import Medium
from refunds.telling import carrying
from refunds.telling.carriers import DeliveryFailed, Text

logger = logging.getLogger(__name__)

#: The event of a template for codes.
CODE = "code"
LIFE_S = 600
TRIES = 5
#: Codes for one sale, or to one phone: each costs money and rings at somebody's table.
_CODES = Limit(free=3, first_wait_s=60, longest_wait_s=3600, forgotten_after_s=86_400)
_PURPOSE = "one_time.phone"


class CodeWrong(Invalid, code="code_wrong"):
    """It is not the code, or it is too old, or was tried too often."""


class CodeNotSent(Conflict, code="code_not_sent"):
    """The SMS could not be handed over."""


class TooManyCodes(DomainError, code="too_many_codes"):
    """So many codes went out that one more has to wait; ``facts["retry_after_s"]``."""

    status = 429


class BeingTakenIn(Conflict, code="being_taken_in"):
    """The same form is being taken in at this moment."""


@dataclass(frozen=True, slots=True)
class Held:
    """Whoever sent the code holds ``phone``; it is about this sale."""

    transaction_id: UUID
    phone: str


def send(*, phone: str, transaction_id: UUID, merchant: Merchant, language: str, at: datetime) -> str:
    """Send a code to ``phone`` and return the ticket that it goes with. Raises ``TooManyCodes`` or ``CodeNotSent``."""
    try:
        take(
            Bucket(name=f"code:{transaction_id}", limit=_CODES),
            Bucket(name=f"code:{search_hash('phone', phone).hex()}", limit=_CODES),
        )
    except TooManyGuesses as refusal:
        raise TooManyCodes("too many codes", retry_after_s=refusal.wait_s) from refusal
    ticket, code = secrets.token_urlsafe(24), f"{secrets.randbelow(1_000_000):06d}"
    sealed = base64.b64encode(seal(phone, purpose=_PURPOSE)).decode()
    cache.set(_key(ticket), (str(transaction_id), _hash(ticket, code), sealed), timeout=LIFE_S)
    with translation.override(language):
        body = gettext("[%(merchant)s] Your code is %(code)s, good for 10 minutes. Give it to nobody.") % {
            "merchant": one_line(merchant.name),
            "code": code,
        }
    text = Text("", body, key=f"{CODE}/{language}", values={"merchant": one_line(merchant.name), "code": code})
    try:
        own = carrying.contracts({merchant.pk})
        carrying.choose(own[merchant.pk], medium=Medium.SMS, text=text, at=at).carrier.send(recipient=phone, text=text)
    except DeliveryFailed as error:
        cache.delete(_key(ticket))
        logger.warning("a one-time code could not be sent: %s", error)
        raise CodeNotSent("the code could not be sent") from error
    return ticket


def check(*, ticket: str, code: str) -> Held:
    """Who holds the ticket's phone. Every try counts, right or wrong; the code can be used until ``use`` has. Raises
    ``CodeWrong``.
    """
    kept = cache.get(_key(ticket))
    if kept is None:
        raise CodeWrong("there is no such code any more")
    transaction_id, expected, sealed = kept
    try:
        cache.add(f"{_key(ticket)}:tries", 0, timeout=LIFE_S)
        tries = cache.incr(f"{_key(ticket)}:tries")
    except ValueError as error:
        raise CodeWrong("the tries cannot be counted") from error
    if tries > TRIES or not constant_time_compare(_hash(ticket, code.strip()), expected):
        raise CodeWrong("that is not the code", tries_left=max(0, TRIES - tries))
    try:
        phone = unseal(base64.b64decode(sealed), purpose=_PURPOSE)
    except InvalidTag as error:
        raise CodeWrong("the code was kept by somebody else") from error
    return Held(UUID(transaction_id), phone)


def begin(ticket: str) -> UUID | None:
    """Mark the ticket as in use, by one form at a time; the request that came of it, where one has. Raises ``BeingTakenIn``."""
    if cache.add(f"{_key(ticket)}:used", "", timeout=LIFE_S):
        return None
    if used := cache.get(f"{_key(ticket)}:used"):
        return UUID(used)
    raise BeingTakenIn("the same form is being taken in")


def end(ticket: str, *, request_id: UUID | None) -> None:
    """Keep what came of it; None: nothing did, and the form may be sent again."""
    if request_id is None:
        cache.delete(f"{_key(ticket)}:used")
        return
    cache.set(f"{_key(ticket)}:used", str(request_id), timeout=LIFE_S)


def _key(ticket: str) -> str:
    return f"one-time:{ticket[:64]}"


def _hash(ticket: str, code: str) -> str:
    return salted_hmac("refunds.telling.one_time", f"{ticket}:{code}", algorithm="sha256").hexdigest()
