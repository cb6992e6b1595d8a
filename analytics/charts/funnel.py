"""What became of the requests: each step against the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from analytics.charts.figures import Figures
from analytics.charts.geometry import percent, short


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
