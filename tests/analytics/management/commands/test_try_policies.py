"""``manage.py try_policies`` works off what waits and says how much that was."""

from __future__ import annotations

import io
import os

import pytest
from django.core.management import call_command
from django.utils import timezone

from analytics.models import Trial
from analytics.trials import running
from tests.analytics.trials.conftest import Past, past

pytestmark = pytest.mark.django_db

__all__ = ["past"]


def test_command_when_a_trial_waits_ends_it(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "nice", lambda _: 0)
    running.start(draft_id=past.draft.pk, by=past.by, at=timezone.now(), **past.period)
    out = io.StringIO()
    call_command("try_policies", stdout=out)
    assert (out.getvalue(), Trial.objects.get().state) == ("1 trials ended\n", "done")
