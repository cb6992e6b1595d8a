"""What the database itself refuses of trials and rides."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from analytics.models import Shadow, Trial
from tests.analytics.trials.conftest import Past, past

pytestmark = pytest.mark.django_db

__all__ = ["past"]


def _refused(model: type[Trial | Shadow], past: Past, **values: Any) -> None:
    common = {
        "merchant": past.merchant,
        "draft": past.draft,
        "revision": 1,
        "rules": {},
        "started_by_id": past.by.staff_id,
    }
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.create(**common, started_at=timezone.now(), **values)
    assert not model.objects.exists()


def test_trial_when_it_has_no_period_or_results_too_early_is_refused(past: Past) -> None:
    now = timezone.now()
    _refused(Trial, past, since=now, until=now)
    _refused(Trial, past, since=now - timedelta(days=1), until=now, results={})
    _refused(Trial, past, since=now - timedelta(days=1), until=now, state="done")


def test_shadow_when_it_ends_before_it_begins_is_refused(past: Past) -> None:
    now = timezone.now()
    _refused(Shadow, past, seen_at=now, ends_at=now - timedelta(days=1))
