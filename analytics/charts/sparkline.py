"""A KPI's course in the size of a word. The number beside it says what it means, so it is silent to screen readers."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString

from analytics.charts.geometry import short, smooth_path

_WIDTH, _HEIGHT, _MARGIN, _TOP = 84.0, 26.0, 1.5, 3.0


def sparkline(*, values: Sequence[float], tone: str = "") -> SafeString:
    """Draw ``values`` from left to right. ``tone`` ``"flat"`` draws in grey. Fewer than two values draw nothing."""
    if len(values) < 2:
        return SafeString("")
    low, high = min(values), max(values)
    step = (_WIDTH - 2 * _MARGIN) / (len(values) - 1)
    depth = _HEIGHT - 2 * _TOP
    points = [
        (_MARGIN + index * step, _HEIGHT / 2 if high == low else _TOP + (high - value) / (high - low) * depth)
        for index, value in enumerate(values)
    ]
    line = smooth_path(points)
    last_x, last_y = points[-1]
    return format_html(
        '<svg class="spark {}" viewBox="0 0 84 26" width="84" height="26" aria-hidden="true" focusable="false">'
        '<path class="spark-area" d="{}"></path><path class="spark-line" d="{}"></path>'
        '<circle class="spark-dot" cx="{}" cy="{}" r="2.2"></circle></svg>',
        tone,
        f"{line}L{short(last_x)} {short(_HEIGHT)}L{short(points[0][0])} {short(_HEIGHT)}Z",
        line,
        short(last_x),
        short(last_y),
    )
