"""What is called for every twenty seconds: rides in the worker, trials in a process of their own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from analytics import tasks
from analytics.models import ShadowVerdict, Trial, TrialState
from analytics.trials import running, shadow
from refunds.worker import child
from tests.analytics.trials.conftest import Past, past
from tests.analytics.trials.test_running import results_of
from tests.factories import make_request, make_sale
from tests.invariants.conftest import child_reads_this_database

pytestmark = pytest.mark.django_db

__all__ = ["child_reads_this_database", "past"]


def test_task_when_nothing_waits_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "run", lambda *_args, **_more: pytest.fail("nothing waits"))
    tasks.policy_trials.run()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("child_reads_this_database")
def test_task_when_a_trial_waits_ends_it_in_a_process_of_its_own(past: Past) -> None:
    trial = running.start(draft_id=past.draft.pk, by=past.by, at=timezone.now(), **past.period)

    tasks.policy_trials.run()

    trial.refresh_from_db()
    assert (trial.state, trial.done) == (TrialState.DONE, 4)
    assert results_of(trial)["plain"]["changed"] == 2
    assert Trial.objects.count() == 1


def test_task_when_a_draft_rides_along_judges_what_came(past: Past) -> None:
    shadow.start(draft_id=past.draft.pk, days=1, by=past.by, at=timezone.now() - timedelta(minutes=2))
    make_request(make_sale(past.merchant), 500, at=timezone.now() - timedelta(minutes=1))
    tasks.policy_trials.run()
    assert ShadowVerdict.objects.count() == 1
