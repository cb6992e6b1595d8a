"""The table of the walk: a case for every act of every address, each with content that is taken and an effect that is seen."""

from __future__ import annotations

from collections.abc import Callable

from tests.walk.stage import Stage

Walk = Callable[[Stage], None]

#: (method, address as the URLconf writes it) -> what is done there.
CASES: dict[tuple[str, str], Walk] = {}


def case(method: str, route: str) -> Callable[[Walk], Walk]:
    """Enter a function into the table."""

    def enter(walk: Walk) -> Walk:
        assert (method, route) not in CASES, f"{method} {route} stands in the table twice"
        CASES[method, route] = walk
        return walk

    return enter
