"""A shape of an answer, said once: the library describes the API by it, and it makes the answer of a record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any, TypeVar

from rest_framework import serializers as s

from core.calendar import SHANGHAI

Read = Callable[[Any], Any]
OneField = TypeVar("OneField", bound=s.Field)  # type: ignore[type-arg]  # any field


def instant(at: datetime | None) -> str | None:
    """RFC 3339 with Shanghai's offset."""
    return None if at is None else at.astimezone(SHANGHAI).isoformat()


def read(field: OneField, how: Read) -> OneField:
    """The field, with how its value is read off the record where no name says it."""
    field.how = how  # type: ignore[attr-defined]
    return field


class Shape(s.Serializer[Any]):
    # Fields in the order of the answer. A field's value is the record's of that name, or of its ``source`` (dots lead on, ``*``
    # is the record itself), or what ``read`` says; a text that may be null is null where there is none. The library's own
    # ``to_representation`` would copy every field for every answer. No docstring: the library would publish it for each shape.

    @classmethod
    def of(cls, record: Any, **made: Any) -> dict[str, Any]:
        """The answer as plain data; ``made`` are fields that the record does not have, as they go out."""
        return {
            name: made[name] if name in made else value_of(record) if write is None else write(value_of(record))
            for name, value_of, write in _plan_of(cls, is_dict=isinstance(record, dict))
        }

    @classmethod
    def all_of(cls, records: Any) -> list[dict[str, Any]]:
        return [cls.of(record) for record in records]


@cache
def _plan_of(shape: type[Shape], *, is_dict: bool) -> list[tuple[str, Read, Read | None]]:
    """Name, how it is read, how it is written (None: as it is), of each field."""
    declared: dict[str, Any] = shape._declared_fields
    fields = {name: declared.get(name, field) for name, field in shape().get_fields().items()}
    return [
        (name, getattr(field, "how", None) or _reader(field.source or name, is_dict=is_dict), _writer(field))
        for name, field in fields.items()
    ]


def _reader(source: str, *, is_dict: bool) -> Read:
    if source == "*":
        return lambda record: record
    if is_dict:
        return itemgetter(source)
    if "." not in source:
        return attrgetter(source)
    first, rest = source.split(".", 1)
    read_rest = _reader(rest, is_dict=False)

    def read_off(record: Any) -> Any:
        found = getattr(record, first)
        return None if found is None else read_rest(found)

    return read_off


def _writer(field: Any) -> Read | None:
    if isinstance(field, s.ListSerializer):
        child: Any = field.child
        return type(child).all_of  # type: ignore[no-any-return]  # a shape
    if isinstance(field, Shape):
        shape = type(field)
        return lambda value: None if value is None else shape.of(value)
    if isinstance(field, s.DateTimeField):
        return instant
    if isinstance(field, s.UUIDField):
        return lambda value: None if value is None else str(value)
    if isinstance(field, s.DateField):
        return lambda value: value.isoformat()
    if isinstance(field, s.CharField | s.ChoiceField) and field.allow_null:
        return lambda value: value or None
    return None
