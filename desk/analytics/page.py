"""What the analytics page shows. Amounts in fen; counts, shares and durations are written out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext, pgettext

from analytics import anomalies
from analytics.charts import Bar, FunnelStep, TrendPoint
from analytics.figures import Answers, Overview, ReasonFigures
from analytics.periods import Period
from analytics.statements import GRANTED, OPEN
from core.calendar import SHANGHAI
from core.plain_text import listed
from desk.addresses import with_query
from desk.analytics import causes
from desk.analytics.causes import Drivers, TillRow
from desk.analytics.kpis import FigureRow, KeyFigure, kpis
from desk.analytics.links import NO_CODE, Links, several
from desk.analytics.nothing import Nothing
from desk.analytics.wording import duration, finding_sentences, percent, whole, yuan
from desk.filters import Hidden, Menu, Option
from desk.templatetags.desk_format import seconds
from merchants import channels
from refunds.states import PAID, Reason, State

#: Rows of a ranking before the rest is folded away; the export has them all.
_TOP = 8
_TOP_REASONS = 7
#: The hours that the map always shows.
_OPEN_FROM, _OPEN_TO = 9, 21


@dataclass(frozen=True, slots=True, kw_only=True)
class Insight:
    """The one line at the top: what stands out, where it is to be seen, and where somebody takes it on as an incident, which has
    an owner, a due time, and in the end its cause and what prevents it.
    """

    strong: str
    text: str
    url: str
    link_label: str
    measure_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    points: Sequence[TrendPoint]
    total_fen: int
    previous_total_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """Counts by weekday (rows) and hour (columns)."""

    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[int]]
    peak_label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRow:
    """``bar_pct`` is the rate beside the highest one; rates are None without sales."""

    name: str
    url: str
    amount_fen: int
    count: str
    rate_pct: float | None
    n_sales: str
    bar_pct: float
    auto_pct: float | None
    median_label: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRow:
    channel: str
    label: str
    url: str
    count: str
    success_pct: float | None
    median_label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CashierRow:
    name: str
    url: str
    count: str
    amount_fen: int
    rate_pct: float | None
    n_sales: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewerRow:
    name: str
    decided: str
    approved_pct: float
    median_label: str
    on_time_pct: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Satisfaction:
    """Customers' scores; ``delta`` against the previous period, empty for none."""

    score: str
    n: str
    answer_pct: float | None
    satisfied_pct: float | None
    delta: str
    direction: str
    tone: str
    bars: Sequence[Bar]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """What narrows the figures: days, store, channel, and how reasons and stores are listed. An empty URL hides its control."""

    periods: Sequence[Option]
    period_error: str
    custom: bool
    date_from: str
    date_to: str
    hidden: Sequence[Hidden]
    filters: Sequence[Menu]
    has_filters: bool
    clear_filters_url: str
    reasons_by: Sequence[Option]
    all_stores_url: str
    export_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyticsPage:
    """Every figure leads to the list that it counts; basis and n stand beside it."""

    now: datetime
    basis_label: str
    period_label: str
    compared_label: str
    controls: Controls
    nothing: Nothing | None
    kpis: Sequence[KeyFigure]
    insight: Insight | None
    trend: Trend
    drivers: Drivers | None
    tills: Sequence[TillRow]
    tills_n: int
    reasons: Sequence[Bar]
    reasons_n: str
    failures: Sequence[Bar]
    failures_n: str
    funnel: Sequence[FunnelStep]
    heat: Heat
    stores: Sequence[StoreRow]
    stores_n: int
    channels: Sequence[ChannelRow]
    cashiers: Sequence[CashierRow]
    reviewers: Sequence[ReviewerRow]
    more: Sequence[FigureRow]
    satisfaction: Satisfaction | None


def analytics_page(
    *,
    figures: Overview,
    period: Period,
    links: Links,
    controls: Controls,
    nothing: Nothing | None,
    more: Sequence[FigureRow],
    by_amount: bool,
    all_stores: bool,
) -> AnalyticsPage:
    """The figures in words and charts. ``by_amount`` ranks the reasons by money; ``all_stores`` unfolds the stores."""
    return AnalyticsPage(
        now=period.now,
        basis_label=gettext("Money by date of success, handling by date of submission"),
        period_label=days_label(period),
        compared_label=_compared_label(period),
        controls=controls,
        nothing=nothing,
        kpis=kpis(figures=figures, period=period, links=links),
        insight=_insight(figures, links),
        trend=_trend(figures, period, links),
        drivers=causes.drivers(figures=figures, links=links),
        tills=causes.tills(figures=figures, links=links, average=figures.current.refund_rate.value),
        tills_n=len(figures.tills),
        reasons=_reasons(figures, links, by_amount=by_amount),
        reasons_n=whole(figures.current.paid.count),
        failures=_failures(figures, links),
        failures_n=whole(sum(row.count for row in figures.failures)),
        funnel=_funnel(figures, links),
        heat=_heat(figures),
        stores=_stores(figures, links)[: None if all_stores else _TOP],
        stores_n=len(figures.stores),
        channels=_channels(figures, links),
        cashiers=_cashiers(figures, links),
        reviewers=_reviewers(figures),
        more=more,
        satisfaction=_satisfaction(figures.current.answers, figures.previous.answers),
    )


def days_label(period: Period) -> str:
    """``2026-10-24 – 2026-11-22``, or the only day."""
    first, last = period.first_date.isoformat(), period.last_date.isoformat()
    return first if first == last else f"{first} – {last}"


def _compared_label(period: Period) -> str:
    """The days compared with, and up to what time of the last one, or when the figures were taken."""
    first, last = period.previous_first_date.isoformat(), period.previous_last_date.isoformat()
    facts = {
        "days": first if first == last else f"{first} – {last}",
        "time": f"{period.now.astimezone(SHANGHAI):%H:%M}",
    }
    if period.is_running:
        return gettext("compared with %(days)s, both up to %(time)s") % facts
    return gettext("compared with %(days)s") % facts


def _insight(figures: Overview, links: Links) -> Insight | None:
    finding = anomalies.find(figures)
    if finding is None:
        return None
    store = next((row for row in figures.stores if row.store_id == finding.store_id), None)
    strong, text, link_label = finding_sentences(finding, store_name=store.name if store else "")
    to = replace(links, store=store.code) if store else links
    began = f"{to.period.start_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    return Insight(
        strong=strong,
        text=text,
        url=to.succeeded(reason=finding.reason),
        link_label=link_label,
        measure_url=with_query(
            reverse("desk:incidents"),
            title=strong[:120],
            began_at=began,
            store=to.store,
            terminal=finding.terminal if store else "",
            channel=to.channel,
        ),
    )


def _trend(figures: Overview, period: Period, links: Links) -> Trend:
    points = []
    for index, bucket in enumerate(figures.buckets):
        start, end = period.bucket_span(index)
        begun = start <= period.now
        points.append(
            TrendPoint(
                label=f"{start:%H:%M}" if period.by_hour else f"{start:%m-%d}",
                value=bucket.paid.amount_fen,
                previous=bucket.previous_paid.amount_fen if begun else None,
                url=links.succeeded_in_bucket(index) if bucket.paid.count else "",
                partial=begun and period.now < end,
            )
        )
    return Trend(
        points=points,
        total_fen=figures.current.paid.amount_fen,
        previous_total_fen=figures.previous.paid.amount_fen,
    )


def _reasons(figures: Overview, links: Links, *, by_amount: bool) -> list[Bar]:
    """The largest reasons, and the rest of them as one bar."""
    total, before = figures.current.paid, figures.previous_reasons

    def value(row: ReasonFigures) -> int:
        return row.paid.amount_fen if by_amount else row.paid.count

    rows = sorted(figures.reasons, key=lambda row: (-value(row), row.reason))
    # A single reason is not worth a bar called "others".
    shown = rows if len(rows) <= _TOP_REASONS + 1 else rows[:_TOP_REASONS]
    rest = rows[len(shown) :]
    groups = [(str(Reason(row.reason).label), [row]) for row in shown]
    if rest:
        groups.append((gettext("Other reasons"), rest))
    bars = []
    for label, members in groups:
        count, amount = sum(row.paid.count for row in members), sum(row.paid.amount_fen for row in members)
        measure, measured = (amount, total.amount_fen) if by_amount else (count, total.count)
        named = "reasons" if members is rest else "reason"
        bars.append(
            Bar(
                label=label,
                value=measure,
                figure=yuan(amount) if by_amount else whole(count),
                share=percent(measure / measured if measured else None),
                extra=whole(count) if by_amount else yuan(amount),
                moved=""
                if by_amount
                else _moved(count - sum(before[row.reason].count for row in members if row.reason in before)),
                url=links.succeeded(**{named: several(row.reason for row in members)}),
            )
        )
    return bars


def _moved(count: int) -> str:
    """How many more or fewer than in the period before: ``+21``."""
    return f"{'+' if count > 0 else '−' if count < 0 else '±'}{whole(abs(count))}"


def _failures(figures: Overview, links: Links) -> list[Bar]:
    total = sum(row.count for row in figures.failures)
    return [
        Bar(
            label=f"{row.message} ({row.code})" if row.message else row.code or gettext("Unnamed"),
            value=row.count,
            figure=whole(row.count),
            share=percent(row.count / total),
            url=links.submitted(states=State.FAILED, failure=row.code or NO_CODE),
            tone="bad",
        )
        for row in figures.failures[:_TOP]
    ]


def _funnel(figures: Overview, links: Links) -> list[FunnelStep]:
    done = figures.current.submitted
    by_person = links.submitted(by_rule="0", states=several(GRANTED))
    steps = (
        (gettext("Submitted"), done.count, "", links.submitted()),
        (gettext("Approved by rule"), done.by_rule, "c2", links.submitted(by_rule="1")),
        (gettext("Approved by a person"), done.by_person, "c2", by_person),
        (gettext("Refunded"), done.refunded, "ok", links.submitted(states=several(PAID))),
        (gettext("Rejected"), done.rejected, "bad", links.submitted(states=State.REJECTED)),
        (gettext("Withdrawn"), done.cancelled, "", links.submitted(states=State.CANCELLED)),
        (gettext("Still open"), done.open, "warn", links.submitted(states=several(OPEN))),
    )
    return [FunnelStep(label=label, count=count, tone=tone, url=url) for label, count, tone, url in steps]


def _heat(figures: Overview) -> Heat:
    busy = [hour for hour in range(24) if any(day[hour] for day in figures.heat)]
    first, last = min([_OPEN_FROM, *busy]), max([_OPEN_TO, *busy])
    weekdays = [
        pgettext("weekday", "Mon"),
        pgettext("weekday", "Tue"),
        pgettext("weekday", "Wed"),
        pgettext("weekday", "Thu"),
        pgettext("weekday", "Fri"),
        pgettext("weekday", "Sat"),
        pgettext("weekday", "Sun"),
    ]
    most, weekday, hour = max(
        ((count, -day, -hour) for day, counts in enumerate(figures.heat) for hour, count in enumerate(counts))
    )
    facts = {"weekday": weekdays[-weekday], "hour": f"{-hour:02d}:00", "n": whole(most)}
    peak = gettext("Peak: %(weekday)s %(hour)s, n = %(n)s") % facts
    return Heat(
        rows=weekdays,
        columns=[str(hour) for hour in range(first, last + 1)],
        values=[counts[first : last + 1] for counts in figures.heat],
        peak_label=peak if most else gettext("No figures in this period"),
    )


def _stores(figures: Overview, links: Links) -> list[StoreRow]:
    """The highest rate first; stores without sales, which have none, last."""
    rows = sorted(figures.stores, key=lambda row: (row.refund_rate.value is None, -(row.refund_rate.value or 0)))
    highest = max((row.refund_rate.value or 0 for row in rows), default=0)
    average = figures.current.refund_rate.value
    return [
        StoreRow(
            name=row.name,
            url=replace(links, store=row.code).succeeded(),
            amount_fen=row.paid.amount_fen,
            count=whole(row.paid.count),
            rate_pct=_pct(row.refund_rate.value),
            n_sales=whole(row.sold.count),
            bar_pct=(row.refund_rate.value or 0) / highest * 100 if highest else 0,
            auto_pct=_pct(row.submitted.by_rule_share.value),
            median_label=duration(row.handling.median_s),
            tone=causes.tone(row, average) if len(rows) > 1 else "",
        )
        for row in rows
    ]


def _channels(figures: Overview, links: Links) -> list[ChannelRow]:
    ended = several((*PAID, State.FAILED))
    return [
        ChannelRow(
            channel=row.channel,
            label=channels.label(row.channel),
            url=links.submitted(channels=row.channel, states=ended),
            count=whole(row.submitted.success.whole),
            success_pct=_pct(row.submitted.success.value),
            median_label="" if row.arrival.median_s is None else seconds(row.arrival.median_s),
        )
        for row in figures.channels
    ]


def _cashiers(figures: Overview, links: Links) -> list[CashierRow]:
    several_stores = len({row.store_code for row in figures.cashiers}) > 1
    return [
        CashierRow(
            name=" · ".join([row.cashier or gettext("Unknown"), *([row.store_name] if several_stores else [])]),
            # Without a cashier's code there is no list to ask for.
            url=replace(links, store=row.store_code).succeeded(cashier=row.cashier) if row.cashier else "",
            count=whole(row.paid.count),
            amount_fen=row.paid.amount_fen,
            rate_pct=_pct(row.refund_rate.value),
            n_sales=whole(row.sold.count),
        )
        for row in figures.cashiers[:_TOP]
    ]


def _reviewers(figures: Overview) -> list[ReviewerRow]:
    return [
        ReviewerRow(
            name=row.name,
            decided=whole(row.decided),
            approved_pct=row.approved / row.decided * 100,
            median_label=duration(row.median_s),
            on_time_pct=row.in_time / row.decided * 100,
        )
        for row in figures.reviewers[:_TOP]
    ]


def _satisfaction(now: Answers, before: Answers) -> Satisfaction | None:
    if now.mean is None:
        return None
    moved = 0.0 if before.mean is None else round(now.mean - before.mean, 1)
    scores = now.scores
    counts = {
        gettext("5 points"): scores.get(5, 0),
        gettext("4 points"): scores.get(4, 0),
        gettext("3 points"): scores.get(3, 0),
        gettext("1-2 points"): scores.get(1, 0) + scores.get(2, 0),
    }
    low = sorted(now.low_by_reason.items(), key=lambda item: (-item[1], item[0]))[:3]
    lowest = sum(now.low_by_reason.values())
    reasons = listed(f"{Reason(reason).label} {percent(count / lowest, 0)}" for reason, count in low)
    return Satisfaction(
        score=f"{now.mean:.1f}",
        n=whole(now.n),
        answer_pct=_pct(now.answered.value),
        satisfied_pct=_pct(now.satisfied.value),
        delta=f"{abs(moved):.1f}" if moved else "",
        direction="up" if moved > 0 else "down",
        tone="good" if moved > 0 else "worse",
        bars=[
            Bar(label=label, value=count, figure=whole(count), share=percent(count / now.n, 0))
            for label, count in counts.items()
        ],
        note=gettext("Low scores are about: %(reasons)s") % {"reasons": reasons} if reasons else "",
    )


def _pct(value: float | None) -> float | None:
    return None if value is None else value * 100
