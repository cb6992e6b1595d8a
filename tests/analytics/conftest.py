"""Figures are tested on rows that were written past the lifecycle: in any state, without the history that led there."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _invariants_hold() -> None:
    """Rows without audit events and payouts break invariants on purpose."""
