"""The table behind a chart: the same numbers as text, with their links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

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
