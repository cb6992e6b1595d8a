"""Charts as inline SVG, drawn on the server from plain data.

The content security policy forbids inline styles, so looks come from CSS classes and sizes from SVG attributes: percentages
across, pixels down, so a chart fills its card at any width and its text keeps its size. Every chart carries a title and a
description, and its figures stand beside it as a table.
"""

from analytics.charts.bars import Bar, FunnelStep, Part, funnel, horizontal_bars, share_bar, stacked_bar
from analytics.charts.geometry import Figures
from analytics.charts.heatmap import heat_map
from analytics.charts.trend import TrendPoint, bar_trend, sparkline

__all__ = [
    "Bar",
    "Figures",
    "FunnelStep",
    "Part",
    "TrendPoint",
    "bar_trend",
    "funnel",
    "heat_map",
    "horizontal_bars",
    "share_bar",
    "sparkline",
    "stacked_bar",
]
