"""Statements whose plan is kept, and statements over many rows at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from typing import Any, cast
from weakref import WeakKeyDictionary

import orjson
from django.db import connection, models
from psycopg2.extras import execute_values

from core.personal_data import SealedTextField, seal

#: How often each open connection of the driver may still run what it has prepared, by name. They live and die with it.
_prepared_on: WeakKeyDictionary[Any, dict[str, int]] = WeakKeyDictionary()

#: Rows that one INSERT of ``insert_rows`` takes: what it holds in memory.
_ROWS_AT_ONCE = 2_000

#: A statement is planned again after so many runs. A plan made while a table was young may read all of it when it has grown,
#: and would be kept until autovacuum has looked at the table.
_RUNS_A_PLAN = 1_000


@dataclass(frozen=True, slots=True)
class PreparedStatement:
    """A statement with ``$1 ... $n`` that a connection parses and plans once for many runs: for the few that every request
    runs, where planning costs more than running. ``types`` are the parameters' types in order.
    """

    name: str
    types: tuple[str, ...]
    sql: str

    def execute(self, cursor: Any, parameters: Sequence[Any]) -> None:
        """Run it on a cursor of the default connection. Raises Django's database errors."""
        left = _prepared_on.setdefault(cursor.cursor.connection, {})
        # Behind a wall the plan is another one: under one name it would be made anew with each change of the role.
        name = self.name if cursor.db.wall.merchant_id == "" else f"w_{self.name}"
        if not left.get(name):
            if name in left:
                cursor.execute(f"DEALLOCATE {name}")
                del left[name]
            cursor.execute(f"PREPARE {name} ({', '.join(self.types)}) AS {self.sql}")
            left[name] = _RUNS_A_PLAN
            # Planned here, as for tables that have grown: by indexes, and by one that has the order which is asked for.
            cursor.execute(
                f"SET enable_seqscan = off; SET enable_sort = off; EXPLAIN EXECUTE {name} "
                f"({', '.join(['NULL'] * len(self.types))}); RESET enable_seqscan; RESET enable_sort"
            )
        left[name] -= 1
        cursor.execute(f"EXECUTE {name} ({', '.join(['%s'] * len(self.types))})", parameters)


def execute_rows(sql: str, rows: Sequence[Sequence[Any]], *, template: str) -> None:
    """Run ``sql``, which holds ``VALUES %s``, over ``rows``. Raises Django's database errors, as its own cursor does:
    the driver's helper by itself would raise the driver's, and ``except IntegrityError`` would not see them.
    """
    with connection.wrap_database_errors, connection.cursor() as cursor:
        execute_values(cursor.cursor, sql, rows, template=template, page_size=1000)


def insert_unsaved(rows: Sequence[models.Model]) -> None:
    """Store unsaved rows of one model in one INSERT, without the library's work for each field of each; they learn no keys.

    Raises Django's database errors.
    """
    if not rows:
        return
    table = type(rows[0])._meta.db_table
    columns = ", ".join(f'"{column}"' for column in columns_of(type(rows[0])))
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{table}" ({columns}) SELECT {columns} '  # noqa: S608 - names of our tables
            f'FROM json_populate_recordset(NULL::"{table}", %s)',
            [rows_as_json(rows)],
        )


def columns_of(model: type[models.Model]) -> tuple[str, ...]:
    """The columns that an INSERT of unsaved rows names: what the database fills in is left out."""
    return _shape(model)[0]


@lru_cache(maxsize=32)
def _shape(
    model: type[models.Model],
) -> tuple[tuple[str, ...], Callable[[dict[str, Any]], tuple[Any, ...]], tuple[tuple[str, str], ...]]:
    """The columns, what reads their values off a row's attributes, and which of them are sealed, for what purpose."""
    fields = [
        field
        for field in model._meta.concrete_fields
        if not isinstance(field, models.AutoField | models.BigAutoField) and not field.has_db_default()
    ]
    return (
        tuple(str(field.column) for field in fields),
        itemgetter(*(field.attname for field in fields)),
        tuple((str(field.column), field.purpose) for field in fields if isinstance(field, SealedTextField)),
    )


def rows_as_json(rows: Sequence[models.Model]) -> str:
    """Unsaved rows of one model as the array that ``json_populate_recordset`` reads: what it does not name is NULL."""
    columns, read, sealed = _shape(type(rows[0]))
    made = []
    for row in rows:
        values = {column: value for column, value in zip(columns, read(row.__dict__), strict=True) if value is not None}
        for column, purpose in sealed:
            values[column] = seal(text, purpose=purpose) if (text := values.get(column)) else b""
        made.append(values)
    return encode(made)


def encode(rows: Any) -> str:
    """JSON as PostgreSQL reads it into columns."""
    return orjson.dumps(rows, default=_stand_in).decode()


def _stand_in(value: Any) -> str:
    """A value that JSON does not know, in the form that PostgreSQL reads for its type."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    raise TypeError(f"{type(value).__name__} has no form here")


def insert_rows(model: type[models.Model], names: tuple[str, ...], rows: Iterable[Sequence[object]]) -> int:
    """Store rows of a model by the hundred thousand, streamed; ``names`` are its fields' ``attname``, in the rows' order.

    Returns how many. Raises Django's database errors. As quick as COPY but for a few hundredths of a millisecond a row, and
    unlike COPY an ordinary INSERT: PostgreSQL refuses ``COPY FROM`` into a table whose row-level security binds the role, which
    is every table of ours for everybody but its owner. A temporary table to COPY into would need a privilege more.
    """
    sql = _insertion(model, names)
    remaining, count = iter(rows), 0
    with connection.cursor() as cursor:
        while batch := list(islice(remaining, _ROWS_AT_ONCE)):
            cursor.execute(sql, [_array(column) for column in zip(*batch, strict=True)])
            count += len(batch)
    return count


@lru_cache(maxsize=8)
def _insertion(model: type[models.Model], names: tuple[str, ...]) -> str:
    fields = {field.attname: field for field in model._meta.concrete_fields}
    columns = ", ".join(f'"{fields[name].column}"' for name in names)
    arrays = ", ".join(f"%s::{_array_type(fields[name])}[]" for name in names)
    return f'INSERT INTO "{model._meta.db_table}" ({columns}) SELECT * FROM unnest({arrays})'  # noqa: S608 - names of our tables


def _array_type(field: models.Field[Any, Any]) -> str:
    """A cast to ``varchar(n)`` would cut what is too long; the column itself refuses it."""
    kind = _type(field)
    return "text" if kind.startswith("varchar") else kind


def _array(values: Collection[object]) -> str:
    """As PostgreSQL writes arrays down: one parameter a column, read much faster than one a cell.

    A column of one type is written whole: there are half a million cells in a large statement.
    """
    kinds = set(map(type, values))
    if kinds == {int}:
        return "{" + ",".join(map(str, values)) + "}"
    if kinds == {str}:
        texts = '","'.join(cast("Collection[str]", values))
        if "\\" not in texts and texts.count('"') == 2 * len(values) - 2:
            return f'{{"{texts}"}}'
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, datetime):
        return f'"{value.isoformat()}"'
    if isinstance(value, bytes):
        return '"\\\\x' + value.hex() + '"'
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def save_fields(rows: Iterable[models.Model], names: tuple[str, ...]) -> None:
    """Write these fields of saved rows of one model in one UPDATE.

    What ``bulk_update`` does, without its CASE for every field and row: building that cost ten times the database's work.
    """
    found = list(rows)
    if not found:
        return
    sql, template, fields = _update(type(found[0]), names)
    values = [[field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields] for row in found]
    execute_rows(sql, values, template=template)


@lru_cache(maxsize=32)
def _update(model: type[models.Model], names: tuple[str, ...]) -> tuple[str, str, tuple[models.Field[Any, Any], ...]]:
    key = model._meta.pk
    assert key is not None
    changed = [model._meta.get_field(name) for name in names]
    fields = (key, *(field for field in changed if isinstance(field, models.Field)))
    columns = ", ".join(f'"{field.column}"' for field in fields)
    assignments = ", ".join(f'"{field.column}" = v."{field.column}"' for field in fields[1:])
    template = ", ".join(f"%s::{_type(field)}" for field in fields)
    sql = (
        f'UPDATE "{model._meta.db_table}" t SET {assignments} FROM (VALUES %s) v ({columns}) '  # noqa: S608 - names of our tables
        f'WHERE t."{key.column}" = v."{key.column}"'
    )
    return sql, f"({template})", fields


def _type(field: models.Field[Any, Any]) -> str:
    """The column's type, as a cast: a bare NULL in VALUES would be text."""
    kind = field.rel_db_type(connection) if field.is_relation else field.db_type(connection)
    return str(kind).split(" ")[0] if str(kind).startswith(("integer", "bigint")) else str(kind)
