"""Trials of a draft on a period of the past: begun, worked off by one worker at a time, cancelled, stored.

A trial is work like any other: a worker claims it with a lease, says every second how far it is, and stores everything at its end
in one commit. A worker that was killed leaves nothing but a lease that runs out; the next one begins anew.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Avg, Count, DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet
from django.utils import timezone

from analytics.models import Trial, TrialChange, TrialState
from analytics.trials import past
from analytics.trials.past import Origin
from analytics.trials.replay import Past, Tried, replayed
from analytics.trials.tally import MODES, Tally, changed_by
from core import doorbell
from core.audit.record import record
from core.errors import Conflict, Invalid, existing
from merchants.models import Merchant, PolicyDraft
from merchants.policies import drafting
from merchants.policies.rules import read_rules
from merchants.principals import Principal
from merchants.rights import Act, check_may
from refunds.models import Execution, RefundRequest
from refunds.states import PAID, State

TASK = "refunds.policy_trials"
#: The longest period of one trial.
MOST_DAYS = 366
_LEASE = timedelta(seconds=30)
_SAY_EVERY_S = 1.0
_AT_ONCE = 2_000
#: A review takes this long where nobody has measured one, and never counts for more or less than these.
USUAL_MINUTES, _LEAST_MINUTES, _MOST_MINUTES = 3.0, 0.5, 30.0
#: From this score down a customer complains.
LOW_SCORE = 2

_UNFINISHED = (TrialState.WAITING, TrialState.RUNNING)


class TrialRunning(Conflict, code="trial_running"):
    """This merchant's trial has not ended yet: one at a time."""


class TrialEnded(Conflict, code="trial_ended"):
    """It is over; there is nothing to cancel."""


@transaction.atomic
def start(*, draft_id: int, since: datetime, until: datetime, by: Principal, at: datetime) -> Trial:
    """Try the draft as it is now on what came from ``since`` to before ``until``. Raises ``NotFound``, ``Forbidden``, ``Invalid``
    or ``TrialRunning``.
    """
    draft = drafting.draft_of(draft_id=draft_id, by=by)
    assert by.staff_id is not None  # the table lets nobody but staff come here
    until = min(until, at)
    if not since < until <= since + timedelta(days=MOST_DAYS):
        raise Invalid("the period is empty or too long", code="trial_period")
    Merchant.objects.select_for_update().get(pk=draft.merchant_id)
    if Trial.objects.filter(merchant_id=draft.merchant_id, state__in=_UNFINISHED).exists():
        raise TrialRunning("another trial of this merchant has not ended yet")
    trial = Trial.objects.create(
        merchant_id=draft.merchant_id,
        draft=draft,
        revision=draft.revision,
        rules=draft.rules,
        since=since,
        until=until,
        started_by_id=by.staff_id,
        started_at=at,
    )
    _record(trial, "policy.trial", by, at)
    transaction.on_commit(lambda: doorbell.ring([TASK]))
    return trial


@transaction.atomic
def cancel(*, trial_id: int, by: Principal, at: datetime) -> Trial:
    """Nobody wants its results any more. Raises ``NotFound``, ``Forbidden`` or ``TrialEnded``."""
    trial = _found(Trial.objects.select_for_update(of=("self",)), trial_id, by)
    if trial.state not in _UNFINISHED:
        raise TrialEnded("the trial has ended")
    Trial.objects.filter(pk=trial.pk).update(
        is_unwanted=True, state=TrialState.CANCELLED, lease_until=None, ended_at=at
    )
    trial.refresh_from_db()
    _record(trial, "policy.trial_cancel", by, at)
    return trial


def trial_of(*, trial_id: int, by: Principal) -> Trial:
    """A trial of their merchant's. Raises ``NotFound`` or ``Forbidden``."""
    return _found(Trial.objects.all(), trial_id, by)


def trials_of(draft: PolicyDraft) -> QuerySet[Trial]:
    """Those of a draft, the last one first."""
    return Trial.objects.filter(draft=draft).select_related("started_by").order_by("-pk")


def _found(rows: QuerySet[Trial], trial_id: int, by: Principal) -> Trial:
    check_may(Act.DRAFT_POLICY, by=by)
    return existing(rows.filter(pk=trial_id, merchant_id=by.acting_for).select_related("draft").first(), "trial")


def _record(trial: Trial, action: str, by: Principal, at: datetime) -> None:
    record(
        merchant_id=trial.merchant_id,
        by=by.actor,
        action=action,
        object_type="policy_draft",
        object_id=trial.draft_id,
        at=at,
        data={
            "trial": trial.pk,
            "revision": trial.revision,
            "since": trial.since.isoformat(),
            "until": trial.until.isoformat(),
        },
    )


def left_s(trial: Trial, *, at: datetime) -> float | None:
    """How many seconds it will take at the pace so far; None: nothing is known yet."""
    if trial.running_since is None or not trial.done:
        return None
    took_s = (at - trial.running_since).total_seconds()
    return max(0.0, took_s * (trial.total - trial.done) / trial.done)


# --- the worker's side --------------------------------------------------------------------------------------------------


class _Stopped(Exception):
    """Somebody cancelled it, or another worker has it now."""


def is_due() -> bool:
    """Whether a trial waits for a worker."""
    return _due().exists()


def work() -> int:
    """Work off what waits, one after another. Returns how many came to their end."""
    ended = 0
    while (trial := _claim()) is not None:
        try:
            _run(trial)
        except _Stopped:
            continue
        ended += 1
    return ended


def _due() -> QuerySet[Trial]:
    lost = Q(state=TrialState.RUNNING, lease_until__lt=timezone.now())
    return Trial.objects.filter(Q(state=TrialState.WAITING) | lost).order_by("pk")


@transaction.atomic
def _claim() -> Trial | None:
    trial = _due().select_for_update(skip_locked=True).first()
    if trial is None:
        return None
    now = timezone.now()
    trial.state, trial.running_since, trial.lease_until = TrialState.RUNNING, now, now + _LEASE
    trial.attempt += 1
    trial.total = past.requests(merchant_id=trial.merchant_id, since=trial.since, until=trial.until).count()
    trial.done = 0
    trial.save(update_fields=["state", "running_since", "lease_until", "attempt", "total", "done"])
    return trial


def _held(trial: Trial) -> QuerySet[Trial]:
    """The trial as long as it is this worker's."""
    return Trial.objects.filter(pk=trial.pk, attempt=trial.attempt, state=TrialState.RUNNING)


def _run(trial: Trial) -> None:
    tally, changes = Tally(), []
    for tried, origin in _tried(trial, tally):
        by = changed_by(tried, origin)
        tally.add(tried, origin, by)
        if tried.is_changed:
            changes.append(_change(trial, tried, by))
    results = tally.as_json(minutes_each=minutes_each(trial))
    with transaction.atomic():
        if not _held(trial).select_for_update().exists():
            raise _Stopped
        TrialChange.objects.bulk_create(changes, batch_size=_AT_ONCE)
        results["became"] = {mode: became(trial, mode) for mode in MODES}
        _held(trial).update(
            state=TrialState.DONE, results=results, done=trial.total, lease_until=None, ended_at=timezone.now()
        )


def _tried(trial: Trial, tally: Tally) -> Iterator[tuple[Tried, Origin]]:
    """What the draft says of each request, while the lease is kept and the progress said. Raises ``_Stopped``."""
    origins: list[Origin] = []
    found = past.requests(merchant_id=trial.merchant_id, since=trial.since, until=trial.until)
    said = time.monotonic()
    done = 0

    def known() -> Iterator[Past]:
        nonlocal said, done
        for one in past.judged(found):
            done += 1
            if time.monotonic() - said >= _SAY_EVERY_S:
                said = time.monotonic()
                if not _held(trial).update(done=done, lease_until=timezone.now() + _LEASE):
                    raise _Stopped
            if one is None:
                tally.not_judgeable += 1
                continue
            origins.append(one[1])
            yield one[0]

    for tried in replayed(pasts=known(), rules=read_rules(trial.rules)):
        yield tried, origins.pop()


def _change(trial: Trial, tried: Tried, by: dict[str, str]) -> TrialChange:
    return TrialChange(
        trial=trial,
        request_id=tried.past.request_id,
        was=tried.past.was.value,
        plain=tried.plain.decision.value,
        fed=tried.fed.decision.value,
        plain_by=by["plain"],
        fed_by=by["fed"],
        amount_fen=tried.past.facts.amount_fen,
    )


def minutes_each(trial: Trial) -> float:
    """How long a review took in the period, on the average: from taking a request on to deciding it."""
    found = past.requests(merchant_id=trial.merchant_id, since=trial.since, until=trial.until)
    took = ExpressionWrapper(F("decided_at") - F("claimed_at"), output_field=DurationField())
    reviewed = found.filter(by_rule=False, claimed_at__isnull=False, decided_at__gt=F("claimed_at"))
    mean: timedelta | None = reviewed.aggregate(mean=Avg(took))["mean"]
    if mean is None:
        return USUAL_MINUTES
    return min(max(mean.total_seconds() / 60, _LEAST_MINUTES), _MOST_MINUTES)


def became(trial: Trial, mode: str) -> dict[str, dict[str, Any]]:
    """By cell of the matrix, what became of the requests that change in it."""
    differs = Execution.objects.filter(request=OuterRef("request"), differences__isnull=False)
    by_rule, state = Q(request__by_rule=True), "request__state"
    rows = (
        TrialChange.objects.filter(trial=trial)
        .exclude(**{mode: F("was")})
        .annotate(differs=Exists(differs))
        .values("was", mode)
        .annotate(
            requests=Count("pk"),
            approved=Count("pk", filter=~by_rule & Q(request__approved_fen__isnull=False)),
            rejected=Count("pk", filter=Q(**{state: State.REJECTED})),
            cancelled=Count("pk", filter=Q(**{state: State.CANCELLED})),
            failed=Count("pk", filter=Q(**{state: State.FAILED})),
            paid=Count("pk", filter=Q(**{f"{state}__in": PAID})),
            scores=Count("request__survey"),
            low_scores=Count("pk", filter=Q(request__survey__score__lte=LOW_SCORE)),
            score=Avg("request__survey__score"),
            differences=Count("pk", filter=Q(differs=True)),
        )
        .order_by("was", mode)
    )
    return {
        f"{row.pop('was')} > {row.pop(mode)}": {
            **row,
            "score": None if row["score"] is None else round(row["score"], 2),
        }
        for row in rows
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A request that is decided otherwise, as a list shows it."""

    request: RefundRequest
    was: str
    now: str
    by: str


def examples(trial: Trial, *, mode: str, cell: str = "", by: str = "") -> list[Changed]:
    """The fifty largest requests that change, of one cell of the matrix or by one line."""
    rows = TrialChange.objects.filter(trial=trial).exclude(**{mode: F("was")})
    if cell:
        was, _, now = cell.partition(" > ")
        rows = rows.filter(was=was, **{mode: now})
    if by:
        rows = rows.filter(**{f"{mode}_by": by})
    found = rows.select_related("request__store").defer("request__verdict").order_by("-amount_fen", "pk")[:50]
    return [
        Changed(request=row.request, was=row.was, now=getattr(row, mode), by=getattr(row, f"{mode}_by"))
        for row in found
    ]
