"""A shop and what its channels have on record."""

from __future__ import annotations

import pytest

from tests.reconciliation.world import World


@pytest.fixture
def world() -> World:
    return World()
