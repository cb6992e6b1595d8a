"""How much of a body is read, and in which form it may come."""

from __future__ import annotations

from io import BytesIO

from django.http import HttpRequest
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.request import Request

#: What a JSON body may have; views of uploads say ``max_body_bytes`` of their own.
MAX_JSON_BYTES = 1_000_000


class BodyTooLarge(APIException):
    """More than this call takes."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"
    default_detail = "the body is larger than this call takes: 1 MB, 8 MB for a picture"


class UnsupportedEncoding(APIException):
    """A packed body: it could unpack to anything."""

    status_code = status.HTTP_415_UNSUPPORTED_MEDIA_TYPE
    default_code = "unsupported_encoding"
    default_detail = "send the body as it is, without Content-Encoding"


def refuse_packed(request: Request) -> None:
    """Raises ``UnsupportedEncoding`` for a body that names a content encoding."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise UnsupportedEncoding


def whole_body(request: Request) -> bytes:
    """The raw bytes, which parsers can read again. Raises ``BodyTooLarge``.

    Not ``HttpRequest.body``: its limit is one for all addresses, and a picture has more than JSON may.
    """
    plain: HttpRequest = request._request
    if not hasattr(plain, "_body"):
        view = (request.parser_context or {}).get("view")
        most = getattr(view, "max_body_bytes", MAX_JSON_BYTES)
        content = plain.read(most + 1)
        if len(content) > most:
            raise BodyTooLarge
        plain._body = content
        plain._stream = BytesIO(content)
    body: bytes = plain._body
    return body
