"""A statement's rows as figures, looked up by what the statement has grouped by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from analytics import statements
from analytics.figures import Spread
from analytics.periods import Period
from analytics.scope import Selection
from analytics.statements import Statement

Figure = TypeVar("Figure")
#: (True for this period or False for the one before, then the value of each name)
Key = tuple[Any, ...]


class Cuts(Generic[Figure]):
    """All groupings of one statement. ``figure`` makes one out of a row's counts, and the empty one out of none."""

    def __init__(self, statement: Statement, figure: Callable[..., Figure], scope: Selection, period: Period) -> None:
        self._figure = figure
        self._names = statement.names
        self._found: dict[tuple[str, ...], dict[Key, Figure]] = defaultdict(dict)
        width = len(self._names)
        for level, current, *row in statements.run(statement, scope=scope, period=period):
            # GROUPING() has a bit for each name, the first one leftmost: 1 where the row is a sum over it.
            kept = [place for place in range(width) if not level >> (width - 1 - place) & 1]
            names = tuple(self._names[place] for place in kept)
            self._found[names][current, *(row[place] for place in kept)] = figure(*row[width:])

    def by(self, *names: str) -> dict[Key, Figure]:
        """One grouping; ``names`` in any order, keys in that of the statement."""
        return self._found.get(tuple(name for name in self._names if name in names), {})

    def at(self, *, current: bool = True, **place: Any) -> Figure:
        """One figure: ``at(store_id=7)``; the empty one where nothing happened."""
        key = (current, *(place[name] for name in self._names if name in place))
        return self.by(*place).get(key) or self._figure()


def spread(n: int = 0, percentiles: list[float] | None = None, mean: float | None = None) -> Spread:
    """Durations out of count, [median, 90th percentile] and mean."""
    median, p90 = percentiles or (None, None)
    return Spread(n, median, p90, mean)


def spreads(
    n: int = 0,
    arrival: list[float] | None = None,
    arrival_mean: float | None = None,
    cycle: list[float] | None = None,
    cycle_mean: float | None = None,
) -> tuple[Spread, Spread]:
    """Two durations of the same refunds: from approval, and from submission, to the money."""
    return spread(n, arrival, arrival_mean), spread(n, cycle, cycle_mean)
