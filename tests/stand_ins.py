"""A live channel for tests of any room. A plugin of `tests/conftest.py`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators.kit.testing import RunningSimulator, running_simulator


@pytest.fixture(scope="session")
def wechat_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    path: Path = tmp_path_factory.mktemp("wechat")
    with running_simulator("wechat", path, settle_ms=20, notify_scale=0.01) as simulator:
        yield simulator


@pytest.fixture
def wechat(wechat_process: RunningSimulator) -> Iterator[RunningSimulator]:
    """The WeChat Pay simulator, emptied. At the end its ledger must agree with what we believe."""
    wechat_process.control("POST", "/reset", {})
    yield wechat_process
    from invariants import against_channels  # noqa: PLC0415 -- only once pytest-django has set Django up

    ledger = wechat_process.control("GET", "/ledger")["rows"]
    assert list(against_channels.paid_per_ledger(ledger)) == []
