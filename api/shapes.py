"""A shape of an answer, said once: the library describes the API by it, and it makes the answer of a record."""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from keyword import iskeyword
from operator import attrgetter
from typing import Any, TypeVar

from rest_framework import serializers as s

from core.calendar import SHANGHAI

Read = Callable[[Any], Any]
OneField = TypeVar("OneField", bound=s.Field)  # type: ignore[type-arg]  # any field


# A submission says one instant eight times.
@lru_cache(maxsize=64)
def instant(at: datetime | None) -> str | None:
    """RFC 3339 with Shanghai's offset."""
    return None if at is None else at.astimezone(SHANGHAI).isoformat()


def read(field: OneField, how: Read) -> OneField:
    """The field, with how its value is read off the record where no name says it."""
    field.how = how  # type: ignore[attr-defined]  # read by `Shape` below
    return field


class Shape(s.Serializer[Any]):
    # Fields in the order of the answer. A field's value is the record's of that name, or of its ``source`` (dots lead on, ``*``
    # is the record itself), or what ``read`` says; a text that may be null is null where there is none. The library's own
    # ``to_representation`` would copy every field for every answer. No docstring: the library would publish it for each shape.

    @classmethod
    def of(cls, record: Any, *, only: frozenset[str] | None = None, **made: Any) -> dict[str, Any]:
        """The answer as plain data; ``made`` are fields that the record does not have, as they go out; ``only``: no others."""
        return _maker_of(cls, tuple(made), is_dict=isinstance(record, dict), only=only)(record, made)

    @classmethod
    def all_of(cls, records: Any) -> list[dict[str, Any]]:
        rows = list(records)
        make = _maker_of(cls, (), is_dict=bool(rows) and isinstance(rows[0], dict), only=None)
        return [make(row, {}) for row in rows]


class Row(Shape):
    # A shape in a list, of which `fields` may ask for some alone: there is nothing that all of its rows have.

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for field in fields.values():
            field.required = False
        return fields


@lru_cache(maxsize=2048)
def _maker_of(
    shape: type[Shape], made: tuple[str, ...], *, is_dict: bool, only: frozenset[str] | None
) -> Callable[[Any, dict[str, Any]], dict[str, Any]]:
    """What makes the answer of a record and the fields ``made`` for it: a function of one expression, written here. Going through
    the fields of each answer took a twentieth of a submission's time.
    """
    declared: dict[str, Any] = shape._declared_fields
    fields = {
        name: declared.get(name, field) for name, field in shape().get_fields().items() if only is None or name in only
    }
    uses: dict[str, Any] = {"instant": instant}
    entries = []
    for name in (*fields, *(name for name in made if name not in fields)):
        given = f"made[{name!r}]"
        entries.append(f"{name!r}: {given if name in made else _value(name, fields[name], uses, is_dict=is_dict)}")
    make: Callable[[Any, dict[str, Any]], dict[str, Any]] = eval(  # noqa: S307 - the names are our own shapes'
        f"lambda record, made: {{{', '.join(entries)}}}", uses
    )
    return make


def _used(what: Any, uses: dict[str, Any]) -> str:
    """The name under which the expression finds it."""
    name = f"use{len(uses)}"
    uses[name] = what
    return name


def _read(name: str, field: Any, uses: dict[str, Any], *, is_dict: bool) -> str:
    """The expression for a field's value in the record."""
    if (how := getattr(field, "how", None)) is not None:
        return f"{_used(how, uses)}(record)"
    source = field.source or name
    if source == "*":
        return "record"
    if is_dict:
        return f"record[{source!r}]"
    if source.isidentifier() and not iskeyword(source):
        return f"record.{source}"
    return f"{_used(_reader(source), uses)}(record)"


def _value(name: str, field: Any, uses: dict[str, Any], *, is_dict: bool) -> str:
    """The expression for a field's value as it goes out."""
    value = _read(name, field, uses, is_dict=is_dict)
    if isinstance(field, s.ListSerializer):
        child: Any = field.child
        return f"{_used(type(child).all_of, uses)}({value})"
    if isinstance(field, Shape):
        return f"None if (found := {value}) is None else {_used(type(field).of, uses)}(found)"
    if isinstance(field, s.DateTimeField):
        return f"instant({value})"
    if isinstance(field, s.UUIDField):
        return f"None if (found := {value}) is None else str(found)"
    if isinstance(field, s.DateField):
        return f"{value}.isoformat()"
    if isinstance(field, s.CharField | s.ChoiceField) and field.allow_null:
        return f"{value} or None"
    return value


def _reader(source: str) -> Read:
    """What follows the names with dots between: null where one on the way is."""
    if "." not in source:
        return attrgetter(source)
    first, rest = source.split(".", 1)
    read_rest = _reader(rest)

    def read_off(record: Any) -> Any:
        found = getattr(record, first)
        return None if found is None else read_rest(found)

    return read_off
