"""An audit trail with its heads outside the database."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from core.audit import verifying
from tests.factories import seal_events, write_events


@pytest.fixture
def file() -> Path:
    """The file of a trail that has grown three times."""
    for count in (2, 1, 3):
        write_events(count)
        write_events(1, merchant_id=2)
        seal_events()
    assert verifying.verify().breaches == []
    (found,) = Path(settings.AUDIT_HEADS_DIR).glob("heads-*.jsonl")
    return found
