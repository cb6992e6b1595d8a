"""The customer's link: signed, expiring, and saying nothing by itself."""

from __future__ import annotations

import base64
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core import signing

from core.errors import NotFound

_signer = signing.TimestampSigner(salt="refunds.tracking")


class LinkExpired(NotFound):
    """The link was genuine and is too old."""

    code = "link_expired"


def token_for(request_id: UUID) -> str:
    """A token for one request; made anew each time, since its age is part of it."""
    return _signer.sign(base64.urlsafe_b64encode(request_id.bytes).decode().rstrip("="))


def url_for(request_id: UUID) -> str:
    return f"{settings.BASE_URL}/r/{token_for(request_id)}"


def request_id_of(token: str) -> UUID:
    """The request behind a token. Raises ``NotFound`` or ``LinkExpired``."""
    try:
        encoded = _signer.unsign(token, max_age=timedelta(days=settings.TRACKING_LINK_DAYS))
        return UUID(bytes=base64.urlsafe_b64decode(encoded + "=="))
    except signing.SignatureExpired as error:
        raise LinkExpired("this link has expired") from error
    except (signing.BadSignature, ValueError) as error:
        raise NotFound("there is no such page") from error
