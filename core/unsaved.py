"""Rows that are about to be written in a statement of ours, without the library's constructor.

``Model(...)`` looks at every field for signals, deferred values and relations that a new row of plain values does not have: of
a submission's seven rows it took as long as the policy, the sale and the answer together (docs/performance.md).
"""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from django.db.models import Model
from django.db.models.base import ModelState

Row = TypeVar("Row", bound=Model)


def unsaved(model: type[Row], **values: Any) -> Row:
    """What ``model(**values)`` makes, where the values are plain ones of its columns (``request_id``, not ``request``).

    Raises ``TypeError`` for a name that is no column.
    """
    names, constants, made_new = _columns(model)
    if not values.keys() <= names:
        raise TypeError(f"{model.__name__} has no column {sorted(values.keys() - names)[0]}")
    row = model.__new__(model)
    row._state = ModelState()
    attributes = row.__dict__
    attributes.update(constants)
    for name, make in made_new:
        if name not in values:
            attributes[name] = make()
    attributes.update(values)
    return row


@cache
def _columns(model: type[Model]) -> tuple[frozenset[str], dict[str, Any], list[tuple[str, Callable[[], Any]]]]:
    """All columns, the values that every new row starts with, and what makes those that are made for each."""
    fields = model._meta.concrete_fields
    made_new = [(field.attname, field.default) for field in fields if field.has_default() and callable(field.default)]
    made = {name for name, _ in made_new}
    # No row changes what it starts with in place, unless a function makes it.
    constants = {field.attname: field.get_default() for field in fields if field.attname not in made}
    return frozenset(field.attname for field in fields), constants, made_new
