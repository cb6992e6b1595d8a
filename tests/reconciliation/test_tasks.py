"""Fetching statements is called for by its name."""

from __future__ import annotations

import pytest

from core.periodic import WORK
from reconciliation import downloading, tasks


def test_reconcile_when_it_is_called_for_fetches_what_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    worked: list[object] = []
    monkeypatch.setattr(downloading, "work", lambda *, at: worked.append(at))
    WORK[tasks.reconcile.name]()
    assert len(worked) == 1
    assert tasks.reconcile.name == "refunds.reconcile"
