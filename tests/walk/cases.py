"""The table of the walk: a case for every act of every address, each with content that is taken and an effect that is seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

from tests.walk.stage import Stage

Walk = Callable[[Stage], None]

_CASES: dict[tuple[str, str], Walk] = {}


def case(method: str, route: str) -> Callable[[Walk], Walk]:
    """Enter a function into the table."""

    def enter(walk: Walk) -> Walk:
        assert (method, route) not in _CASES, f"{method} {route} stands in the table twice"
        _CASES[method, route] = walk
        return walk

    return enter


def every_case() -> Mapping[tuple[str, str], Walk]:
    """(method, address as the URLconf writes it) -> what is done there. Each module beside this one, ``*_cases``, has a part."""
    for path in sorted(Path(__file__).parent.glob("*_cases.py")):
        import_module(f"tests.walk.{path.stem}")
    return _CASES
