"""A trial is begun, worked off, cancelled, and survives whoever dies over it; its results say what would have been."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from analytics.models import Trial, TrialChange, TrialState
from analytics.trials import running
from analytics.trials.running import TrialEnded, TrialRunning
from analytics.trials.tally import MODES
from core.audit.models import AuditEvent
from core.errors import Forbidden, Invalid, NotFound
from merchants.models import Role, Staff
from merchants.principals import of_staff
from refunds.models import Judgement, RefundRequest
from tests.analytics.trials.conftest import Past
from tests.factories import make_merchant, make_staff
from tests.owner import as_owner

pytestmark = pytest.mark.django_db


def results_of(trial: Trial) -> dict[str, Any]:
    trial.refresh_from_db()
    assert trial.results is not None
    return dict(trial.results)


def _start(past: Past) -> Trial:
    return running.start(draft_id=past.draft.pk, by=past.by, at=timezone.now(), **past.period)


def test_work_when_draft_decides_otherwise_says_which_requests_by_which_line_and_what_became_of_them(
    past: Past,
) -> None:
    trial = _start(past)

    assert running.work() == 1

    trial.refresh_from_db()
    assert (trial.state, trial.total, trial.done) == (TrialState.DONE, 4, 4)
    plain, fed = (results_of(trial)[mode] for mode in MODES)
    assert (plain["requests"], plain["changed"], plain["fen"]) == (4, 2, 62_000)
    assert {cell: line["requests"] for cell, line in plain["matrix"].items()} == {
        "approve > approve": 1,
        "review > approve": 2,
        "review > review": 1,
    }
    assert plain["minutes"] == round(2 * running.USUAL_MINUTES)
    assert plain["rules"] == {"auto_approve_limit": 2}
    assert [row["name"] for row in plain["cuts"]["store"]] == ["S001"]
    # The draft lets a cashier have one a day: with it the first took the room of the second.
    assert (fed["changed"], fed["minutes"]) == (1, round(running.USUAL_MINUTES))
    changes = dict(TrialChange.objects.filter(trial=trial).values_list("request_id", "fed"))
    assert changes == {past.waiting.pk: "approve", past.later.pk: "review"}
    (became,) = results_of(trial)["became"]["plain"].values()
    assert (became["requests"], became["rejected"], became["scores"]) == (2, 0, 0)
    (example,) = running.examples(trial, mode="fed", cell="review > approve", by="auto_approve_limit")
    assert (example.request.number, example.was, example.now) == (past.waiting.number, "review", "approve")
    assert AuditEvent.objects.filter(action="policy.trial", merchant_id=past.merchant.pk).count() == 1


def test_work_when_facts_were_not_kept_counts_the_request_and_makes_nothing_up(past: Past) -> None:
    with as_owner(silent=True) as cursor:
        cursor.execute("DELETE FROM refunds_judgement WHERE request_id = %s", [past.waiting.pk])
    assert Judgement.objects.count() == 3
    trial = _start(past)
    running.work()
    results = results_of(trial)
    assert (results["not_judgeable"], results["plain"]["requests"]) == (1, 3)


def test_work_when_a_worker_was_killed_begins_anew_once_the_lease_is_over(past: Past) -> None:
    trial = _start(past)
    lost = running._claim()
    assert lost is not None
    assert running.work() == 0  # the lease still holds
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        assert running.work() == 1
    trial.refresh_from_db()
    assert (trial.state, trial.attempt) == (TrialState.DONE, 2)
    # The first one comes back from wherever it was: what it knows is nobody's any more.
    with pytest.raises(running._Stopped):
        running._run(lost)
    assert TrialChange.objects.filter(trial=trial).count() == 2


def test_cancel_when_running_leaves_no_results(past: Past) -> None:
    trial = _start(past)
    held = running._claim()
    assert held is not None
    running.cancel(trial_id=trial.pk, by=past.by, at=timezone.now())
    with pytest.raises(running._Stopped):
        running._run(held)
    trial.refresh_from_db()
    assert (trial.state, trial.results) == (TrialState.CANCELLED, None)
    assert not TrialChange.objects.exists()
    with pytest.raises(TrialEnded):
        running.cancel(trial_id=trial.pk, by=past.by, at=timezone.now())


def test_start_when_another_has_not_ended_or_the_period_is_none_is_refused(past: Past) -> None:
    now = timezone.now()
    for since, until in ((now, now), (now - timedelta(days=400), now)):
        with pytest.raises(Invalid):
            running.start(draft_id=past.draft.pk, since=since, until=until, by=past.by, at=now)
    assert not Trial.objects.exists()
    _start(past)
    with pytest.raises(TrialRunning):
        _start(past)
    assert Trial.objects.count() == 1


def test_start_when_it_is_anothers_draft_or_a_cashier_asks_is_refused(past: Past) -> None:
    stranger = of_staff(Staff.objects.get(merchant=make_merchant()))
    cashier = of_staff(make_staff(past.merchant, Role.CASHIER))
    for by, refusal in ((stranger, NotFound), (cashier, Forbidden)):
        with pytest.raises(refusal):
            running.start(draft_id=past.draft.pk, by=by, at=timezone.now(), **past.period)
    trial = _start(past)
    for by, refusal in ((stranger, NotFound), (cashier, Forbidden)):
        with pytest.raises(refusal):
            running.cancel(trial_id=trial.pk, by=by, at=timezone.now())
    assert Trial.objects.get().state == TrialState.WAITING


def test_left_s_when_half_is_done_is_as_long_as_it_took(past: Past) -> None:
    now = timezone.now()
    trial = Trial(running_since=now - timedelta(seconds=8), total=100, done=50)
    assert running.left_s(trial, at=now) == pytest.approx(8)
    assert running.left_s(Trial(total=100), at=now) is None


def test_minutes_each_when_reviews_were_measured_is_their_average(past: Past) -> None:
    RefundRequest.objects.filter(pk=past.waiting.pk).update(
        claimed_at=timezone.now() - timedelta(minutes=6), decided_at=timezone.now()
    )
    assert running.minutes_each(_start(past)) == pytest.approx(6, abs=0.1)
