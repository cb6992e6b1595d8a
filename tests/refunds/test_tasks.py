"""What wakes the workers."""

from __future__ import annotations

import pytest

from refunds import tasks
from refunds.follow_up import survey
from refunds.payouts import loop, notices
from refunds.telling import outbox


@pytest.mark.django_db
def test_sweep_goes_on_to_the_next_stage_when_one_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    stages: list[str] = []

    def gone(at: object) -> None:
        raise OSError("no disk")

    monkeypatch.setattr(notices, "apply_waiting", gone)
    monkeypatch.setattr(loop, "drain", lambda: stages.append("drain"))
    monkeypatch.setattr(outbox, "work", lambda at: stages.append("notification"))
    monkeypatch.setattr(survey, "work", lambda at: stages.append("follow_up"))
    tasks.sweep()
    assert stages == ["drain", "notification", "follow_up"]
