"""One bar cut into parts: how a sale's money stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from analytics.charts.geometry import percent, short

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
