"""Horizontal bars: a ranking, longest first, each with its figures in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from analytics.charts.figures import Figures
from analytics.charts.geometry import percent, short


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """``value`` gives the length, ``figure`` (bold), ``share`` and ``moved`` (against before) are shown at the right.

    ``extra`` is only in the table.
    """

    label: str
    value: float
    figure: str
    share: str = ""
    moved: str = ""
    extra: str = ""
    url: str = ""
    tone: str = ""


def share_bar(*, share_pct: float, tone: str = "") -> SafeString:
    """One bare bar filled to ``share_pct``; the number stands beside it, so it is silent to screen readers."""
    return format_html(
        '<svg class="hbar {}" width="100%" height="6" aria-hidden="true" focusable="false">'
        '<rect class="track" width="100%" height="100%" rx="3"></rect>'
        '<rect class="fill" width="{}%" height="100%" rx="3"></rect></svg>',
        tone,
        short(percent(share_pct, 100)),
    )


def horizontal_bars(*, bars: Sequence[Bar], title: str, headers: Sequence[str]) -> SafeString:
    """The list of bars, scaled to the longest, and its table. ``headers``: label, figure, share and, if any, extra."""
    longest = max((bar.value for bar in bars), default=0.0)
    items = format_html_join(
        "",
        "<li>{}{}</li>",
        ((_label(bar), share_bar(share_pct=percent(bar.value, longest), tone=bar.tone)) for bar in bars),
    )
    figures = Figures(
        headers=headers,
        rows=[(bar.label, bar.figure, bar.share, bar.extra)[: len(headers)] for bar in bars],
        urls=[bar.url for bar in bars],
    )
    return format_html('<ul class="bars" aria-label="{}">{}</ul>{}', title, items, figures.markup(caption=title))


def _label(bar: Bar) -> SafeString:
    inner = format_html(
        '<span class="trunc">{}</span><span class="v"><b>{}</b> {} {}</span>',
        bar.label,
        bar.figure,
        bar.share,
        format_html("<small>{}</small>", bar.moved) if bar.moved else "",
    )
    if bar.url:
        return format_html('<a class="lab" href="{}">{}</a>', bar.url, inner)
    return format_html('<span class="lab">{}</span>', inner)
