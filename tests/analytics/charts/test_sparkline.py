"""The course of a figure in the size of a word."""

from __future__ import annotations

from analytics import charts


def test_sparkline_needs_two_values_and_survives_a_flat_line() -> None:
    assert charts.sparkline(values=[7]) == ""
    assert 'cy="13"' in charts.sparkline(values=[7, 7, 7])
