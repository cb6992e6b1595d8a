"""What the analytics page says where there is nothing to count."""

from dataclasses import dataclass
from datetime import timedelta

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from analytics.figures import Overview
from analytics.periods import PRESETS
from desk.access import Scope
from desk.addresses import with_query
from desk.queue.setting_up import setting_up
from merchants.models import Store
from merchants.rights import Act


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """``is_new``: there never was a sale or a refund, so that no choice of days would show any. An empty address: no button."""

    is_new: bool
    title: str
    text: str
    url: str = ""
    label: str = ""


def nothing(
    figures: Overview, *, scope: Scope, store: str, channel: str, path: str, query: QueryDict
) -> Nothing | None:
    """None where anything is counted, in these days or in those that they are compared with. ``store`` and ``channel`` are codes,
    "" for all; ``path`` and ``query`` are the page's address.
    """
    if any(side.sold.count or side.submitted.count or side.paid.count for side in (figures.current, figures.previous)):
        return None
    requests, sales = scope.requests(), scope.sales()
    if store:
        of_store = Store.objects.filter(merchant_id=scope.staff.merchant_id, code=store)
        requests, sales = requests.filter(store__in=of_store), sales.filter(store__in=of_store)
    if channel:
        requests, sales = requests.filter(channel=channel), sales.filter(channel=channel)
    asked = requests.order_by("-created_at").values_list("created_at", flat=True).first()
    paid = sales.order_by("-paid_at").values_list("paid_at", flat=True).first()
    newest = max((at for at in (asked, paid) if at is not None), default=None)
    if newest is None:
        return _new(scope, clear_url=with_query(path, query, store="", channel="") if store or channel else "")
    last = timezone.localdate(newest)
    first = last - timedelta(days=PRESETS["30"] - 1)
    return Nothing(
        is_new=False,
        title=gettext("Nothing happened in these days"),
        text=gettext("The newest sale or refund is of %(day)s.") % {"day": last.isoformat()},
        url=with_query(path, query, keep=False, period="", **{"from": first.isoformat(), "to": last.isoformat()}),
        label=gettext("Show the 30 days up to then"),
    )


def _new(scope: Scope, *, clear_url: str) -> Nothing:
    if clear_url:
        return Nothing(
            is_new=True,
            title=gettext("Nothing was sold or refunded here yet"),
            text=gettext("The other stores and channels may have figures."),
            url=clear_url,
            label=gettext("Clear the filters"),
        )
    text = gettext(
        "From the first sale on this page says how much goes back and why, how long it takes, which stores, tills and"
        " channels stand out, and what customers think of it."
    )
    if setting_up(scope) is not None and scope.may(Act.SEE_QUEUE):
        url, label = reverse("desk:queue"), gettext("See what is left to set up")
    else:
        url, label = (reverse("desk:new"), gettext("New refund")) if scope.may(Act.SUBMIT) else ("", "")
    return Nothing(is_new=True, title=gettext("No sales and no refunds yet"), text=text, url=url, label=label)
