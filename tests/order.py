"""The order in which workers beside one another take the tests."""

from __future__ import annotations

from collections.abc import Iterable

import pytest


def spread(items: Iterable[pytest.Item], *, workers: int) -> list[pytest.Item]:
    """By their paths, but the first worker begins with the browser's tests and the last one with the faults, which mostly wait.

    Each worker is given an equal part of the list and goes through it from its head; who has done his takes from the end of
    another's. By their paths alone the browser's came last: a run ended with three browsers at once, and then with one alone.
    """
    ordered = sorted(items, key=lambda item: item.path.parts)
    browser = [item for item in ordered if "browser" in getattr(item, "fixturenames", ())]
    faults = [item for item in ordered if item.get_closest_marker("faults")]
    long = {*browser, *faults}
    rest = [item for item in ordered if item not in long]
    before_last = max(0, len(ordered) - len(ordered) // workers - len(browser))
    return [*browser, *rest[:before_last], *faults, *rest[before_last:]]
