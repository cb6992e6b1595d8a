"""When things happen: weekdays down, hours across, darker for more."""

from collections.abc import Iterator, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from analytics.charts.geometry import Figures, short

_ROW, _GAP, _GUTTER = 30, 3, 18
_SHADES = 6


def heat_map(
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[int]],
    title: str,
    description: str,
    corner: str,
) -> SafeString:
    """``values[row][column]`` counts; raises ``ValueError`` when they do not match the labels.

    ``corner`` heads the table's first column.
    """
    if len(values) != len(rows) or any(len(line) != len(columns) for line in values):
        raise ValueError("values must have one line a row and one count a column")
    height = len(rows) * _ROW + _GUTTER
    names = format_html_join(
        "",
        '<text class="tick" x="0" y="{}">{}</text>',
        ((index * _ROW + _ROW / 2 + 3, name) for index, name in enumerate(rows)),
    )
    cells = format_html_join("", "{}", ((cell,) for cell in _cells(rows=rows, columns=columns, values=values)))
    hours = format_html_join("", "{}", ((label,) for label in _hours(columns=columns, y=height - 4)))
    figures = Figures(
        headers=[corner, *columns],
        rows=[[name, *(str(count) for count in line)] for name, line in zip(rows, values, strict=True)],
    )
    return format_html(
        '<div class="plot heat-plot"><svg class="chart axis" width="36" height="{}" aria-hidden="true" focusable="false">{}</svg>'
        '<svg class="chart heat" role="img" aria-label="{}" width="100%" height="{}"><title>{}</title><desc>{}</desc>{}{}</svg>'
        "</div>{}",
        height,
        names,
        f"{title}. {description}",
        height,
        title,
        description,
        cells,
        hours,
        figures.markup(caption=title),
    )


def _cells(*, rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[int]]) -> Iterator[SafeString]:
    largest = busiest([count for line in values for count in line])
    slot = 100 / max(len(columns), 1)
    for down, (name, line) in enumerate(zip(rows, values, strict=True)):
        for across, (hour, count) in enumerate(zip(columns, line, strict=True)):
            yield format_html(
                '<rect class="q{}" x="{}%" y="{}" width="{}%" height="{}" rx="3" data-tip="{}"></rect>',
                shade(count=count, largest=largest),
                short(across * slot),
                down * _ROW,
                short(slot * 0.88),
                _ROW - _GAP,
                f"{name} {hour}\n{count}",
            )


def busiest(counts: Sequence[int]) -> int:
    """The count that takes the darkest shade: of fifty cells with anything in them forty-nine have no more.

    A single hour that stands far out would otherwise leave all the others pale.
    """
    filled = sorted(count for count in counts if count > 0)
    return filled[-(-len(filled) * 49 // 50) - 1] if filled else 0


def shade(*, count: int, largest: int) -> int:
    """0 for none, then 1..6 by sixths of ``largest``; beyond it stays 6."""
    if count <= 0 or largest <= 0:
        return 0
    return min(_SHADES, -(-count * _SHADES // largest))


def _hours(*, columns: Sequence[str], y: int) -> Iterator[SafeString]:
    slot = 100 / max(len(columns), 1)
    every = max(1, -(-len(columns) // 12))
    for index, hour in enumerate(columns):
        if index % every == 0:
            yield format_html(
                '<text class="tick" x="{}%" y="{}" text-anchor="middle">{}</text>',
                short(index * slot + slot * 0.44),
                y,
                hour,
            )
