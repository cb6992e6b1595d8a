"""Bars in a row, one bar cut into parts, and the steps of a funnel."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from analytics.charts.geometry import Figures, percent, short


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelStep:
    """``tone`` is a class of the bar: ``c2``, ``ok``, ``bad``, ``warn`` or nothing."""

    label: str
    count: int
    tone: str = ""
    url: str = ""


def funnel(*, steps: Sequence[FunnelStep], title: str, headers: tuple[str, str, str]) -> SafeString:
    """The steps as bars, and their table. ``headers``: step, count, share of the first step."""
    whole = steps[0].count if steps else 0
    shares = ["--" if not whole else f"{step.count / whole:.1%}" for step in steps]
    items = format_html_join(
        "",
        "<li>{}</li>",
        ((_step(step=step, share=share, whole=whole),) for step, share in zip(steps, shares, strict=True)),
    )
    figures = Figures(
        headers=headers,
        rows=[(step.label, f"{step.count:,}", share) for step, share in zip(steps, shares, strict=True)],
        urls=[step.url for step in steps],
    )
    return format_html('<ol class="funnel" aria-label="{}">{}</ol>{}', title, items, figures.markup(caption=title))


def _step(*, step: FunnelStep, share: str, whole: int) -> SafeString:
    inner = format_html(
        '<span>{}</span><svg class="hbar {}" width="100%" height="20" aria-hidden="true" focusable="false">'
        '<rect class="fill" width="{}%" height="100%" rx="3"></rect></svg>'
        '<span class="v">{}<small>{}</small></span>',
        step.label,
        step.tone,
        short(percent(step.count, whole)),
        f"{step.count:,}",
        share,
    )
    if step.url:
        return format_html('<a class="step" href="{}">{}</a>', step.url, inner)
    return format_html('<span class="step">{}</span>', inner)


#: A white seam between neighbours, in percent of the bar.
_SEAM = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """``figure`` is the value in words; ``tone`` is ``p0`` to ``p3``."""

    label: str
    value: int
    figure: str
    tone: str


def stacked_bar(*, parts: Sequence[Part]) -> SafeString:
    """The bar and its legend, which names every part with its figure; parts of nothing are left out."""
    shown = [part for part in parts if part.value > 0]
    whole = sum(part.value for part in shown)
    start = 0.0
    pieces = []
    for part in shown:
        width = percent(part.value, whole)
        seam = _SEAM if part is not shown[-1] and width > _SEAM else 0
        pieces.append((part.tone, short(start), short(width - seam)))
        start += width
    return format_html(
        '<svg class="stacked" width="100%" height="8" aria-hidden="true" focusable="false">{}</svg>'
        '<div class="legend">{}</div>',
        format_html_join("", '<rect class="{}" x="{}%" width="{}%" height="100%"></rect>', pieces),
        format_html_join(
            "",
            '<span><i class="{}"></i>{} <span class="num">{}</span></span>',
            ((part.tone, part.label, part.figure) for part in shown),
        ),
    )


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
