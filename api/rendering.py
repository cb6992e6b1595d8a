"""Compact UTF-8 JSON."""

from __future__ import annotations

import json
from typing import Any

from rest_framework.renderers import BaseRenderer


class Rendered(str):
    """JSON that is text already: an answer that was kept, or is about to be."""

    __slots__ = ()


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False, default=str).encode


def as_json(data: Any) -> str:
    """The text of an answer."""
    return _encode(data)


class JSONRenderer(BaseRenderer):
    """Plain data only: representations have already made texts of ids and instants."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        if data is None:
            return b""
        return (data if isinstance(data, Rendered) else as_json(data)).encode()
