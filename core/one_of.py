"""A condition of a table's CHECK: that a column has one of some values."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models
from django.db.models import F, Func, Value


class OneOf(Func):
    """``column = ANY ('{a,b}'::text[])``; make it with ``one_of``.

    PostgreSQL reads the CHECKs of a table from their stored form in each statement that writes to it. What the library writes for
    ``Q(column__in=...)`` has a node for each value and one for each value's type there: with the sixteen states of a refund it is
    three times as long.
    """

    template = "%(expressions)s::text[])"
    arg_joiner = " = ANY ("
    output_field = models.BooleanField()


def one_of(column: str, values: Iterable[str]) -> OneOf:
    """``values`` are words of letters and underscores."""
    words = sorted(map(str, values))
    assert all(word.replace("_", "").isalpha() for word in words), words
    return OneOf(F(column), Value("{" + ",".join(words) + "}", output_field=models.TextField()))
