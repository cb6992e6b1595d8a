"""Numbers behind the drawings: scales, curves, short decimals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """``headers`` name the columns; a row has as many cells. ``urls`` (one a row, "" for none) link a row's first cell."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    urls: Sequence[str] = field(default_factory=tuple)

    def markup(self, *, caption: str) -> SafeString:
        """A folded ``<details>`` with the table; ``caption`` is read out, not shown."""
        urls = list(self.urls) or [""] * len(self.rows)
        first, *rest = self.headers
        head = format_html_join("", '<th scope="col" class="right">{}</th>', ((header,) for header in rest))
        body = format_html_join(
            "", "<tr>{}</tr>", ((_row(cells=cells, url=url),) for cells, url in zip(self.rows, urls, strict=True))
        )
        return format_html(
            '<details class="figures"><summary>{}{}</summary>'
            '<div class="tablewrap" tabindex="0" role="group" aria-label="{}">'
            '<table><caption class="sr">{}</caption><thead><tr><th scope="col">{}</th>{}</tr></thead>'
            "<tbody>{}</tbody></table></div></details>",
            _CHEVRON,
            _("Figures"),
            caption,
            caption,
            first,
            head,
            body,
        )


_CHEVRON = format_html(
    '<svg class="i" width="12" height="12" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"'
    ' stroke-linecap="round" aria-hidden="true" focusable="false"><path d="m9 18 6-6-6-6"></path></svg>{}',
    "",
)


def _row(*, cells: Sequence[str], url: str) -> SafeString:
    name = format_html('<a href="{}">{}</a>', url, cells[0]) if url else cells[0]
    rest = format_html_join("", '<td class="right num">{}</td>', ((cell,) for cell in cells[1:]))
    return format_html('<th scope="row">{}</th>{}', name, rest)


Point = tuple[float, float]

#: Steps a reader can count in: 1, 2, 2.5 and 5 times a power of ten.
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def short(number: float) -> str:
    """At most two decimals and no trailing zeros: ``12.50`` -> ``12.5``."""
    return f"{number:.2f}".rstrip("0").rstrip(".") or "0"


def percent(part: float, whole: float) -> float:
    """``part`` of ``whole`` in percent, kept within 0..100; nothing of nothing is 0."""
    if whole <= 0:
        return 0.0
    return max(0.0, min(100.0, part / whole * 100))


def nice_ceiling(*, largest: float, intervals: int) -> float:
    """The top of an axis that holds ``largest`` and divides into ``intervals`` round steps; 0 when there is nothing."""
    if largest <= 0:
        return 0.0
    raw = largest / intervals
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in _STEPS if factor * power >= raw * (1 - 1e-9))
    return step * intervals


def smooth_path(points: Sequence[Point]) -> str:
    """An SVG path through ``points`` (rising in x) that never swings beyond them: a monotone cubic (Fritsch-Carlson)."""
    if not points:
        return ""
    start = f"M{short(points[0][0])} {short(points[0][1])}"
    if len(points) == 1:
        return start
    tangents = _tangents(points)
    curves = []
    for (x0, y0), (x1, y1), m0, m1 in zip(points, points[1:], tangents, tangents[1:], strict=False):
        third = (x1 - x0) / 3
        curves.append(
            f"C{short(x0 + third)} {short(y0 + m0 * third)} {short(x1 - third)} {short(y1 - m1 * third)} "
            f"{short(x1)} {short(y1)}"
        )
    return start + "".join(curves)


def _tangents(points: Sequence[Point]) -> list[float]:
    slopes = [(y1 - y0) / (x1 - x0) for (x0, y0), (x1, y1) in pairwise(points)]
    tangents = [slopes[0]]
    for before, after in pairwise(slopes):
        # At a turning point the curve lies flat; elsewhere the harmonic mean keeps it between its neighbours.
        tangents.append(0.0 if before * after <= 0 else 2 * before * after / (before + after))
    return [*tangents, slopes[-1]]
