"""Fields that take nothing for something else: no text for a number, no boolean for one, no unknown names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rest_framework import serializers

from core.money import MAX_FEN


class StrictSerializer(serializers.Serializer[Any]):
    """Unknown fields are errors, not noise."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := set(data) - set(self.fields)):
            raise serializers.ValidationError(
                {
                    str(name): [serializers.ErrorDetail("this field is not known", code="unknown_field")]
                    for name in unknown
                }
            )
        return super().to_internal_value(data)


class WholeNumber(serializers.IntegerField):
    """A JSON integer: no text, no boolean, no fraction."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class Fen(WholeNumber):
    """An amount above zero, in fen."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 1, "max_value": MAX_FEN, **kwargs})


class Text(serializers.CharField):
    """A JSON string without control characters; never a number turned into one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", data):
            raise serializers.ValidationError("control characters are not allowed", code="control_character")
        return str(super().to_internal_value(data))


class Instant(serializers.DateTimeField):
    """RFC 3339 with an offset: a local time without one could be any of 24 instants."""

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str):
            self.fail("invalid", format="RFC 3339")
        try:
            parsed = datetime.fromisoformat(value)
        except ValueError:
            self.fail("invalid", format="RFC 3339")
        if parsed.tzinfo is None:
            raise serializers.ValidationError("give the offset, e.g. +08:00", code="offset_missing")
        if not 2000 <= parsed.year <= 2100:
            raise serializers.ValidationError("the year is out of range", code="out_of_range")
        return parsed


class Phone(Text):
    """Digits with an optional plus, as typed at a till."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data).replace(" ", "").replace("-", "")
        if text and not re.fullmatch(r"\+?[0-9]{5,20}", text):
            raise serializers.ValidationError("not a phone number", code="invalid_phone")
        return text
