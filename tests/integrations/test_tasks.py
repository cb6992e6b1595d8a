"""What runs the feed and the webhooks in each worker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from core import periodic
from integrations import tasks
from integrations.models import FeedEvent
from refunds.payouts import loop
from tests.factories import make_merchant
from tests.integrations.rig import tell


@pytest.fixture
def stopping() -> Iterator[threading.Event]:
    yield loop.stopping
    loop.stopping.clear()


def test_thread_goes_on_after_a_fault_says_it_once_and_ends_with_the_worker(
    stopping: threading.Event, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tasks, "_LOOK_EVERY_S", 0.01)
    looked: list[int] = []

    def work() -> None:
        looked.append(1)
        if len(looked) >= 5:
            stopping.set()
        raise RuntimeError("away")

    tasks._again_and_again(work)
    assert len(looked) == 5
    assert caplog.text.count("tried again") == 1


@pytest.mark.django_db
def test_forget_old_is_called_for_by_beat() -> None:
    assert "integrations.forget_old" in {entry.task for entry in periodic.schedule()}
    tell(make_merchant(), created_at=timezone.now() - timedelta(days=91))
    periodic.WORK["integrations.forget_old"]()
    assert not FeedEvent.objects.exists()
