"""What the desk got done today, and what a saved view says when it holds nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from core.plain_text import sentences
from desk.access import Scope
from desk.addresses import with_query
from desk.queue.saved_views import View, counts
from desk.templatetags.desk_format import seconds
from merchants.rights import Act

_TODAY = """
SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM d.at - r.created_at)),
       100.0 * count(*) FILTER (WHERE d.at <= r.due_at) / nullif(count(*), 0)
  FROM (SELECT a.request_id, max(a.at) AS at FROM refunds_approval a
         WHERE a.at >= %(since)s AND a.decision IN ('approve', 'reject') GROUP BY a.request_id) d
  JOIN refunds_refundrequest r ON r.id = d.request_id
 WHERE r.merchant_id = %(merchant)s AND (%(stores)s::bigint[] IS NULL OR r.store_id = ANY(%(stores)s))
"""


@dataclass(frozen=True, slots=True)
class Summary:
    """Decisions, their median time in seconds, and how many of them were in time; None without any."""

    reviewed: int
    median_s: int | None
    on_time_pct: float | None


@dataclass(frozen=True, slots=True)
class Empty:
    """An empty address: no button."""

    icon: str
    title: str
    text: str
    url: str = ""
    label: str = ""


def reviewed_today(*, scope: Scope, at: datetime) -> Summary:
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
    return Summary(reviewed, None if median_s is None else int(median_s), None if on_time is None else float(on_time))


def words_for(*, view: View, scope: Scope, done: Summary, at: datetime) -> Empty:
    """What was done, and where to go on."""
    unclaimed = counts(scope=scope, at=at)["unclaimed"]
    if view.name == "mine" and unclaimed and scope.may(Act.CLAIM):
        waiting = ngettext(
            "%(n)s refund waits unclaimed. N claims the next one.",
            "%(n)s refunds wait unclaimed. N claims the next one.",
            unclaimed,
        )
        return Empty(
            "hand",
            gettext("Nothing is on your desk"),
            waiting % {"n": unclaimed},
            with_query(reverse("desk:queue"), view="unclaimed"),
            gettext("Show them"),
        )
    text = gettext("New requests appear by themselves.")
    if done.reviewed:
        today = ngettext(
            "%(n)s refund was decided today, in %(median)s at the median.",
            "%(n)s refunds were decided today, in %(median)s at the median.",
            done.reviewed,
        )
        text = sentences(today % {"n": done.reviewed, "median": seconds(done.median_s)}, text)
    return Empty("party-popper", gettext("Nothing waits here"), text)
