"""What refunds tell: the page and its table to take away."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from analytics import figures as scopes
from analytics import periods
from analytics.overview import fees_lost_fen, overview, payouts
from analytics.periods import BadPeriod, Period
from core.database.timeouts import reports
from desk import filters
from desk.access import Scope, staff_reads
from desk.addresses import with_query
from desk.analytics import kpis, table
from desk.analytics.links import Links
from desk.analytics.nothing import nothing
from desk.analytics.page import Controls, analytics_page
from desk.filters import Option
from desk.rendering import as_file, render_page
from merchants.rights import Act


@staff_reads(Act.SEE_ANALYTICS)
@reports
def analytics(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The figures of a period, compared with the one before. A period that cannot be understood shows the usual one."""
    query = request.GET
    period, error = _period(request)
    store, channel = _chosen(request, scope)
    counted = _counted(scope, store, channel)
    figures = overview(scope=counted, period=period)
    links = Links(period=period, store=store, channel=channel)
    by_amount, all_stores = query.get("by") == "amount", query.get("stores") == "all"
    page = analytics_page(
        figures=figures,
        period=period,
        links=links,
        controls=_controls(request, scope, period, error),
        nothing=nothing(
            figures,
            scope=scope,
            store=store,
            channel=channel,
            path=request.path,
            query=query,
        ),
        more=kpis.rows(
            figures=figures,
            payouts=payouts(scope=counted, period=period),
            fees_lost_fen=fees_lost_fen(scope=counted, period=period),
            links=links,
        ),
        by_amount=by_amount,
        all_stores=all_stores,
    )
    return render_page(request, "desk/analytics.html", page, status=400 if error else 200)


@staff_reads(Act.SEE_ANALYTICS)
@reports
def analytics_csv(request: HttpRequest, scope: Scope) -> HttpResponseBase:
    """The same figures as a table, one a line."""
    period, _ = _period(request)
    store, channel = _chosen(request, scope)
    counted = _counted(scope, store, channel)
    text = table.csv_text(
        figures=overview(scope=counted, period=period),
        period=period,
        payouts=payouts(scope=counted, period=period),
        fees_lost_fen=fees_lost_fen(scope=counted, period=period),
    )
    return as_file(text, name=f"refunds-{period.first_date.isoformat()}-{period.last_date.isoformat()}.csv")


def _period(request: HttpRequest) -> tuple[Period, str]:
    """The period that the address names, or the usual one and what is wrong."""
    query, now = request.GET, timezone.now()
    try:
        return (
            periods.parse(
                preset=query.get("period", ""), first=query.get("from", ""), last=query.get("to", ""), now=now
            ),
            "",
        )
    except BadPeriod as error:
        return periods.parse(now=now), _WORDS[error.errors[0].code]()


_WORDS = {
    "unknown_period": lambda: gettext("That period is not known; here are the last 30 days."),
    "invalid_date": lambda: gettext("A day is written yyyy-mm-dd; here are the last 30 days."),
    "from_after_to": lambda: gettext("The first day is after the last; here are the last 30 days."),
    "period_too_long": lambda: (
        gettext("At most %(days)s days at a time; here are the last 30 days.") % {"days": periods.MAX_DAYS}
    ),
}


def _chosen(request: HttpRequest, scope: Scope) -> tuple[str, str]:
    """Codes of the store and the channel that the filters choose, "" for all."""
    store, channel = (item.chosen(request.GET) for item in (filters.store(scope), filters.channel(scope)))
    return store.value if store else "", channel.value if channel else ""


def _counted(scope: Scope, store: str, channel: str) -> scopes.Selection:
    return scopes.narrowed(
        merchant_id=scope.staff.merchant_id, store_ids=scope.store_ids, store_code=store, channel=channel
    )


def _controls(request: HttpRequest, scope: Scope, period: Period, error: str) -> Controls:
    query, path = request.GET, request.path
    chosen = [filters.store(scope), filters.channel(scope)]
    by_amount = query.get("by") == "amount"
    return Controls(
        periods=_presets(request, period),
        period_error=error,
        custom=period.preset == periods.CUSTOM,
        date_from=period.first_date.isoformat(),
        date_to=period.last_date.isoformat(),
        hidden=filters.hidden(chosen, query, "by", "stores"),
        filters=filters.menus(chosen, query, path),
        has_filters=filters.any_chosen(chosen, query),
        clear_filters_url=with_query(path, query, store="", channel=""),
        reasons_by=[
            Option(label=gettext("Number"), url=with_query(path, query, by=""), current=not by_amount),
            Option(label=gettext("Amount"), url=with_query(path, query, by="amount"), current=by_amount),
        ],
        all_stores_url="" if query.get("stores") == "all" else with_query(path, query, stores="all"),
        export_url=with_query(reverse("desk:analytics-csv"), query),
    )


def _presets(request: HttpRequest, period: Period) -> list[Option]:
    labels = {"today": gettext("Today"), "7": gettext("7 days"), "30": gettext("30 days")}
    days = {"from": period.first_date.isoformat(), "to": period.last_date.isoformat()}
    choices = [(label, name, {"from": "", "to": ""}) for name, label in labels.items()]
    choices.append((gettext("Custom"), periods.CUSTOM, days))
    return [
        Option(
            label=label,
            url=with_query(request.path, request.GET, keep=False, period=name, **bounds),
            current=period.preset == name,
        )
        for label, name, bounds in choices
    ]
