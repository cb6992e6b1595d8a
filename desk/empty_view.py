"""What a saved view of the review desk says when it holds nothing: what was done, and where to go on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext, ngettext

from core.plain_text import sentences
from desk.access import Scope
from desk.addresses import with_query
from desk.queues import View, counts
from desk.templatetags.desk_format import seconds
from merchants.rights import Act


def words_for(*, view: View, scope: Scope, done: Mapping[str, Any], at: datetime) -> dict[str, str]:
    """``icon, title, text, url, label`` of the empty state; ``done`` comes from ``summary.reviewed_today``."""
    unclaimed = counts(scope=scope, at=at)["unclaimed"]
    if view.name == "mine" and unclaimed and scope.may(Act.CLAIM):
        waiting = ngettext(
            "%(n)s refund waits unclaimed. N claims the next one.",
            "%(n)s refunds wait unclaimed. N claims the next one.",
            unclaimed,
        )
        return {
            "icon": "hand",
            "title": gettext("Nothing is on your desk"),
            "text": waiting % {"n": unclaimed},
            "url": with_query(reverse("desk:queue"), view="unclaimed"),
            "label": gettext("Show them"),
        }
    text = gettext("New requests appear by themselves.")
    if done["reviewed"]:
        today = ngettext(
            "%(n)s refund was decided today, in %(median)s at the median.",
            "%(n)s refunds were decided today, in %(median)s at the median.",
            done["reviewed"],
        )
        text = sentences(today % {"n": done["reviewed"], "median": seconds(done["median_s"])}, text)
    return {"icon": "party-popper", "title": gettext("Nothing waits here"), "text": text, "url": "", "label": ""}
