"""A shape of an answer, said once: the library describes the API by it, and it makes the answer of a record."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import attrgetter, itemgetter
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
        plan = _plan_of(cls, tuple(made), is_dict=isinstance(record, dict), only=only)
        answer = plan.empty.copy()
        # One call for all that stands in the record under its name: a call a field took a tenth of a submission's time.
        answer.update(zip(plan.direct, plan.read(record), strict=True))
        for name, how in plan.others:
            answer[name] = how(record)
        for name, write in plan.written:
            answer[name] = write(answer[name])
        answer.update(made)
        return answer

    @classmethod
    def all_of(cls, records: Any) -> list[dict[str, Any]]:
        rows = list(records)
        plan = _plan_of(cls, (), is_dict=bool(rows) and isinstance(rows[0], dict), only=None)
        if plan.others or plan.written:
            return [cls.of(row) for row in rows]
        return [dict(zip(plan.direct, plan.read(row), strict=True)) for row in rows]


class Row(Shape):
    # A shape in a list, of which `fields` may ask for some alone: there is nothing that all of its rows have.

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for field in fields.values():
            field.required = False
        return fields


@dataclass(frozen=True, slots=True)
class _Plan:
    #: All fields in order, still without their values.
    empty: dict[str, Any]
    #: Fields that ``read`` gives at once, in its order.
    direct: tuple[str, ...]
    read: Callable[[Any], tuple[Any, ...]]
    others: list[tuple[str, Read]]
    #: Fields whose value goes out in another form.
    written: list[tuple[str, Read]]


@lru_cache(maxsize=2048)
def _plan_of(shape: type[Shape], made: tuple[str, ...], *, is_dict: bool, only: frozenset[str] | None) -> _Plan:
    declared: dict[str, Any] = shape._declared_fields
    fields = {
        name: declared.get(name, field) for name, field in shape().get_fields().items() if only is None or name in only
    }
    own = {name: field for name, field in fields.items() if name not in made}
    sources = {name: field.source or name for name, field in own.items() if not hasattr(field, "how")}
    direct = {name: source for name, source in sources.items() if source != "*" and (is_dict or "." not in source)}
    get = itemgetter if is_dict else attrgetter
    return _Plan(
        empty=dict.fromkeys(fields),
        direct=tuple(direct),
        read=_at_once(get, tuple(direct.values())),
        others=[
            (name, getattr(field, "how", None) or _reader(sources[name]))
            for name, field in own.items()
            if name not in direct
        ],
        written=[(name, write) for name, field in own.items() if (write := _writer(field)) is not None],
    )


def _at_once(get: Any, sources: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if len(sources) > 1:
        return get(*sources)  # type: ignore[no-any-return]  # attrgetter or itemgetter
    # Of one name alone the library gives the value, not a tuple.
    return lambda record: tuple(get(source)(record) for source in sources)


def _reader(source: str) -> Read:
    if source == "*":
        return lambda record: record
    if "." not in source:
        return attrgetter(source)
    first, rest = source.split(".", 1)
    read_rest = _reader(rest)

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
