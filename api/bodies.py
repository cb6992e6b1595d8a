"""How much of a body is read, and in which form it may come."""

import codecs
import json
import re
from io import BytesIO
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response


def as_json(data: Any) -> str:
    """The text of an answer."""
    return orjson.dumps(data, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class JSONRenderer(BaseRenderer):
    """Plain data only: representations have already made texts of ids and instants."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else as_json(data).encode()


class Kept(Response):
    """An answer that is text already, kept or about to be: it goes out as it is, and is not rendered."""

    def __init__(self, text: str, *, status: int) -> None:
        # The library's own makes an answer that is rendered later.
        HttpResponse.__init__(self, text, content_type=JSONRenderer.media_type, status=status)
        self.data = text


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


def read_whole(stream: Any, parser_context: Any) -> bytes:
    """The bytes that a parser was given. Raises ``BodyTooLarge``."""
    most = getattr((parser_context or {}).get("view"), "max_body_bytes", MAX_JSON_BYTES)
    raw: bytes = stream.read(most + 1)
    if len(raw) > most:
        raise BodyTooLarge
    return raw


_MAX_DEPTH = 32
#: NUL and halves of pairs: as they are, JSON and UTF-8 know neither. Whole pairs are among them, and are looked at.
_ESCAPED = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


class StrictJSONParser(BaseParser):
    """Parses ``application/json`` or says why it cannot."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        if parser_context:
            refuse_packed(parser_context["request"])
        raw = read_whole(stream, parser_context)
        try:
            # A mark in front is what Windows writes; it says UTF-8 and nothing else. Texts put together have several.
            text = raw.decode("utf-8-sig").lstrip("\ufeff")
            data = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        except UnicodeDecodeError as error:
            raise ParseError(f"the body is not UTF-8{_encoding(raw)}", code="not_utf8") from error
        except RecursionError as error:
            raise ParseError("the body is nested too deeply", code="too_deep") from error
        except ValueError as error:
            if b"\0" in raw[:2]:
                raise ParseError(f"the body is not UTF-8{_encoding(raw)}", code="not_utf8") from error
            # What is said of a number of thousands of digits is advice to Python's users.
            said = (
                error
                if isinstance(error, json.JSONDecodeError) or "digits" not in str(error)
                else "a number is too long"
            )
            raise ParseError(f"the body is not valid JSON: {said}", code="invalid_json") from error
        # Nothing of that kind comes without its escape, and no depth without brackets: most bodies are not walked.
        if _ESCAPED.search(text) or text.count("{") + text.count("[") > _MAX_DEPTH:
            _check(data, 0)
        return data


def _encoding(raw: bytes) -> str:
    """What the body seems to be written in instead: tills in China still write GBK."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in raw[:2]:
        return ", it is UTF-16: send UTF-8"
    try:
        raw.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    return ", it is GBK: send UTF-8"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"duplicate key {key!r}")
        found[key] = value
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _check(value: Any, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise ParseError("the body is nested too deeply", code="too_deep")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_text(key)
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise ParseError("the body contains a NUL character", code="nul_character")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ParseError("the body contains half a surrogate pair", code="lone_surrogate") from error
