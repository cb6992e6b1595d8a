"""A draft rides along: it judges each request that comes in from the facts that were stored with it, after the fact.

Nothing of the refund waits for it or knows of it: a draft that is slow, or cannot judge, is late by itself.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet, Sum

from analytics.models import Shadow, ShadowVerdict
from analytics.trials import past
from analytics.trials.replay import Tried
from analytics.trials.tally import changed_by
from core.audit.record import record
from core.errors import Conflict, Invalid, NotFound
from merchants.models import Merchant, PolicyDraft
from merchants.policies import drafting
from merchants.policies.rules import read_rules
from merchants.principals import Principal
from merchants.rights import Act, check_may
from refunds.models import RefundRequest
from refunds.rules.policy import judge

MOST_DAYS = 14
_AT_ONCE = 500
#: Requests are looked at once every transaction that could still store an older one is over.
_SETTLED = timedelta(seconds=30)


class ShadowRunning(Conflict, code="shadow_running"):
    """Another draft of this merchant rides along."""


class ShadowEnded(Conflict, code="shadow_ended"):
    """It rides along no more."""


@transaction.atomic
def start(*, draft_id: int, days: int, by: Principal, at: datetime) -> Shadow:
    """Let the draft as it is now ride along for some days. Raises what ``draft_of`` raises, ``Invalid`` or ``ShadowRunning``."""
    draft = drafting.draft_of(draft_id=draft_id, by=by)
    assert by.staff_id is not None  # the table lets nobody but staff come here
    if not 1 <= days <= MOST_DAYS:
        raise Invalid(f"a draft rides along for 1 to {MOST_DAYS} days", code="shadow_days")
    Merchant.objects.select_for_update().get(pk=draft.merchant_id)
    running = Shadow.objects.filter(merchant_id=draft.merchant_id, stopped_at=None)
    running.filter(ends_at__lte=at).update(stopped_at=F("ends_at"))
    if running.exists():
        raise ShadowRunning("another draft rides along")
    shadow = Shadow.objects.create(
        merchant_id=draft.merchant_id,
        draft=draft,
        revision=draft.revision,
        rules=draft.rules,
        started_by_id=by.staff_id,
        started_at=at,
        ends_at=at + timedelta(days=days),
        seen_at=at,
    )
    _record(shadow, "policy.shadow", by, at)
    return shadow


@transaction.atomic
def stop(*, shadow_id: int, by: Principal, at: datetime) -> Shadow:
    """End it before its time; what it said is kept. Raises ``NotFound``, ``Forbidden`` or ``ShadowEnded``."""
    check_may(Act.DRAFT_POLICY, by=by)
    shadow = Shadow.objects.select_for_update().filter(pk=shadow_id, merchant_id=by.acting_for).first()
    if shadow is None:
        raise NotFound("there is no such thing")
    if shadow.stopped_at is not None or shadow.ends_at <= at:
        raise ShadowEnded("it has ended")
    shadow.stopped_at = at
    shadow.save(update_fields=["stopped_at"])
    _record(shadow, "policy.shadow_stop", by, at)
    return shadow


def shadows_of(draft: PolicyDraft) -> QuerySet[Shadow]:
    """Those of a draft, the last one first."""
    return Shadow.objects.filter(draft=draft).select_related("started_by").order_by("-pk")


def is_running(shadow: Shadow, *, at: datetime) -> bool:
    """Whether it still judges beside what is in force."""
    return shadow.stopped_at is None and at < shadow.ends_at


def _record(shadow: Shadow, action: str, by: Principal, at: datetime) -> None:
    record(
        merchant_id=shadow.merchant_id,
        by=by.actor,
        action=action,
        object_type="policy_draft",
        object_id=shadow.draft_id,
        at=at,
        data={"shadow": shadow.pk, "revision": shadow.revision, "ends_at": shadow.ends_at.isoformat()},
    )


# --- the worker's side --------------------------------------------------------------------------------------------------


def work(*, at: datetime) -> int:
    """Judge what came since. Returns how many requests were judged; safe to be run by several workers."""
    running = Shadow.objects.filter(stopped_at=None, seen_at__lt=F("ends_at")).values_list("pk", flat=True)
    return sum(_ride(shadow_id, at) for shadow_id in running.order_by("pk"))


def _ride(shadow_id: int, at: datetime) -> int:
    judged = 0
    while True:
        with transaction.atomic():
            shadow = Shadow.objects.select_for_update(skip_locked=True).filter(pk=shadow_id, stopped_at=None).first()
            if shadow is None:
                return judged
            until = min(at - _SETTLED, shadow.ends_at)
            came = past.requests(merchant_id=shadow.merchant_id, since=shadow.seen_at, until=until)
            if shadow.seen_id is not None:
                came = came.filter(Q(created_at__gt=shadow.seen_at) | Q(pk__gt=shadow.seen_id))
            last = list(came.order_by("created_at", "pk").values_list("pk", "created_at")[:_AT_ONCE])
            if last:
                found = past.requests(merchant_id=shadow.merchant_id, since=shadow.seen_at, until=until).filter(
                    pk__in=[pk for pk, _ in last]
                )
                ShadowVerdict.objects.bulk_create(_verdicts(shadow, found), ignore_conflicts=True)
                shadow.seen_id, shadow.seen_at = last[-1]
            elif shadow.ends_at <= at - _SETTLED:
                shadow.stopped_at = shadow.ends_at
            shadow.save(update_fields=["seen_id", "seen_at", "stopped_at"])
        judged += len(last)
        if len(last) < _AT_ONCE:
            return judged


def _verdicts(shadow: Shadow, found: QuerySet[RefundRequest]) -> list[ShadowVerdict]:
    rules, made = read_rules(shadow.rules), []
    for one in past.judged(found):
        if one is None:
            continue
        facts, origin = one[0].facts, one[1]
        verdict = judge(facts=facts, rules=rules, policy_version=0)
        tried = Tried(one[0], verdict, verdict, facts)
        made.append(
            ShadowVerdict(
                shadow=shadow,
                request_id=one[0].request_id,
                was=one[0].was.value,
                now=verdict.decision.value,
                by=changed_by(tried, origin)["plain"],
                amount_fen=facts.amount_fen,
            )
        )
    return made


# --- what it said -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """``agreed`` of ``requests`` are decided alike; ``matrix`` has (requests, fen) by cell, ``rules`` the lines that differ."""

    requests: int
    agreed: int
    matrix: dict[str, tuple[int, int]]
    rules: dict[str, int]
    differing: list[ShadowVerdict]

    @property
    def agreed_pct(self) -> float | None:
        return 100 * self.agreed / self.requests if self.requests else None


def agreement(shadow: Shadow) -> Agreement:
    """How the draft and the policy in force have judged the same requests, with the newest twenty that differ."""
    said = ShadowVerdict.objects.filter(shadow=shadow)
    cells = said.values("was", "now").annotate(requests=Count("pk"), fen=Sum("amount_fen")).order_by("was", "now")
    matrix = {f"{row['was']} > {row['now']}": (row["requests"], row["fen"]) for row in cells}
    agreed = sum(row["requests"] for row in cells if row["was"] == row["now"])
    differ = said.exclude(was=F("now"))
    rules = Counter({row["by"]: row["count"] for row in differ.values("by").annotate(count=Count("pk")).order_by("by")})
    return Agreement(
        requests=sum(count for count, _ in matrix.values()),
        agreed=agreed,
        matrix=matrix,
        rules=dict(rules.most_common()),
        differing=list(differ.select_related("request").order_by("-pk")[:20]),
    )
