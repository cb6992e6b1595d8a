"""Where workers begin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.order import spread


@dataclass(eq=False, slots=True)
class _Item:
    path: Path
    fixturenames: tuple[str, ...] = ()
    is_fault: bool = False

    def get_closest_marker(self, mark: str) -> bool:
        return self.is_fault and mark == "faults"


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_browser_comes_first_faults_begin_the_last_workers_part_and_nothing_is_lost(workers: int) -> None:
    plain = [_Item(Path(f"tests/{number:02}.py")) for number in range(24)]
    browser = [_Item(Path(f"tests/journeys/{number}.py"), ("page", "browser")) for number in range(3)]
    faults = [_Item(Path(f"tests/faults/{number}.py"), is_fault=True) for number in range(3)]
    items: list[Any] = [*plain[12:], *faults, *plain[:12], *browser]

    ordered: list[Any] = spread(items, workers=workers)

    assert sorted(items, key=id) == sorted(ordered, key=id)
    assert ordered[:3] == browser
    begin = max(3, len(items) - len(items) // workers)
    assert ordered[begin : begin + 3] == faults
    assert [item for item in ordered if item in plain] == plain
