"""The customer's link: signed, expiring, and saying nothing by itself.

It travels in SMS, which are paid for by the part: 48 characters hold the request, the time and a signature of 128 bits. Text
signatures as Django makes them would take 73, and most messages a third part.
"""

import base64
import binascii
import time
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from core.errors import NotFound

_SALT = "refunds.telling.tracking"
_APPLY = "refunds.telling.tracking.apply"
_ID, _TIME, _SIGNATURE = 16, 4, 16
_BYTES = _ID + _TIME + _SIGNATURE


class LinkExpired(NotFound, code="link_expired"):
    """The link was genuine and is too old."""

    status = 410


def token_for(request_id: UUID) -> str:
    """A token for one request; a new one each time, since its age is part of it."""
    said = request_id.bytes + int(time.time()).to_bytes(_TIME)
    return base64.urlsafe_b64encode(said + _signature(said, settings.SECRET_KEY)).decode()


def url_for(request_id: UUID) -> str:
    """The address of a request's page for its customer: whoever has it sees the page."""
    return f"{settings.BASE_URL}/r/{token_for(request_id)}"


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where somebody applies: at a store, or with the receipt of one sale."""

    store_id: int
    transaction_id: UUID | None = None


def apply_url(receipt: Receipt) -> str:
    """The address in the code on a receipt, or at the counter. It does not expire: the policy says how long a refund can be
    asked for, and the address alone shows nothing.
    """
    return f"{settings.BASE_URL}/r/apply/{apply_token(receipt)}"


def apply_token(receipt: Receipt) -> str:
    """What stands in the receipt's code: store and sale, signed; it does not expire."""
    said = receipt.store_id.to_bytes(8) + (receipt.transaction_id.bytes if receipt.transaction_id else b"")
    return base64.urlsafe_b64encode(said + _signature(said, settings.SECRET_KEY, salt=_APPLY)).decode().rstrip("=")


def receipt_of(token: str) -> Receipt:
    """What an address is for. Raises ``NotFound``."""
    content = _decoded(f"{token}{'=' * (-len(token) % 4)}")
    said, signature = content[:-_SIGNATURE], content[-_SIGNATURE:]
    if len(said) not in (8, 8 + _ID) or not _is_ours(said, signature, salt=_APPLY):
        raise NotFound("there is no such page")
    return Receipt(int.from_bytes(said[:8]), UUID(bytes=said[8:]) if said[8:] else None)


def request_id_of(token: str) -> UUID:
    """The request behind a token. Raises ``NotFound`` or ``LinkExpired``."""
    content = _decoded(token)
    said, signature = content[: _ID + _TIME], content[_ID + _TIME :]
    if len(content) != _BYTES or not _is_ours(said, signature, salt=_SALT):
        raise NotFound("there is no such page")
    age = timedelta(seconds=time.time() - int.from_bytes(said[_ID:]))
    if age > timedelta(days=settings.TRACKING_LINK_DAYS):
        raise LinkExpired("this link has expired")
    return UUID(bytes=said[:_ID])


def _decoded(token: str) -> bytes:
    try:
        content = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise NotFound("there is no such page") from error
    if base64.urlsafe_b64encode(content).decode() != token:
        # The decoder takes the ordinary alphabet's + and / as well: a link has one spelling.
        raise NotFound("there is no such page")
    return content


def _is_ours(said: bytes, signature: bytes, *, salt: str) -> bool:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(constant_time_compare(signature, _signature(said, key, salt=salt)) for key in keys)


def _signature(said: bytes, key: str, *, salt: str = _SALT) -> bytes:
    return salted_hmac(salt, said, secret=key, algorithm="sha256").digest()[:_SIGNATURE]
