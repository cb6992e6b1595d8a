"""The customer's link: signed, expiring, and saying nothing by itself.

It travels in SMS, which are paid for by the part: 48 characters hold the request, the time and a signature of 128 bits. Text
signatures as Django makes them would take 73, and most messages a third part.
"""

import base64
import binascii
import time
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from core.errors import NotFound

_SALT = "refunds.telling.tracking"
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
    return f"{settings.BASE_URL}/r/{token_for(request_id)}"


def request_id_of(token: str) -> UUID:
    """The request behind a token. Raises ``NotFound`` or ``LinkExpired``."""
    try:
        content = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise NotFound("there is no such page") from error
    if base64.urlsafe_b64encode(content).decode() != token:
        # The decoder takes the ordinary alphabet's + and / as well: a link has one spelling.
        raise NotFound("there is no such page")
    said, signature = content[: _ID + _TIME], content[_ID + _TIME :]
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    if len(content) != _BYTES or not any(constant_time_compare(signature, _signature(said, key)) for key in keys):
        raise NotFound("there is no such page")
    age = timedelta(seconds=time.time() - int.from_bytes(said[_ID:]))
    if age > timedelta(days=settings.TRACKING_LINK_DAYS):
        raise LinkExpired("this link has expired")
    return UUID(bytes=said[:_ID])


def _signature(said: bytes, key: str) -> bytes:
    return salted_hmac(_SALT, said, secret=key, algorithm="sha256").digest()[:_SIGNATURE]
