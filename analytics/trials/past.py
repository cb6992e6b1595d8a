"""The past as it was judged: stored facts, read in order of time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.fields.json import KT

from analytics.trials.replay import Past
from core.calendar import SHANGHAI
from merchants import policies
from refunds.models import Judgement, RefundRequest
from refunds.rules import policy
from refunds.rules.facts import Facts, kept_in
from refunds.rules.policy import Ruling
from refunds.states import RELEASED, State

#: Requests read in one go.
_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the figures are cut by, and under which version it was judged."""

    store: str
    reason: str
    cashier: str
    month: str
    version_id: int


def requests(*, merchant_id: int, since: datetime, until: datetime) -> QuerySet[RefundRequest]:
    """Those that came in the period; ``until`` is not part of it."""
    return RefundRequest.objects.filter(merchant_id=merchant_id, created_at__gte=since, created_at__lt=until)


def judged(found: QuerySet[RefundRequest]) -> Iterator[tuple[Past, Origin] | None]:
    """Each request as it was judged first, in order of time; None: its facts were not kept, or by another engine."""
    first = Judgement.objects.filter(request=OuterRef("pk"), sequence=1)
    again = Judgement.objects.filter(request=OuterRef("pk"), sequence__gt=1)
    rows = (
        found.order_by("created_at", "pk")
        .annotate(
            facts=first.values("facts")[:1],
            judged_by=first.values("policy_version_id")[:1],
            again=Exists(again),
            decision=KT("verdict__decision"),
        )
        .values_list(
            *("pk", "facts", "judged_by", "again", "decision", "state", "decided_at", "updated_at"),
            *("store__code", "reason", "cashier"),
        )
    )
    for row in rows.iterator(chunk_size=_AT_ONCE):
        yield _read(row)


def _read(row: tuple[Any, ...]) -> tuple[Past, Origin] | None:
    pk, text, version_id, again, decision, state, decided_at, updated_at, store, reason, cashier = row
    facts, who = (None, {}) if text is None else kept_in(text)
    if facts is None:
        return None
    was = judged_then(facts, version_id).decision if again else Ruling(decision)
    rejected = state == State.REJECTED
    past = Past(
        request_id=pk,
        facts=facts,
        was=was,
        order=who["order"],
        customers=who["customers"],
        cashiers=who["cashiers"],
        api_keys=who["keys"],
        released_at=(decided_at if rejected else updated_at) if state in RELEASED else None,
        was_rejected=rejected,
    )
    month = f"{facts.at.astimezone(SHANGHAI):%Y-%m}"
    return past, Origin(store=store, reason=reason, cashier=cashier, month=month, version_id=version_id)


def judged_then(facts: Facts, version_id: int) -> policy.Verdict:
    """The verdict of the version that judged it, line by line."""
    return policy.judge(facts=facts, rules=policies.rules_of(version_id), policy_version=0)
