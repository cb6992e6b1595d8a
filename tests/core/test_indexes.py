"""No index is kept up for nothing: none of a table is the beginning of another of the same table. Small ones over a part are."""

from __future__ import annotations

from itertools import permutations

import pytest
from django.db import connection

_INDEXES = """
SELECT i.indrelid::regclass::text, i.indexrelid::regclass::text,
       array(SELECT pg_get_indexdef(i.indexrelid, n, true) FROM generate_series(1, i.indnkeyatts) n ORDER BY n),
       i.indisunique, coalesce(pg_get_expr(i.indpred, i.indrelid), '')
  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
  JOIN pg_am a ON a.oid = x.relam
 WHERE a.amname = 'btree' AND c.relnamespace = 'public'::regnamespace AND c.relname ~ '^(refunds|terminals|core)_'
 ORDER BY 1, 2
"""
#: Tables with a row a day, and those of people's own hands: an index there costs nothing that matters.
_SMALL = {"reconciliation_reconciliationday", "reconciliation_bill", "terminals_terminal"}


@pytest.mark.django_db
def test_index_when_another_begins_with_its_columns_is_not_there() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_INDEXES)
        indexes = cursor.fetchall()
    redundant = {
        f"{one} is the beginning of {other}"
        for (table, one, columns, is_unique, where), (others, other, wider, _, condition) in permutations(indexes, 2)
        if table == others and table not in _SMALL and not is_unique and where == condition == ""
        if columns == wider[: len(columns)] and (len(columns) < len(wider) or one < other)
    }
    assert redundant == set()
