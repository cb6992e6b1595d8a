"""What the desk got done today: decisions, their median time, and how many were in time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from desk.access import Scope

_TODAY = """
SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM d.at - r.created_at)),
       100.0 * count(*) FILTER (WHERE d.at <= r.due_at) / nullif(count(*), 0)
  FROM (SELECT a.request_id, max(a.at) AS at FROM refunds_approval a
         WHERE a.at >= %(since)s AND a.decision IN ('approve', 'reject') GROUP BY a.request_id) d
  JOIN refunds_refundrequest r ON r.id = d.request_id
 WHERE r.merchant_id = %(merchant)s AND (%(stores)s::bigint[] IS NULL OR r.store_id = ANY(%(stores)s))
"""


def reviewed_today(*, scope: Scope, at: datetime) -> dict[str, Any]:
    """Decisions since midnight; the time runs from submission, and in time means before the promise ran out."""
    midnight = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    values: dict[str, Any] = {
        "since": midnight,
        "merchant": scope.staff.merchant_id,
        "stores": None if scope.store_ids is None else sorted(scope.store_ids),
    }
    with connection.cursor() as cursor:
        cursor.execute(_TODAY, values)
        row = cursor.fetchone()
    assert row is not None
    reviewed, median_s, on_time = row
    return {
        "reviewed": reviewed,
        "median_s": None if median_s is None else int(median_s),
        "on_time_pct": None if on_time is None else float(on_time),
    }
