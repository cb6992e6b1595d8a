"""What nobody decided in time goes to the next tier: it is nobody's again, those of the next tier may decide it, too, and the
desk shows it. Once a clock; who could decide it before still can, for late is better than later.
"""

from collections import defaultdict
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from core.audit.actors import POLICY
from core.failpoints import failpoint
from refunds import lifecycle
from refunds.facts import sums
from refunds.lifecycle import Move
from refunds.models import RefundRequest
from refunds.states import State

_AT_ONCE = 100
#: To decide, or to look at goods that are there: then the clock of those goes on.
_WAITS_FOR_A_PERSON = Q(state=State.IN_REVIEW) | Q(state=State.WAITING_GOODS, paused_at=None)


def work(*, at: datetime) -> int:
    """Escalate all whose time has run out; how many. Safe to run by several workers at once."""
    while _time_is_up(at) == _AT_ONCE:
        continue
    done = count = _some(at)
    while count == _AT_ONCE:
        count = _some(at)
        done += count
    return done


@transaction.atomic
def _time_is_up(at: datetime) -> int:
    """What waits for a provider waits no longer than the customer does: back in review, where it escalates."""
    late = RefundRequest.objects.filter(state=State.WAITING_VENDOR, due_at__lte=at).order_by("pk")
    locked = lifecycle.lock_requests(late.values_list("pk", flat=True)[:_AT_ONCE]).values()
    moves = [Move(one.pk, "vendor_answers", POLICY, at) for one in locked if one.state == State.WAITING_VENDOR]
    return len(lifecycle.advance_many(moves))


@transaction.atomic
def _some(at: datetime) -> int:
    late = RefundRequest.objects.filter(_WAITS_FOR_A_PERSON, due_at__lte=at, escalated_at=None)
    requests = list(
        late.select_for_update(skip_locked=True, of=("self",))
        .defer("customer_name", "customer_phone", "customer_email", "description")
        .select_related("transaction")
        .order_by("pk")[:_AT_ONCE]
    )
    if not requests:
        return 0
    RefundRequest.objects.filter(pk__in=[request.pk for request in requests]).update(
        escalated_at=at, claimed_by=None, claimed_at=None
    )
    asked_fen = sums.deciding_sums(requests)
    by_merchant: dict[int, list[RefundRequest]] = defaultdict(list)
    for request in requests:
        request.escalated_at = at
        by_merchant[request.merchant_id].append(request)
    told: list[tuple[RefundRequest, dict[str, str]]] = []
    for merchant_id, theirs in by_merchant.items():
        tiers_of = sums.tiers_in_force(merchant_id=merchant_id, at=at)
        for request in theirs:
            tiers = tiers_of(request, asked_fen[request.pk])
            told.append((request, {"from": tiers[0].name, "to": tiers[-1].name, "due_at": request.due_at.isoformat()}))
    lifecycle.record_acts(told, "refund.escalate", by=POLICY, at=at)
    failpoint("escalating.before_commit")
    return len(requests)
