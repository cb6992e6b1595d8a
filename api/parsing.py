"""JSON as strict as money deserves: no duplicate keys, no NaN, no lone surrogates, bounded depth and size."""

from __future__ import annotations

import codecs
import json
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from api.bodies import MAX_JSON_BYTES, BodyTooLarge, refuse_packed

_MAX_DEPTH = 32


class StrictJSONParser(BaseParser):
    """Parses ``application/json`` or says why it cannot."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        if parser_context:
            refuse_packed(parser_context["request"])
        raw: bytes = stream.read(MAX_JSON_BYTES + 1)
        if len(raw) > MAX_JSON_BYTES:
            raise BodyTooLarge
        try:
            # A mark in front is what Windows writes; it says UTF-8 and nothing else.
            text = raw.decode("utf-8-sig")
            data = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        except UnicodeDecodeError as error:
            raise ParseError(f"the body is not UTF-8{_encoding(raw)}", code="not_utf8") from error
        except RecursionError as error:
            raise ParseError("the body is nested too deeply", code="too_deep") from error
        except ValueError as error:
            raise ParseError(f"the body is not valid JSON: {error}", code="invalid_json") from error
        _check(data, 0)
        return data


def _encoding(raw: bytes) -> str:
    """What the body seems to be written in instead: tills in China still write GBK."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or raw[1:2] == b"\0":
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
