"""Bars over time with the period before as a dashed line; a figure's course in the size of a word."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from analytics.charts.geometry import Figures, nice_ceiling, percent, short, smooth_path

_SPARK_WIDTH, _SPARK_HEIGHT, _SPARK_MARGIN, _SPARK_TOP = 84.0, 26.0, 1.5, 3.0


def sparkline(*, values: Sequence[float], tone: str = "") -> SafeString:
    """Draw ``values`` from left to right; ``tone`` ``"flat"`` draws in grey. Fewer than two values draw nothing.

    The number beside it says what it means, so it is silent to screen readers.
    """
    if len(values) < 2:
        return SafeString("")
    low, high = min(values), max(values)
    step = (_SPARK_WIDTH - 2 * _SPARK_MARGIN) / (len(values) - 1)
    depth = _SPARK_HEIGHT - 2 * _SPARK_TOP
    points = [
        (
            _SPARK_MARGIN + index * step,
            _SPARK_HEIGHT / 2 if high == low else _SPARK_TOP + (high - value) / (high - low) * depth,
        )
        for index, value in enumerate(values)
    ]
    line = smooth_path(points)
    last_x, last_y = points[-1]
    return format_html(
        '<svg class="spark {}" viewBox="0 0 84 26" width="84" height="26" aria-hidden="true" focusable="false">'
        '<path class="spark-area" d="{}"></path><path class="spark-line" d="{}"></path>'
        '<circle class="spark-dot" cx="{}" cy="{}" r="2.2"></circle></svg>',
        tone,
        f"{line}L{short(last_x)} {short(_SPARK_HEIGHT)}L{short(points[0][0])} {short(_SPARK_HEIGHT)}Z",
        line,
        short(last_x),
        short(last_y),
    )


_PLOT, _HEIGHT, _TOP = 300, 330, 8
_INTERVALS = 4
_LABELS_WIDE, _LABELS_NARROW = 8, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPoint:
    """One bar: ``value`` of this period and ``previous`` of the one before, in the unit that the formatter knows.

    ``partial`` marks a day or hour that is not over yet.
    """

    label: str
    value: int
    previous: int | None = None
    url: str = ""
    partial: bool = False


def bar_trend(
    *,
    points: Sequence[TrendPoint],
    title: str,
    description: str,
    headers: tuple[str, str, str],
    format_value: Callable[[int], str],
    format_axis: Callable[[float], str],
) -> SafeString:
    """The chart and its table. ``headers`` name the columns: the moment, this period, the period before."""
    top = nice_ceiling(
        largest=max((max(point.value, point.previous or 0) for point in points), default=0), intervals=_INTERVALS
    )
    axis = format_html_join(
        "",
        '<text class="tick" x="44" y="{}" text-anchor="end">{}</text>',
        ((short(_y(value=level, top=top) + 4), format_axis(level)) for level in _levels(top)),
    )
    return format_html(
        '<div class="plot"><svg class="chart axis" width="52" height="{}" aria-hidden="true" focusable="false">{}</svg>'
        '<svg class="chart" role="img" aria-label="{}" width="100%" height="{}"><title>{}</title><desc>{}</desc>{}{}{}{}</svg>'
        "</div>{}",
        _HEIGHT,
        axis,
        f"{title}. {description}",
        _HEIGHT,
        title,
        description,
        _grid(top),
        format_html_join("", "{}", ((bar,) for bar in _bars(points=points, top=top))),
        _previous(points=points, top=top),
        format_html_join(
            "", "{}", ((part,) for part in _hits(points=points, headers=headers, format_value=format_value))
        ),
        Figures(
            headers=headers,
            rows=[
                (
                    point.label,
                    format_value(point.value),
                    "--" if point.previous is None else format_value(point.previous),
                )
                for point in points
            ],
            urls=[point.url for point in points],
        ).markup(caption=title),
    )


def _levels(top: float) -> list[float]:
    return [top / _INTERVALS * step for step in range(_INTERVALS + 1)] if top else [0.0]


def _y(*, value: float, top: float) -> float:
    return _TOP + (_PLOT - _TOP) * (1 - value / top) if top else float(_PLOT)


def _grid(top: float) -> SafeString:
    return format_html_join(
        "",
        '<line class="grid{}" x1="0" x2="100%" y1="{}" y2="{}"></line>',
        (
            ("" if level else " base", short(_y(value=level, top=top)), short(_y(value=level, top=top)))
            for level in _levels(top)
        ),
    )


def _bars(*, points: Sequence[TrendPoint], top: float) -> Iterator[SafeString]:
    slot = 100 / max(len(points), 1)
    width = slot * (0.62 if len(points) > 14 else 0.42)
    for index, point in enumerate(points):
        y = _y(value=point.value, top=top)
        yield format_html(
            '<rect class="bar{}" x="{}%" y="{}" width="{}%" height="{}" rx="2"></rect>',
            " partial" if point.partial else "",
            short(index * slot + (slot - width) / 2),
            short(y),
            short(width),
            short(_PLOT - y),
        )


def _previous(*, points: Sequence[TrendPoint], top: float) -> SafeString:
    slot = 1000 / max(len(points), 1)
    line = smooth_path(
        [
            ((index + 0.5) * slot, _y(value=point.previous, top=top))
            for index, point in enumerate(points)
            if point.previous is not None
        ]
    )
    if not line:
        return SafeString("")
    # A stretched inner picture lets a curve follow the percentages; the stroke keeps its width.
    return format_html(
        '<svg x="0" y="0" width="100%" height="{}" viewBox="0 0 1000 {}" preserveAspectRatio="none">'
        '<path class="prev" vector-effect="non-scaling-stroke" d="{}"></path></svg>',
        _PLOT,
        _PLOT,
        line,
    )


def _hits(
    *, points: Sequence[TrendPoint], headers: tuple[str, str, str], format_value: Callable[[int], str]
) -> Iterator[SafeString]:
    slot = percent(1, len(points))
    every = max(1, -(-len(points) // _LABELS_WIDE))
    every_narrow = max(1, -(-len(points) // _LABELS_NARROW))
    for index, point in enumerate(points):
        tip = [point.label, f"{headers[1]} {format_value(point.value)}"]
        if point.previous is not None:
            tip.append(f"{headers[2]} {format_value(point.previous)}")
        yield format_html(
            '<rect class="hit-area" x="{}%" y="0" width="{}%" height="{}" data-tip="{}" data-href="{}"></rect>',
            short(index * slot),
            short(slot),
            _PLOT,
            "\n".join(tip),
            point.url,
        )
        # Counted from the end, so that the newest moment always has its label.
        place = len(points) - 1 - index
        wide, narrow = place % every == 0, place % every_narrow == 0
        if wide or narrow:
            yield format_html(
                '<text class="tick{}" x="{}%" y="{}" text-anchor="middle">{}</text>',
                " wide-only" if not narrow else "" if wide else " narrow-only",
                short((index + 0.5) * slot),
                _HEIGHT - 14,
                point.label,
            )
