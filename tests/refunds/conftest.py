"""A live channel beside the database, and the invariants after every test that used it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from refunds import invariants
from refunds.models import RefundRequest
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
    ledger = wechat_process.control("GET", "/ledger")["rows"]
    assert list(invariants.paid_per_ledger(ledger)) == []


@pytest.fixture(autouse=True)
def _invariants_hold(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test did to refunds, nothing may be broken afterwards."""
    yield
    uses_database = request.node.get_closest_marker("django_db") is not None
    broken_on_purpose = request.node.get_closest_marker("breaks_invariants") is not None
    if uses_database and not broken_on_purpose and RefundRequest.objects.exists():
        assert invariants.check() == []
