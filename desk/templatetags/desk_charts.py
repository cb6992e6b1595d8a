"""The charts as template tags: words and number formats are added here, drawing is in ``analytics.charts``."""

from collections.abc import Sequence

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from analytics import charts
from core.money import yuan_grouped

register = template.Library()


@register.simple_tag
def spark(values: Sequence[float], tone: str = "") -> SafeString:
    """A sparkline; ``tone`` ``"flat"`` is grey."""
    return charts.sparkline(values=values, tone=tone)


@register.simple_tag
def share_bar(share_pct: float, tone: str = "") -> SafeString:
    """A bare bar filled to a share."""
    return charts.share_bar(share_pct=share_pct, tone=tone)


@register.simple_tag
def money_trend(points: Sequence[charts.TrendPoint], title: str, description: str) -> SafeString:
    """Refunded money over time; values in fen, the axis in whole yuan."""
    return charts.bar_trend(
        points=points,
        title=title,
        description=description,
        headers=(_("Date"), _("This period"), _("Previous period")),
        format_value=lambda fen: f"¥{yuan_grouped(fen)}",
        format_axis=lambda fen: f"{fen / 100:,.0f}",
    )


@register.simple_tag
def ranking(bars: Sequence[charts.Bar], title: str, extra: str = "") -> SafeString:
    """Horizontal bars; ``extra`` heads the column that only the table has."""
    headers = [_("Item"), _("Number"), _("Share")]
    return charts.horizontal_bars(bars=bars, title=title, headers=[*headers, extra] if extra else headers)


@register.simple_tag
def funnel(steps: Sequence[charts.FunnelStep], title: str) -> SafeString:
    """What became of the requests."""
    return charts.funnel(steps=steps, title=title, headers=(_("Step"), _("Number"), _("Share")))


@register.simple_tag
def heat_map(
    rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[int]], title: str, description: str
) -> SafeString:
    """Requests by weekday and hour."""
    return charts.heat_map(
        rows=rows, columns=columns, values=values, title=title, description=description, corner=_("Weekday")
    )


@register.simple_tag
def sale_bar(refunded_fen: int, this_fen: int, left_fen: int) -> SafeString:
    """How a sale's money stands: refunded before, this refund, what remains refundable."""
    return charts.stacked_bar(
        parts=[
            charts.Part(
                label=_("Refunded before"), value=refunded_fen, figure=f"¥{yuan_grouped(refunded_fen)}", tone="p0"
            ),
            charts.Part(label=_("This refund"), value=this_fen, figure=f"¥{yuan_grouped(this_fen)}", tone="p1"),
            charts.Part(label=_("Refundable after"), value=left_fen, figure=f"¥{yuan_grouped(left_fen)}", tone="p2"),
        ]
    )
