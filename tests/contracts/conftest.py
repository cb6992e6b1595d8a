"""One rig a channel for the whole session: keys and processes are dear, sales are cheap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.contracts.rigs import Rig, running_rig


@pytest.fixture(scope="session")
def rigs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Rig]]:
    """Start a rig when it is first asked for."""
    started: dict[str, Rig] = {}
    with ExitStack() as stack:

        def rig_of(name: str) -> Rig:
            if name not in started:
                started[name] = stack.enter_context(running_rig(name, tmp_path_factory.mktemp(name)))
            rig = started[name]
            rig.simulator.control("DELETE", "/faults")
            rig.received.clear()
            return rig

        yield rig_of
